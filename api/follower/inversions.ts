import type { NodeId, NodeTaskUid, ShardId } from '../../core/ids';
import { shardId } from '../../core/ids';
import type { FleetTask } from '../../store/task-types';
import type { Diverged } from './fold';
import { partsOf, roleOf } from './fold';

/**
 * Nodes that took this write in another order than the fleet gave it: of two tasks of one index, the
 * one with the lower fleet uid must have the lower node uid. A node knows no fencing numbers, so a
 * request that landed late shows only here.
 */
export function findInversions(task: FleetTask, others: Iterable<FleetTask>): Diverged[] {
  const mine = nodeUids(task);
  const inverted = new Map<NodeId, Set<ShardId>>();
  for (const other of others) {
    if (
      other.physicalUid !== task.physicalUid ||
      other.physicalUid === null ||
      other.uid === task.uid
    )
      continue;
    for (const [node, uid] of nodeUids(other)) {
      const here = mine.get(node);
      if (here === undefined || other.uid < task.uid === uid < here) continue;
      const common = commonShards(task, other, node);
      if (common.length > 0)
        inverted.set(node, new Set([...(inverted.get(node) ?? []), ...common]));
    }
  }
  return [...inverted].map(([node, shards]) => ({ node, shards: [...shards] }));
}

function nodeUids(task: FleetTask): Map<NodeId, NodeTaskUid> {
  return new Map(
    task.nodeTasks.filter((ref) => roleOf(ref) === 'main').map(({ node, uid }) => [node, uid]),
  );
}

function commonShards(a: FleetTask, b: FleetTask, node: NodeId): ShardId[] {
  const ofB = new Set(partsOf(b)[node] ?? []);
  return (partsOf(a)[node] ?? []).filter((shard) => ofB.has(shard)).map((shard) => shardId(shard));
}
