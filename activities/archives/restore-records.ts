import type { ArchiveContents } from '../../archives/archive';
import type { ImportRef } from '../../core/archives/types';
import type { Canary, RolloverPolicy } from '../../store/record-types';
import { tryAgain } from '../errors';
import type { ActivityTools, Call } from '../tools';

const answerDeadlineMs = 30_000;

/** They name indexes and aliases as they were, so they are of no use under a prefix. */
export const restoresRecords = ({ policies, prefix }: ImportRef): boolean =>
  policies === true && prefix === '';

/**
 * Makes the rollover policies and canaries of a backup that are not there, the way an operator would:
 * the api checks them and makes their schedules. Those that are there stay as they are, so a second
 * try changes nothing. Returns how many were made.
 */
export async function restoreRecords(
  tools: ActivityTools,
  { policies, canaries }: Pick<ArchiveContents, 'policies' | 'canaries'>,
  call: Call,
): Promise<number> {
  const wanted = [
    ...(policies as RolloverPolicy[]).map((policy) => ({
      path: `/_miroir/rollover-policies/${encodeURIComponent(policy.name)}`,
      body: policyBody(policy),
    })),
    ...(canaries as Canary[]).map((canary) => ({
      path: `/_miroir/canaries/${encodeURIComponent(canary.id)}`,
      body: canaryBody(canary),
    })),
  ];
  let made = 0;
  for (const { path, body } of wanted) {
    if ((await ask(tools, { method: 'GET', path }, call)).status === 200) continue;
    const { status, code, message } = await ask(tools, { method: 'PUT', path, body }, call);
    const error = `${path}: ${message}`;
    if (status >= 500) throw tryAgain(code, error);
    // Its index or alias was left out of this restore: the operator is told, nothing else is undone.
    if (status >= 400) tools.log.warn({ path, code }, 'a record of the backup was refused');
    else made += 1;
  }
  return made;
}

function policyBody(policy: RolloverPolicy): object {
  const { enabled, writeAlias, readAlias, pattern, triggers, retention, template } = policy;
  return {
    ...{ enabled, write_alias: writeAlias, pattern, triggers, retention, template },
    ...(readAlias === null ? {} : { read_alias: readAlias }),
  };
}

function canaryBody({ index, enabled, query, assertions, intervalMs }: Canary): object {
  return { index, enabled, query, assertions, intervalMs };
}

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

async function ask(
  { operatorApi }: ActivityTools,
  request: { readonly method: string; readonly path: string; readonly body?: object },
  call: Call,
): Promise<Answer> {
  if (operatorApi === null) {
    throw tryAgain('api-unknown', 'The worker was given no url of the api (MIROIR_API_URL).');
  }
  const answer = await fetch(new URL(request.path, operatorApi.url), {
    method: request.method,
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${operatorApi.adminKey}`,
    },
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    signal: AbortSignal.any([call.signal, AbortSignal.timeout(answerDeadlineMs)]),
  });
  const body = (await answer.json()) as { code?: string; message?: string };
  return { status: answer.status, code: body.code ?? '', message: body.message ?? '' };
}
