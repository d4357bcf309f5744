import { createHash } from 'node:crypto';
import type { FleetTaskUid } from '../../core/ids';
import { fleetTaskUid } from '../../core/ids';
import { tryAgain, refuse } from '../errors';
import type { ActivityTools, Call } from '../tools';

/**
 * The ordinary write path, as a client of the api: what is imported is checked, split, ordered and
 * committed like any client's write. Each request carries an idempotency key, so one that is sent
 * again, by this attempt or by the next one, is the task that it was.
 */

export interface Batch {
  readonly uid: string;
  readonly primaryKey: string | null;
  /** NDJSON. */
  readonly body: Buffer;
  /** What makes this batch the one it is: import, index, line, and how often its task was lost. */
  readonly identity: string;
}

export type Sent =
  | { readonly kind: 'task'; readonly task: FleetTaskUid }
  /** The payload cannot be taken as it is. */
  | { readonly kind: 'refused'; readonly code: string; readonly message: string };

const requestDeadlineMs = 150_000;
const attemptsMax = 8;
const firstPauseMs = 200;
const lastPauseMs = 10_000;

/** A body of the same identity is the same body, so a key is never used with another one. */
function keyOf({ identity, body }: Batch): string {
  return `import-${createHash('sha256').update(`${identity}\n`).update(body).digest('hex')}`;
}

/** Sends one batch; a fleet that is busy is asked again for a while. */
export async function sendBatch(tools: ActivityTools, batch: Batch, call: Call): Promise<Sent> {
  const key = keyOf(batch);
  let pauseMs = firstPauseMs;
  let last = '';
  for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
    if (attempt > 0) {
      await tools.clock.sleep(pauseMs, call.signal);
      pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    }
    const answer = await ask(tools, batch, { key, call });
    if (answer === null) {
      last = 'no answer';
      continue;
    }
    const { status, body } = answer;
    if (status === 202) return { kind: 'task', task: fleetTaskUid(Number(body['taskUid'])) };
    const code = String(body['code'] ?? status);
    const message = String(body['message'] ?? '');
    if (status === 401 || status === 403) {
      throw tryAgain('import-unauthorised', `The api does not let the worker write: ${message}`);
    }
    if (status !== 429 && status < 500) return { kind: 'refused', code, message };
    last = `${code}: ${message}`;
  }
  throw tryAgain('import-busy', `The api takes no documents now: ${last}`);
}

interface Answer {
  readonly status: number;
  readonly body: { readonly [member: string]: unknown };
}

/** Null: no answer, so it is not known whether the write was taken. */
async function ask(
  { clientApi }: ActivityTools,
  { uid, primaryKey, body }: Batch,
  { key, call }: { readonly key: string; readonly call: Call },
): Promise<Answer | null> {
  if (clientApi === null) {
    throw refuse('import-refused', 'The worker was given no url of the api (worker.apiUrl).');
  }
  const query = primaryKey === null ? '' : `?primaryKey=${encodeURIComponent(primaryKey)}`;
  try {
    const response = await fetch(
      new URL(`/indexes/${encodeURIComponent(uid)}/documents${query}`, clientApi.url),
      {
        method: 'POST',
        headers: {
          'content-type': 'application/x-ndjson',
          'idempotency-key': key,
          ...authorizationOf(clientApi.key),
        },
        body,
        signal: AbortSignal.any([call.signal, AbortSignal.timeout(requestDeadlineMs)]),
      },
    );
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  } catch {
    call.signal.throwIfAborted();
    return null;
  }
}

export const authorizationOf = (key: string | null): { authorization?: string } =>
  key === null ? {} : { authorization: `Bearer ${key}` };

/** Switches experimental features on; what the api refuses is told. */
export async function enableFeatures(
  { clientApi }: ActivityTools,
  names: readonly string[],
  call: Call,
): Promise<void> {
  if (names.length === 0 || clientApi === null) return;
  const response = await fetch(new URL('/experimental-features', clientApi.url), {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', ...authorizationOf(clientApi.key) },
    body: JSON.stringify(Object.fromEntries(names.map((name) => [name, true]))),
    signal: AbortSignal.any([call.signal, AbortSignal.timeout(requestDeadlineMs)]),
  });
  if (response.ok) return;
  const { message } = (await response.json()) as { message?: string };
  throw tryAgain('import-busy', `The features could not be switched on: ${message ?? ''}`);
}

export type TaskEnd =
  | { readonly ok: true }
  /** `lost`: a pod died with it, or it was deleted; the same documents may be sent again. */
  | { readonly ok: false; readonly lost: boolean; readonly code: string; readonly message: string };

const lostCodes: ReadonlySet<string> = new Set(['miroir_interrupted']);
const fullCodes: ReadonlySet<string> = new Set([
  'no_space_left_on_device',
  'database_size_limit_reached',
]);

/** Waits until a task is over. A full disk is no fault of the documents: the attempt ends. */
export async function taskEnd(
  { store, clock }: ActivityTools,
  uid: FleetTaskUid,
  call: Call,
): Promise<TaskEnd> {
  let pauseMs = 5;
  for (;;) {
    const task = await store.tasks.get(uid);
    if (task === null) {
      return { ok: false, lost: true, code: 'task_not_found', message: 'Its task was deleted.' };
    }
    if (task.status === 'succeeded') return { ok: true };
    if (task.finishedAt !== null) {
      const code = String(task.error?.['code'] ?? task.status);
      const message = String(task.error?.['message'] ?? `The task was ${task.status}.`);
      if (fullCodes.has(code)) throw tryAgain('node-full', message);
      const lost = task.status === 'canceled' || lostCodes.has(code);
      return { ok: false, lost, code, message };
    }
    await clock.sleep(pauseMs, call.signal);
    pauseMs = Math.min(pauseMs * 2, 200);
  }
}
