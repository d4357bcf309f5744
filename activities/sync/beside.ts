import type { ReplicaState } from '../../core/fleet';
import type { NodeId, ShardId } from '../../core/ids';
import { inSyncBeside, takeBack } from '../../core/replicas';
import { isNodeError } from '../../meili/node-error';
import { refuse, tryAgain } from '../errors';
import { inspect } from '../nodes/inspect';
import { nodeOf } from '../tools';
import type { ActivityTools } from '../tools';
import type { LeaveRequest } from '../types';
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
  shards: readonly ShardId[],
): Promise<void> {
  const { physicalUid, node, group } = request;
  const entry = findEntry(await tools.store.fleet.load(), physicalUid);
  if (entry === null) return;
  // A copy that is half made, or stale, is no loss.
  const whole = shards.filter((shard) => isWhole(stateOf(entry, { group, shard, node })));
  const others = whole.map((shard) => inSyncBeside(entry, request, shard));
  const known = await whoIs(tools, new Set(others.flat()));
  const alone = others.filter(
    (nodes) => nodes.length > 0 && !nodes.some((id) => known.get(id) === 'known'),
  );
  if (alone.length === 0) return;
  const away = [...new Set(alone.flat())].filter((id) => known.get(id) === 'away').sort();
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

async function whoIs(
  tools: ActivityTools,
  ids: ReadonlySet<NodeId>,
): Promise<ReadonlyMap<NodeId, 'known' | 'strange' | 'away'>> {
  const asked = [...ids].map(async (id) => {
    try {
      const { kind } = await inspect(tools, await nodeOf(tools, id));
      return [id, kind === 'strange' ? kind : 'known'] as const;
    } catch (error) {
      if (!isNodeError(error)) throw error;
      return [id, 'away'] as const;
    }
  });
  return new Map(await Promise.all(asked));
}
