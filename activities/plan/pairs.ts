import type { IndexEntry } from '../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../core/ids';
import type { SyncPair } from '../../core/operations';
import type { Move } from '../../core/plan-moves';

/** The group in whose table the source's copy of the shard stands. */
function groupOfCopy(entry: IndexEntry, shard: ShardId, node: NodeId, wanted: GroupId): GroupId {
  const groups = entry.placement
    .filter(({ shards }) => (shards[shard] ?? []).some((replica) => replica.node === node))
    .map(({ group }) => group);
  return groups.includes(wanted) ? wanted : (groups[0] ?? wanted);
}

/** Moves of one index between one pair of nodes go together: they join under one fence. */
export function pairsOf(entry: IndexEntry, moves: readonly Move[]): SyncPair[] {
  const pairs = new Map<string, SyncPair & { readonly shards: ShardId[] }>();
  for (const { physicalUid, group, shard, source, target, kind } of moves) {
    const sourceGroup = groupOfCopy(entry, shard, source, group);
    const key = [group, sourceGroup, source, target, kind].join('\n');
    const pair = pairs.get(key) ?? {
      ...{ physicalUid, index: entry.uid, group, source, sourceGroup, target, kind },
      shards: [],
    };
    pair.shards.push(shard);
    pairs.set(key, pair);
  }
  return [...pairs.values()];
}
