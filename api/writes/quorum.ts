import type { IndexEntry } from '../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../core/ids';
import type { WriteQuorum } from '../../config/config';

export interface StaleReplica {
  readonly group: GroupId;
  readonly shard: ShardId;
  readonly node: NodeId;
}

export interface Verdict {
  /** Replicas that should have taken the write and did not. */
  readonly stale: readonly StaleReplica[];
  /** Shards for which no group has enough replicas with the write. */
  readonly lacking: readonly ShardId[];
  /** Shards that no replica at all took. */
  readonly untaken: readonly ShardId[];
  /** Groups in which some shard has no replica with the write. */
  readonly groupsMissed: readonly GroupId[];
}

/** The shards as numbers, with `all` spelled out. */
export function shardsOf(entry: IndexEntry, shards: readonly ShardId[] | 'all'): ShardId[] {
  return shards === 'all'
    ? Array.from({ length: entry.shardCount }, (_, shard) => shard as ShardId)
    : [...shards];
}

/**
 * Whether a write stands. For each shard some group must have `minInSync` in-sync replicas that took
 * it (with `majority`, more than half of the group's in-sync ones); every in-sync or joined replica
 * that did not is stale from now on. A shard that nobody took marks nobody: its replicas still agree.
 */
export function judge(
  entry: IndexEntry,
  shards: readonly ShardId[],
  accepted: ReadonlySet<NodeId>,
  rule: { readonly minInSync: number; readonly writeQuorum: WriteQuorum },
): Verdict {
  const stale: StaleReplica[] = [];
  const lacking: ShardId[] = [];
  const untaken: ShardId[] = [];
  const groupsMissed = new Set<GroupId>();
  for (const shard of shards) {
    let stands = false;
    let taken = false;
    const missed: StaleReplica[] = [];
    for (const { group, shards: rows } of entry.placement) {
      const replicas = rows[shard] ?? [];
      const inSync = replicas.filter((replica) => replica.state === 'in-sync');
      const took = inSync.filter((replica) => accepted.has(replica.node)).length;
      const needed =
        rule.writeQuorum === 'majority' ? Math.floor(inSync.length / 2) + 1 : rule.minInSync;
      if (took > 0) taken = true;
      else if (inSync.length > 0) groupsMissed.add(group);
      if (took >= Math.max(1, needed)) stands = true;
      for (const { node, state } of replicas) {
        if ((state === 'in-sync' || state === 'joined') && !accepted.has(node)) {
          missed.push({ group, shard, node });
        }
      }
    }
    if (!stands) lacking.push(shard);
    if (taken) stale.push(...missed);
    else untaken.push(shard);
  }
  return { stale, lacking, untaken, groupsMissed: [...groupsMissed] };
}

/** `groups=1;stale=meili-2`: what `X-Miroir-Degraded` says of a write; null when all took it. */
export function degradedHeader(verdict: Verdict): string | null {
  const nodes = [...new Set(verdict.stale.map(({ node }) => node))].sort();
  const parts = [
    ...(verdict.groupsMissed.length > 0 ? [`groups=${verdict.groupsMissed.join(',')}`] : []),
    ...(nodes.length > 0 ? [`stale=${nodes.join(',')}`] : []),
  ];
  return parts.length === 0 ? null : parts.join(';');
}
