import type { JsonValue } from '../../core/fleet';
import type { NodeTaskUid, PhysicalUid } from '../../core/ids';
import { physicalUid } from '../../core/ids';
import type { MigrationSource } from '../../core/migration';
import { createNodeClient } from '../../meili/node-client';
import { isNodeError } from '../../meili/node-error';
import { checkOutbound } from '../../meili/outbound-guard';
import type { NodeClient } from '../../meili/types';
import { refuse, tryAgain } from '../errors';
import type { ActivityTools, Call } from '../tools';

type JsonObject = { readonly [member: string]: JsonValue };

/** The old instance and the fleet, both as a client of Meilisearch sees them. */
export interface Instances {
  readonly old: NodeClient;
  readonly fleet: NodeClient;
}

/**
 * Opens both for the length of `work`. Documents enter the fleet through its own api: checked, routed,
 * ordered and acknowledged like a client's, so that nothing of a write has to be known here.
 */
export async function withInstances<T>(
  tools: ActivityTools,
  source: MigrationSource,
  work: (instances: Instances) => Promise<T>,
): Promise<T> {
  const { clientApi } = tools;
  if (clientApi === null) {
    throw refuse('migration-refused', 'The worker was given no url of the api (`worker.apiUrl`).');
  }
  const verdict = await checkOutbound(source.url, tools.config.outbound);
  if (!verdict.ok) throw refuse('migration-refused', `The old instance: ${verdict.reason}.`);
  const { nodeDeadlineMs: deadlineMs } = tools.config;
  const old = createNodeClient({ url: source.url, key: await keyOf(tools, source), deadlineMs });
  const fleet = createNodeClient({ url: clientApi.url, key: clientApi.key ?? '', deadlineMs });
  try {
    return await work({ old, fleet });
  } finally {
    await old.close();
    await fleet.close();
  }
}

async function keyOf(tools: ActivityTools, { secret }: MigrationSource): Promise<string> {
  if (secret === null) return '';
  const record = await tools.store.secrets.get(secret);
  const key = record === null ? null : tools.unseal(record.sealed);
  if (key !== null) return key;
  throw refuse(
    'migration-refused',
    'The key of the old instance is not in the store any more; start the migration again.',
  );
}

/** Taken away when the operation is over, however it ended. */
export async function forgetSecret(
  { store }: ActivityTools,
  { secret }: { readonly secret: string },
): Promise<void> {
  await store.secrets.delete(secret);
}

/** An answer of JSON; a status of 400 or more is a refusal, but for 404 where `missing` allows it. */
export async function ask(
  client: NodeClient,
  request: {
    readonly method: 'GET' | 'POST' | 'DELETE';
    readonly path: string;
    readonly body?: object;
  },
  { signal }: Call,
): Promise<{ readonly status: number; readonly body: JsonObject }> {
  const { status, bytes } = await client.request({ ...request, signal });
  const text = bytes.toString('utf8');
  const body = text === '' ? {} : (JSON.parse(text) as JsonObject);
  if (status >= 500 || status === 429) {
    throw tryAgain(
      'instance-unwell',
      `${request.method} ${request.path} answered ${String(status)}.`,
    );
  }
  return { status, body };
}

/** Waits as long as it takes for a task of the fleet; a failed one is final. */
export async function fleetTask(
  { fleet }: Instances,
  uid: NodeTaskUid | JsonValue | undefined,
  call: Call,
): Promise<void> {
  if (typeof uid !== 'number') throw tryAgain('instance-unwell', 'The fleet gave no task.');
  const deadlineMs = 24 * 3_600_000;
  const task = await fleet.waitForTask(uid as NodeTaskUid, { signal: call.signal, deadlineMs });
  if (task.status === 'succeeded') return;
  const { type, status, error } = task;
  throw refuse('migration-refused', `${type} in the fleet ${status}: ${error?.message ?? ''}`);
}

/** What a wrong key or a missing right looks like from here. */
export function isForbidden(error: unknown): boolean {
  return isNodeError(error) && (error.status === 401 || error.status === 403);
}

/** Both sides name an index by its client's uid: neither is one of the fleet's own nodes. */
export const named = (uid: string): PhysicalUid => physicalUid(uid);
