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

export interface JudgeRule {
  readonly minInSync: number;
  readonly writeQuorum: WriteQuorum;
  /** Nodes of which nobody can tell whether they took it: they did not answer any more. */
  readonly unsure?: ReadonlySet<NodeId>;
}

/**
 * Whether a write stands. For each shard some group must have `minInSync` in-sync replicas that took
 * it (with `majority`, more than half of the group's in-sync ones); every in-sync or joined replica
 * that did not is stale from now on. Of a shard that no in-sync replica took for sure, those become
 * stale that may have it, so that what is read agrees; one in-sync replica always stays.
 */
export function judge(
  entry: IndexEntry,
  shards: readonly ShardId[],
  accepted: ReadonlySet<NodeId>,
  rule: JudgeRule,
): Verdict {
  const stale: StaleReplica[] = [];
  const lacking: ShardId[] = [];
  const untaken: ShardId[] = [];
  const groupsMissed = new Set<GroupId>();
  for (const shard of shards) {
    let stands = false;
    let taken = false;
    const writers: Writer[] = [];
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
        if (state !== 'in-sync' && state !== 'joined') continue;
        writers.push({ group, shard, node, inSync: state === 'in-sync' });
      }
    }
    if (!stands) lacking.push(shard);
    if (!taken) untaken.push(shard);
    const left = taken
      ? writers.filter(({ node }) => !accepted.has(node))
      : mayDiffer(writers, accepted, rule.unsure ?? new Set());
    stale.push(...left.map(({ group, node }) => ({ group, shard, node })));
  }
  return { stale, lacking, untaken, groupsMissed: [...groupsMissed] };
}

interface Writer extends StaleReplica {
  readonly inSync: boolean;
}

/** Of replicas of which no in-sync one took the write for sure: those that may not be like the rest. */
function mayDiffer(
  writers: readonly Writer[],
  accepted: ReadonlySet<NodeId>,
  unsure: ReadonlySet<NodeId>,
): Writer[] {
  const mayHaveIt = ({ node }: Writer): boolean => accepted.has(node) || unsure.has(node);
  const inSync = writers.filter((writer) => writer.inSync);
  if (!writers.some(mayHaveIt)) return [];
  if (inSync.some((writer) => !mayHaveIt(writer))) return writers.filter(mayHaveIt);
  const [kept] = inSync;
  return writers.filter((writer) => writer !== kept);
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
