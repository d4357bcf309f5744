import { fairShares } from './fair-share';
import type { Fleet, FleetNode, IndexEntry, Replica } from './fleet';
import { bucketsOfShard, slotsOfShard } from './hash';
import type { GroupId, NodeId, ShardId } from './ids';
import { homeScores, place, takers } from './placement';
import type { HomeScore } from './placement';
import { planMoves, planRemovals } from './plan-moves';
import type { Move, Removal } from './plan-moves';

/** A node of a group as the placement of one index sees it; counts are copies of shards. */
export interface NodeStanding {
  readonly node: NodeId;
  readonly zone: string | null;
  readonly weight: number;
  readonly intent: FleetNode['intent'];
  /** What it should hold by weight and zone, no whole number; null: it gets nothing. */
  readonly share: number | null;
  readonly holds: number;
  /** What it would hold after a rebalance. */
  readonly wanted: number;
}

export interface GroupStanding {
  readonly group: GroupId;
  readonly nodes: readonly NodeStanding[];
  /** What the nodes at hand cannot give, in sentences. */
  readonly notKept: readonly string[];
}

export interface ShardStanding {
  readonly group: GroupId;
  readonly shard: ShardId;
  /** `[from, to)`, of 256 and of 16,384. */
  readonly buckets: { readonly from: number; readonly to: number };
  readonly slots: { readonly from: number; readonly to: number };
  readonly replicas: readonly Replica[];
  /** Every node that may hold a copy, the first at home. */
  readonly homes: readonly HomeScore[];
  readonly wanted: readonly NodeId[];
  /** What a rebalance would do with this shard; nothing where it is as it should be. */
  readonly moves: readonly Move[];
  readonly removals: readonly Removal[];
  readonly why: readonly string[];
}

export interface PlacementExplanation {
  readonly groups: readonly GroupStanding[];
  readonly shards: readonly ShardStanding[];
}

/**
 * Why the copies of some shards are where they are, and what a rebalance would make of them: the same
 * scores, shares and table that `place` decides by. `shards` are numbers below the entry's count.
 */
export function explainPlacement(
  fleet: Pick<Fleet, 'nodes'>,
  entry: IndexEntry,
  shards: readonly ShardId[],
): PlacementExplanation {
  const all = [...fleet.nodes, ...entry.placement].map(({ group }) => group);
  const groups = [...new Set(all)].sort((a, b) => a - b);
  const standings = groups.map((group) => standingOf(fleet.nodes, entry, group));
  return {
    groups: standings.map((standing) => ({
      group: standing.group,
      nodes: nodesOf(standing),
      notKept: standing.notKept,
    })),
    shards: shards.flatMap((shard) => standings.map((one) => shardOf(entry, one, shard))),
  };
}

/** One group's table as it is and as it should be. */
interface Standing {
  readonly group: GroupId;
  readonly all: readonly FleetNode[];
  /** Those that may hold copies. */
  readonly nodes: readonly FleetNode[];
  readonly copies: number;
  readonly present: readonly (readonly Replica[])[];
  readonly wanted: readonly (readonly Replica[])[];
  readonly shares: ReadonlyMap<NodeId, number>;
  readonly moves: readonly Move[];
  readonly removals: readonly Removal[];
  readonly notKept: readonly string[];
}

function standingOf(all: readonly FleetNode[], entry: IndexEntry, group: GroupId): Standing {
  const { shardCount, replicationFactor, placement: present, physicalUid: seed } = entry;
  const nodes = takers(all, group);
  const copies = Math.min(replicationFactor, nodes.length);
  const { placement, notKept } = place({
    ...{ nodes, groups: [group], shardCount, replicationFactor, present, seed },
  });
  const input = { entry, wanted: placement };
  return {
    ...{ group, nodes, copies, notKept },
    all: all.filter((node) => node.group === group),
    present: present.find((placed) => placed.group === group)?.shards ?? [],
    wanted: placement[0]?.shards ?? [],
    shares: nodes.length === 0 ? new Map() : fairShares(nodes, shardCount, copies),
    moves: planMoves(input),
    removals: planRemovals(input),
  };
}

const holding = ({ state }: Replica): boolean => state !== 'leaving';

function countOf(rows: readonly (readonly Replica[])[], id: NodeId): number {
  return rows.filter((row) => row.some((one) => one.node === id && holding(one))).length;
}

function nodesOf({ all, present, wanted, shares }: Standing): NodeStanding[] {
  return [...all]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ id, zone, weight, intent }) => ({
      ...{ node: id, zone, weight, intent },
      share: shares.get(id) ?? null,
      holds: countOf(present, id),
      wanted: countOf(wanted, id),
    }));
}

function shardOf(entry: IndexEntry, standing: Standing, shard: ShardId): ShardStanding {
  const { group, nodes, present, wanted, moves, removals } = standing;
  const homes = homeScores(entry.physicalUid, shard, nodes);
  const ofShard = {
    moves: moves.filter((move) => move.shard === shard),
    removals: removals.filter((removal) => removal.shard === shard),
  };
  const replicas = present[shard] ?? [];
  const found = { ...ofShard, homes, replicas, wanted: (wanted[shard] ?? []).map((r) => r.node) };
  return {
    ...{ group, shard, ...found },
    buckets: bucketsOfShard(shard, entry.shardCount),
    slots: slotsOfShard(shard, entry.shardCount),
    why: [
      ...replicas.map((replica) => whyHere(standing, found, replica)),
      ...found.moves.map((move) => whyMove(standing, move)),
      ...found.removals.map(({ node }) => `${node}: its copy is one too many, so it would go`),
    ],
  };
}

type Found = Pick<ShardStanding, 'homes' | 'replicas' | 'wanted'>;

const meaning: Readonly<Record<Replica['state'], string>> = {
  'in-sync': 'took every write and is read',
  joined: 'takes every write and is not read: a move is at its end, or can still be reversed',
  syncing: 'is being filled',
  stale: 'missed a write and waits for a repair',
  leaving: 'is being deleted',
};

const ordinal = (n: number): string =>
  `${String(n)}${n % 100 > 10 && n % 100 < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][n % 10] ?? 'th')}`;

/** One sentence for each copy that is there. */
function whyHere(standing: Standing, found: Found, { node, state }: Replica): string {
  const says = (text: string): string => `${node} (${state}, ${meaning[state]}): ${text}`;
  const known = standing.all.find(({ id }) => id === node);
  if (known === undefined) return says('it is in the table and no node of the group any more');
  if (known.intent === 'draining') return says('the node is draining, so it keeps nothing');
  const at = found.homes.findIndex((home) => home.node === node);
  if (at < 0) return says('the node may hold nothing');
  if (state === 'leaving') return says('the node keeps it no longer');
  const rank = `${ordinal(at + 1)} at home of ${String(found.homes.length)}`;
  if (!found.wanted.includes(node)) return says(`${rank}, and another node should have it`);
  if (at < standing.copies) return says(rank);
  const nearer = found.homes
    .slice(0, at)
    .filter((home) => !found.wanted.includes(home.node))
    .map((home) => whyNot(standing, found, { node, nearer: home.node }));
  return says(nearer.length === 0 ? rank : `${rank}; ${nearer.join('; ')}`);
}

/** Why a node that is nearer home does not have the copy instead. */
function whyNot(
  { nodes, wanted, shares }: Standing,
  found: Found,
  { node, nearer }: { readonly node: NodeId; readonly nearer: NodeId },
): string {
  const zoneOf = (id: NodeId): string | null => nodes.find((one) => one.id === id)?.zone ?? null;
  const others = found.wanted.filter((id) => id !== node).map(zoneOf);
  if (others.includes(zoneOf(nearer)) && !others.includes(zoneOf(node))) {
    return `${nearer} is in the zone of another copy`;
  }
  const share = shares.get(nearer) ?? 0;
  const has = countOf(wanted, nearer);
  const full = `${nearer} has its share, ${String(has)} of ${share.toFixed(1)}`;
  if (has >= share - tolerance) return full;
  return `${nearer} is nearer, but a copy is not moved for that alone`;
}

/** Shares are quotients, so a whole number may come out a little less. */
const tolerance = 1e-9;

function whyMove({ all, present, shares }: Standing, { source, target, kind }: Move): string {
  if (kind === 'copy') return `${target}: a copy is missing; it would be made from ${source}`;
  const share = shares.get(source);
  const reason =
    all.find(({ id }) => id === source)?.intent === 'draining'
      ? `${source} is draining`
      : share === undefined
        ? `${source} may hold nothing`
        : `${source} holds ${String(countOf(present, source))}, its share is ${share.toFixed(1)}`;
  return `${target}: the copy would move there from ${source}: ${reason}`;
}
