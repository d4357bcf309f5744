import type { GroupPlacement, IndexEntry, Replica, ReplicaState } from './fleet';
import { shardId } from './ids';
import type { NodeId, ShardId } from './ids';
import { bucketCount } from './limits';

/**
 * Resharding changes how many buckets stand in one row of the placement table. Documents carry their
 * bucket and never their shard, so no document is touched: rows are cut, or rows that say the same are
 * put together.
 */

export const isShardCount = (count: number): boolean =>
  Number.isInteger(count) && count >= 1 && count <= bucketCount && (count & (count - 1)) === 0;

/**
 * The shards that have the buckets of these shards under another count. Where shards are joined, a
 * part of one stands for the whole of it.
 */
export function mapShards(shards: readonly number[], from: number, to: number): ShardId[] {
  const mapped = new Set<number>();
  for (const shard of shards) {
    if (to <= from) {
      mapped.add(Math.floor((shard * to) / from));
      continue;
    }
    const pieces = to / from;
    for (let piece = 0; piece < pieces; piece += 1) mapped.add(shard * pieces + piece);
  }
  return [...mapped].sort((a, b) => a - b).map(shardId);
}

export type Resharded =
  | { readonly ok: true; readonly placement: readonly GroupPlacement[] }
  | { readonly ok: false; readonly reason: string };

/** States that belong to a sync, whose journal and fence are kept by shard number. */
const moving: ReadonlySet<ReplicaState> = new Set(['syncing', 'joined', 'leaving']);

/**
 * The table of the index under another number of shards, with every bucket where it was. Refused while
 * copies are being moved, and for fewer shards while the pieces of one are not on the same nodes.
 */
export function reshardPlacement(entry: IndexEntry, shardCount: number): Resharded {
  if (!isShardCount(shardCount)) {
    return {
      ok: false,
      reason: `the number of shards must be a power of two from 1 to ${String(bucketCount)}`,
    };
  }
  for (const { group, shards } of entry.placement) {
    for (const [shard, row] of shards.entries()) {
      const open = row.find(({ state }) => moving.has(state));
      if (open === undefined) continue;
      const where = `shard ${String(shard)} of group ${String(group)} on ${open.node}`;
      return { ok: false, reason: `${where} is ${open.state}: a move of it is not over` };
    }
  }
  return shardCount >= entry.shardCount
    ? { ok: true, placement: splitPlacement(entry, shardCount) }
    : join(entry, shardCount);
}

/** Each row stands for all pieces of its shard, whatever the states of its copies. */
export function splitPlacement(
  { placement, shardCount: from }: IndexEntry,
  to: number,
): GroupPlacement[] {
  const pieces = to / from;
  return placement.map(({ group, shards }) => ({
    group,
    shards: Array.from({ length: to }, (_, shard) => shards[Math.floor(shard / pieces)] ?? []),
  }));
}

function join(entry: IndexEntry, to: number): Resharded {
  const pieces = entry.shardCount / to;
  const placement: GroupPlacement[] = [];
  for (const { group, shards } of entry.placement) {
    const joined: (readonly Replica[])[] = [];
    for (let shard = 0; shard < to; shard += 1) {
      const rows = shards.slice(shard * pieces, (shard + 1) * pieces);
      const row = joinRows(rows);
      if (row === null) {
        return {
          ok: false,
          reason: `the pieces of shard ${String(shard)} of group ${String(group)} are not on the same nodes`,
        };
      }
      joined.push(row);
    }
    placement.push({ group, shards: joined });
  }
  for (let shard = 0; shard < to; shard += 1) {
    const before = entry.placement.some(({ shards }) =>
      shards.slice(shard * pieces, (shard + 1) * pieces).some(hasInSync),
    );
    if (before && !placement.some(({ shards }) => hasInSync(shards[shard] ?? []))) {
      return {
        ok: false,
        reason: `shard ${String(shard)} would have no in-sync copy: repair its pieces first`,
      };
    }
  }
  return { ok: true, placement };
}

const hasInSync = (row: readonly Replica[]): boolean =>
  row.some(({ state }) => state === 'in-sync');

/** A copy of which one piece missed a write is stale as a whole. Null: a node lacks a piece. */
function joinRows(rows: readonly (readonly Replica[])[]): Replica[] | null {
  const nodes = new Map<NodeId, Replica[]>();
  for (const replica of rows.flat()) {
    nodes.set(replica.node, [...(nodes.get(replica.node) ?? []), replica]);
  }
  const joined: Replica[] = [];
  for (const [node, held] of nodes) {
    if (held.length !== rows.length) return null;
    const state = held.every((replica) => replica.state === 'in-sync') ? 'in-sync' : 'stale';
    joined.push({ node, state });
  }
  return joined;
}
