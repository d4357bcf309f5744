import type { ReplicaState } from '../../core/fleet';
import type { ShardId } from '../../core/ids';
import { inSyncBeside, takeBack } from '../../core/replicas';
import { refuse, tryAgain } from '../errors';
import type { ActivityTools, Call } from '../tools';
import type { LeaveRequest } from '../types';
import { presenceOf } from './away';
import { changeReplicas, findEntry, stateOf } from './replica-changes';

/**
 * Before a copy goes, another one must be there: in sync by the table, on a node that answers now and
 * whose disk is the one that took the writes. The table alone does not know of a disk that was lost in
 * the grace time. A node that does not answer is waited for. Where the other copies are lost, this one
 * is read again, as long as it took every write, and the clean-up ends with `copy-needed`.
 */
export async function demandAnotherCopy(
  tools: ActivityTools,
  request: LeaveRequest,
  { shards, call }: { readonly shards: readonly ShardId[]; readonly call: Call },
): Promise<void> {
  const { physicalUid, node, group } = request;
  const entry = findEntry(await tools.store.fleet.load(), physicalUid);
  if (entry === null) return;
  // A copy that is half made, or stale, is no loss.
  const whole = shards.filter((shard) => isWhole(stateOf(entry, { group, shard, node })));
  const others = whole.map((shard) => inSyncBeside(entry, request, shard));
  const presence = await presenceOf(tools, others.flat(), call);
  const alone = others.filter(
    (nodes) => nodes.length > 0 && !nodes.some((id) => presence.get(id) === 'here'),
  );
  if (alone.length === 0) return;
  const away = [...new Set(alone.flat())].filter((id) => presence.get(id) === 'away').sort();
  if (away.length > 0) {
    throw tryAgain(
      'copy-away',
      `${away.join(', ')} must answer before ${node} gives its copies up.`,
    );
  }
  const lost = new Set(alone.flat());
  const step = { group, node, shards };
  await changeReplicas(tools, { ...request, what: `read ${node} again` }, (now) =>
    takeBack(now, step, lost),
  );
  const names = [...lost].sort().join(', ');
  throw refuse('copy-needed', `The disk of ${names} was lost, so the copies on ${node} are kept.`);
}

const isWhole = (state: ReplicaState | null): boolean => state === 'joined' || state === 'in-sync';
