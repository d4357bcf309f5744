import { changedFleet } from './changed-fleet';
import type { Fleet, GroupPlacement, IndexEntry } from './fleet';
import type { GroupId, NodeId, ShardId } from './ids';
import type { PlacementChange, ReplaceNode } from './placement-change';
import { place } from './placement';
import { planMoves, planRemovals } from './plan-moves';
import type { Move, Removal } from './plan-moves';

/** What one index needs; `entry` is numbered as its moves are. */
export interface IndexMoves {
  readonly entry: IndexEntry;
  readonly moves: readonly Move[];
  readonly removals: readonly Removal[];
}

export interface ChangeMoves {
  /** The fleet with the change made and nothing moved. */
  readonly fleet: Fleet;
  /** Groups whose tables the operation must have for itself. */
  readonly groups: readonly GroupId[];
  readonly indexes: readonly IndexMoves[];
  /** What the nodes at hand cannot give, in sentences. */
  readonly notKept: readonly string[];
}

export type PlannedChange =
  | { readonly ok: true; readonly moves: ChangeMoves }
  | { readonly ok: false; readonly reason: string };

/** A repair looks for stale copies instead of for a better table; it is planned by its own rule. */
export type SpreadChange = Exclude<PlacementChange, { kind: 'repair' }>;

/**
 * The copies that a change makes and drops. Planning it again when it was made and carried out plans
 * nothing.
 */
export function planChange(fleet: Fleet, change: SpreadChange): PlannedChange {
  const changed = changedFleet(fleet, change);
  if (!changed.ok) return changed;
  const after = changed.fleet;
  const notKept = new Set<string>();
  const groups = groupsOf(fleet, after, change);
  const indexes = sortedIndexes(after).flatMap((entry): IndexMoves[] => {
    if (!concerns(change, entry)) return [];
    const wanted = wantedTable(fleet, after, { entry, change, groups });
    wanted.notKept.forEach((sentence) => notKept.add(sentence));
    const input = { entry, wanted: wanted.placement };
    if (change.kind === 'remove-group') {
      return [{ entry, moves: [], removals: allOf(entry, change.group) }];
    }
    return [{ entry, moves: planMoves(input), removals: planRemovals(input) }];
  });
  return { ok: true, moves: { fleet: after, groups, indexes, notKept: [...notKept].sort() } };
}

const sortedIndexes = (fleet: Fleet): IndexEntry[] =>
  [...fleet.indexes].sort((a, b) => (a.uid < b.uid ? -1 : 1));

function concerns(change: SpreadChange, entry: IndexEntry): boolean {
  if (change.kind === 'reshard') return change.physicalUid === entry.physicalUid;
  if (change.kind !== 'set-replication') return true;
  return change.factors.some(({ physicalUid }) => physicalUid === entry.physicalUid);
}

const unique = (groups: readonly GroupId[]): GroupId[] =>
  [...new Set(groups)].sort((a, b) => a - b);

function groupsOf(before: Fleet, after: Fleet, change: SpreadChange): GroupId[] {
  const all = unique(after.nodes.map(({ group }) => group));
  const ofNode = (id: NodeId): GroupId[] =>
    before.nodes.filter((node) => node.id === id).map(({ group }) => group);
  switch (change.kind) {
    case 'rebalance':
      return change.group === null ? all : [change.group];
    case 'add-node':
      return [change.node.group];
    case 'add-group':
    case 'remove-group':
      return [change.group];
    case 'replace-node':
      return [change.node.group];
    case 'set-node':
    case 'drain-node':
    case 'remove-node':
      return unique(ofNode(change.node));
    case 'set-replication':
    case 'reshard':
      return all;
  }
}

interface Wanting {
  readonly entry: IndexEntry;
  readonly change: SpreadChange;
  readonly groups: readonly GroupId[];
}

interface Wanted {
  readonly placement: readonly GroupPlacement[];
  readonly notKept: readonly string[];
}

function wantedTable(before: Fleet, after: Fleet, { entry, change, groups }: Wanting): Wanted {
  const { shardCount, replicationFactor, placement: present, physicalUid: seed } = entry;
  if (change.kind === 'replace-node') return successorTable(before, entry, change);
  if (change.kind === 'reshard' && change.shardCount < shardCount) {
    return gatheredTable(after, entry, { groups, shardCount: change.shardCount });
  }
  return place({
    ...{ nodes: after.nodes, groups, shardCount, replicationFactor, present, seed },
  });
}

/** Each copy of the old node becomes one of its successor; nothing else moves. */
function successorTable(before: Fleet, entry: IndexEntry, change: ReplaceNode): Wanted {
  const { old, node } = change;
  const earlier = before.indexes.find((one) => one.physicalUid === entry.physicalUid) ?? entry;
  const placement = entry.placement
    .filter(({ group }) => group === node.group)
    .map(({ group, shards }) => ({
      group,
      shards: shards.map((row, shard) => {
        const rows = earlier.placement.find((placed) => placed.group === group)?.shards[shard];
        const held = (rows ?? []).some((replica) => replica.node === old);
        const kept = row.filter((replica) => replica.node !== old && replica.state !== 'leaving');
        if (!held || kept.some((replica) => replica.node === node.id)) return kept;
        return [...kept, { node: node.id, state: 'in-sync' as const }];
      }),
    }));
  return { placement, notKept: [] };
}

/**
 * Brings the pieces of each shard-to-be to the same nodes, where the fewest documents move, in the
 * numbers of the present table.
 */
function gatheredTable(
  after: Fleet,
  entry: IndexEntry,
  wanted: { readonly groups: readonly GroupId[]; readonly shardCount: number },
): Wanted {
  const pieces = entry.shardCount / wanted.shardCount;
  const held = heldPieces(entry, pieces);
  const countOf = (group: GroupId, shard: number): ReadonlyMap<NodeId, number> =>
    held.get(`${String(group)}/${String(shard)}`) ?? new Map<NodeId, number>();
  const present = entry.placement.map(({ group }) => ({
    group,
    shards: Array.from({ length: wanted.shardCount }, (_, shard) =>
      [...countOf(group, shard)]
        .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
        .map(([node]) => ({ node, state: 'in-sync' as const })),
    ),
  }));
  const joined = place({
    ...{ nodes: after.nodes, groups: wanted.groups, shardCount: wanted.shardCount, present },
    ...{ replicationFactor: entry.replicationFactor, seed: entry.physicalUid },
    missing: (group, shard, node) => 1 - (countOf(group, shard).get(node) ?? 0) / pieces,
  });
  const placement = joined.placement.map(({ group, shards }) => ({
    group,
    shards: Array.from(
      { length: entry.shardCount },
      (_, shard) => shards[Math.floor(shard / pieces)] ?? [],
    ),
  }));
  return { placement, notKept: joined.notKept };
}

/** `group/shard-to-be` → node → how many of its pieces the node can keep. */
function heldPieces(entry: IndexEntry, pieces: number): Map<string, Map<NodeId, number>> {
  const held = new Map<string, Map<NodeId, number>>();
  for (const { group, shards } of entry.placement) {
    shards.forEach((row, shard) => {
      const key = `${String(group)}/${String(Math.floor(shard / pieces))}`;
      const counts = held.get(key) ?? new Map<NodeId, number>();
      for (const { node, state } of row) {
        if (state === 'in-sync' || state === 'joined')
          counts.set(node, (counts.get(node) ?? 0) + 1);
      }
      held.set(key, counts);
    });
  }
  return held;
}

function allOf(entry: IndexEntry, group: GroupId): Removal[] {
  const shards = entry.placement.find((placed) => placed.group === group)?.shards ?? [];
  return shards
    .flatMap((row, shard) =>
      row.map(({ node }) => ({
        ...{ physicalUid: entry.physicalUid, group, shard: shard as ShardId, node },
      })),
    )
    .sort((a, b) => (a.node === b.node ? a.shard - b.shard : a.node < b.node ? -1 : 1));
}

/** The change that leads back from this one; null where it needs what nobody has any more. */
export function undoOf(fleet: Fleet, change: PlacementChange): PlacementChange | null {
  switch (change.kind) {
    case 'add-node':
      return { kind: 'remove-node', node: change.node.id, lost: false };
    case 'add-group':
      return { kind: 'remove-group', group: change.group, lost: false };
    case 'remove-group': {
      const nodes = fleet.nodes.filter(({ group }) => group === change.group).map(toAdd);
      return change.lost ? null : { kind: 'add-group', group: change.group, nodes };
    }
    case 'set-node': {
      const node = fleet.nodes.find(({ id }) => id === change.node);
      return node === undefined ? null : { ...change, weight: node.weight, zone: node.zone };
    }
    case 'replace-node': {
      const old = fleet.nodes.find(({ id }) => id === change.old);
      if (old === undefined || change.lost) return null;
      return { kind: 'replace-node', old: change.node.id, node: toAdd(old), lost: false };
    }
    case 'set-replication':
      return {
        kind: 'set-replication',
        factors: change.factors.flatMap((factor) => {
          const entry = fleet.indexes.find((one) => one.physicalUid === factor.physicalUid);
          if (entry === undefined) return [];
          return [{ ...factor, replicationFactor: entry.replicationFactor }];
        }),
      };
    case 'reshard': {
      const entry = fleet.indexes.find((one) => one.physicalUid === change.physicalUid);
      return entry === undefined ? null : { ...change, shardCount: entry.shardCount };
    }
    case 'rebalance':
    case 'repair':
    case 'drain-node':
    case 'remove-node':
      return null;
  }
}

/** What an operator would say of a node to add it. */
export const toAdd = ({ id, url, group, zone, weight }: Fleet['nodes'][number]) => ({
  ...{ id, url, group, zone, weight },
});
