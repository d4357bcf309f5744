import { fairShares } from './fair-share';
import type { FleetNode, GroupPlacement, Replica } from './fleet';
import { xxh64Text } from './hash';
import type { GroupId, NodeId } from './ids';
import { FlowNetwork } from './min-cost-flow';

export interface PlaceInput {
  readonly nodes: readonly FleetNode[];
  readonly groups: readonly GroupId[];
  readonly shardCount: number;
  readonly replicationFactor: number;
  /** The table as it is; null for a new index. */
  readonly present: readonly GroupPlacement[] | null;
  /** Makes the choices of two indexes differ, so that their first shards do not share a node. */
  readonly seed: string;
  /**
   * The part of a present copy that the node lacks, 0 … 1: shards that are to be joined of pieces are
   * nowhere whole. 0 by default.
   */
  readonly missing?: (group: GroupId, shard: number, node: NodeId) => number;
}

export interface PlaceResult {
  /** Every replica as it should be, all `in-sync`. */
  readonly placement: readonly GroupPlacement[];
  /** What the nodes at hand cannot give, in sentences for an operator. */
  readonly notKept: readonly string[];
}

/**
 * The prices of a placement, each far above all of the next put together: two copies in one zone,
 * a copy above a node's share rounded down, a copy that must be made, a copy away from its
 * rendezvous home.
 */
const zonePrice = 1e12;
const extraPrice = 1e9;
const movePrice = 1e6;

/** Shares are quotients, so a whole number may come out a little less. */
const tolerance = 1e-9;

/**
 * The table that an index should have: in each group every shard on `replicationFactor` nodes, no
 * two copies on one node, zones spread first, no node above its fair share by weight (rounded up),
 * and among all such tables one that keeps most of the present one. A new copy goes to the node
 * that rendezvous hashing prefers. Draining nodes get nothing. The order of the input is nothing.
 */
export function place(input: PlaceInput): PlaceResult {
  const notKept: string[] = [];
  const groups = [...new Set(input.groups)].sort((a, b) => a - b);
  const placement = groups.map((group) => {
    const nodes = takers(input.nodes, group);
    const shards = placeGroup(input, group, nodes);
    notKept.push(...unkept(input, group, nodes, shards));
    return { group, shards };
  });
  return { placement, notKept };
}

/** Copies that a new table may keep: the surest first, one that is being deleted not at all. */
const keepOrder = ['in-sync', 'joined', 'syncing', 'stale'];

function presentNodes(input: PlaceInput, group: GroupId, shard: number): NodeId[] {
  const placed = input.present?.find((candidate) => candidate.group === group);
  return [...(placed?.shards[shard] ?? [])]
    .filter(({ state }) => keepOrder.includes(state))
    .sort((a, b) => keepOrder.indexOf(a.state) - keepOrder.indexOf(b.state))
    .map(({ node }) => node);
}

/** How much one shard is at home on a node; above 0, and the higher the more. */
export interface HomeScore {
  readonly node: NodeId;
  readonly score: number;
}

/** Weighted rendezvous: nodes ordered for one shard, a node of weight 2 first twice as often. */
export function homeScores(
  seed: string,
  shard: number,
  nodes: readonly FleetNode[],
): readonly HomeScore[] {
  return nodes
    .map(({ id, weight }) => {
      const { high } = xxh64Text(`${seed}/${String(shard)}/${id}`);
      return { node: id, score: -weight / Math.log((high + 0.5) / 2 ** 32) };
    })
    .sort((a, b) => b.score - a.score || (a.node < b.node ? -1 : 1));
}

/** The nodes of a group that may hold copies, in the order in which they are looked at. */
export function takers(nodes: readonly FleetNode[], group: GroupId): FleetNode[] {
  return nodes
    .filter((node) => node.group === group && node.intent === 'active' && node.weight > 0)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function placeGroup(
  input: PlaceInput,
  group: GroupId,
  nodes: readonly FleetNode[],
): readonly (readonly Replica[])[] {
  const { shardCount, seed } = input;
  const copies = Math.min(input.replicationFactor, nodes.length);
  const present = Array.from({ length: shardCount }, (_, shard) =>
    presentNodes(input, group, shard).filter((id) => nodes.some((node) => node.id === id)),
  );
  const shares = fairShares(nodes, shardCount, copies);
  const homes = present.map((_, shard) => homeScores(seed, shard, nodes).map(({ node }) => node));
  const missing = (shard: number, id: NodeId): number => input.missing?.(group, shard, id) ?? 0;
  const chosen = cheapest({ nodes, copies, shares, present, homes, missing });
  return chosen.map((ids, shard) => {
    const kept = (present[shard] ?? []).filter((id) => ids.has(id));
    const made = (homes[shard] ?? []).filter((id) => ids.has(id) && !kept.includes(id));
    return [...kept, ...made].map((node) => ({ node, state: 'in-sync' as const }));
  });
}

interface Assignment {
  readonly nodes: readonly FleetNode[];
  readonly copies: number;
  readonly shares: ReadonlyMap<NodeId, number>;
  readonly present: readonly (readonly NodeId[])[];
  readonly homes: readonly (readonly NodeId[])[];
  readonly missing: (shard: number, id: NodeId) => number;
}

/** Sends `copies` of each shard over its zones to nodes, each up to its share, at the least price. */
function cheapest(problem: Assignment): Set<NodeId>[] {
  const { nodes, copies, shares, present, homes, missing } = problem;
  const network = new FlowNetwork();
  const source = network.addVertex();
  const sink = network.addVertex();
  const vertexOf = new Map(nodes.map(({ id }) => [id, network.addVertex()]));
  const zones = [...new Set(nodes.map(({ zone }) => zone))];
  const choices: { shard: number; id: NodeId; edge: number }[] = [];
  present.forEach((kept, shard) => {
    const vertex = network.addVertex();
    network.addEdge(source, vertex, copies, 0);
    for (const zone of zones) {
      const members = nodes.filter((node) => node.zone === zone);
      const gate = network.addVertex();
      // Each further copy in one zone costs more than the one before it.
      for (let copy = 0; copy < Math.min(copies, members.length); copy += 1) {
        network.addEdge(vertex, gate, 1, zones.length === 1 ? 0 : copy * zonePrice);
      }
      for (const { id } of members) {
        const distance = homes[shard]?.indexOf(id) ?? 0;
        // Of too many copies the surest are kept.
        const lacked = kept.includes(id) ? Math.round(movePrice * missing(shard, id)) : movePrice;
        const price = lacked + (kept.includes(id) ? kept.indexOf(id) : distance);
        const edge = network.addEdge(gate, vertexOf.get(id) as number, 1, price);
        choices.push({ shard, id, edge });
      }
    }
  });
  for (const { id } of nodes) {
    // Shares that are no whole numbers: who takes the copies that remain is for the moves to say.
    const share = shares.get(id) ?? 0;
    const whole = Math.floor(share + tolerance);
    network.addEdge(vertexOf.get(id) as number, sink, whole, 0);
    if (share - whole > tolerance) network.addEdge(vertexOf.get(id) as number, sink, 1, extraPrice);
  }
  network.run(source, sink);
  const chosen = present.map(() => new Set<NodeId>());
  for (const { shard, id, edge } of choices) {
    if (network.flowOn(edge) > 0) chosen[shard]?.add(id);
  }
  return chosen;
}

function unkept(
  { replicationFactor, shardCount }: PlaceInput,
  group: GroupId,
  nodes: readonly FleetNode[],
  shards: readonly (readonly Replica[])[],
): string[] {
  const name = `group ${String(group)}`;
  if (nodes.length === 0) return [`${name} has no active node, so it holds no shard`];
  const reasons: string[] = [];
  if (nodes.length < replicationFactor) {
    reasons.push(
      `${name} has ${String(nodes.length)} active nodes for ${String(replicationFactor)} copies, ` +
        `so each shard has ${String(nodes.length)}`,
    );
  }
  const copies = Math.min(replicationFactor, nodes.length);
  const short = shards.filter((replicas) => replicas.length < copies).length;
  if (short > 0) reasons.push(`${name}: ${String(short)} shards have fewer copies than asked for`);
  const zoneOf = new Map(nodes.map(({ id, zone }) => [id, zone]));
  const zones = new Set(zoneOf.values()).size;
  const possible = Math.min(zones, copies);
  const crowded = shards.filter(
    (replicas) => new Set(replicas.map(({ node }) => zoneOf.get(node))).size < possible,
  ).length;
  if (crowded > 0) {
    reasons.push(
      `${name}: ${String(crowded)} of ${String(shardCount)} shards are in fewer than ` +
        `${String(possible)} zones`,
    );
  }
  return reasons;
}
