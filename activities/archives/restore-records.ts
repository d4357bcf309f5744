import type { ArchiveContents } from '../../archives/archive';
import type { ImportRef } from '../../core/archives/types';
import type { Canary, RolloverPolicy } from '../../store/record-types';
import { tryAgain } from '../errors';
import { askOperatorApi } from '../operator-api';
import type { ActivityTools, Call } from '../tools';

const deadlineMs = 30_000;

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
    const present = await askOperatorApi(tools, { method: 'GET', path, deadlineMs }, call);
    if (present.status === 200) continue;
    const request = { method: 'PUT', path, body, deadlineMs };
    const { status, body: answer } = await askOperatorApi(tools, request, call);
    const { code = '', message = '' } = answer;
    if (status >= 500) throw tryAgain(code, `${path}: ${message}`);
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
