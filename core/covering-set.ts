import type { IndexEntry, Replica } from './fleet';
import { xxh64Text } from './hash';
import type { GroupId, NodeId, ShardId } from './ids';

/** One node's part of a search. */
export interface NodeAsk {
  readonly node: NodeId;
  readonly shards: readonly ShardId[];
  /** Whether the query must name the shards, because the node has documents of others too. */
  readonly filtered: boolean;
}

export interface CoveringSet {
  /** The group that was asked first; null where the index has no group at all. */
  readonly group: GroupId | null;
  readonly asks: readonly NodeAsk[];
  /** Shards that no usable node has in sync. */
  readonly missing: readonly ShardId[];
}

export interface CoveringSetInput {
  readonly entry: IndexEntry;
  /** The group to be asked first; else the one that covers most, the lowest of equals. */
  readonly group?: GroupId;
  /** The shards that can match; all by default. */
  readonly shards?: readonly ShardId[];
  /** Orders the candidates for one shard, best first; it must not leave all of them out. */
  readonly prefer: (candidates: readonly NodeId[], shard: ShardId) => readonly NodeId[];
  readonly usable: (node: NodeId) => boolean;
}

/** Which shards each node has documents of, in any state, ascending. */
export function holders(entry: IndexEntry): Map<NodeId, ShardId[]> {
  const held = new Map<NodeId, Set<ShardId>>();
  for (const { shards } of entry.placement) {
    shards.forEach((replicas, shard) => {
      for (const { node } of replicas) {
        const ofNode = held.get(node) ?? new Set();
        held.set(node, ofNode.add(shard as ShardId));
      }
    });
  }
  return new Map([...held].map(([node, shards]) => [node, [...shards].sort((a, b) => a - b)]));
}

const takesWrites = ({ state }: Replica): boolean => state === 'in-sync' || state === 'joined';

/** The nodes that get every write to a shard, of all groups, in the order of the table. */
export function writers(entry: IndexEntry, shard: ShardId): NodeId[] {
  const nodes = entry.placement.flatMap(({ shards }) =>
    (shards[shard] ?? []).filter(takesWrites).map(({ node }) => node),
  );
  return [...new Set(nodes)];
}

/**
 * Nodes in an order that depends on the key and on nothing else: each key has its own home, and a
 * node that goes away moves only the keys whose home it was.
 */
export function rendezvousOrder(key: string, nodeIds: readonly NodeId[]): NodeId[] {
  return nodeIds
    .map((node) => ({ node, ...xxh64Text(`${key}/${node}`) }))
    .sort((a, b) => b.high - a.high || b.low - a.low || (a.node < b.node ? -1 : 1))
    .map(({ node }) => node);
}

function readableNodes(input: CoveringSetInput, group: GroupId, shard: ShardId): NodeId[] {
  const placed = input.entry.placement.find((candidate) => candidate.group === group);
  return (placed?.shards[shard] ?? [])
    .filter(({ node, state }) => state === 'in-sync' && input.usable(node))
    .map(({ node }) => node);
}

function chooseGroup(input: CoveringSetInput, wanted: readonly ShardId[]): GroupId | null {
  if (input.group !== undefined) return input.group;
  let best: { group: GroupId; covered: number } | null = null;
  const groups = input.entry.placement.map(({ group }) => group).sort((a, b) => a - b);
  for (const group of groups) {
    const covered = wanted.filter((shard) => readableNodes(input, group, shard).length > 0).length;
    if (best === null || covered > best.covered) best = { group, covered };
  }
  return best?.group ?? null;
}

/**
 * Chooses for each shard exactly one in-sync copy to read, so that no document is missed and none
 * is seen twice. A node that holds more than it is asked for, whatever the state of the rest, is
 * to be asked with a filter: half a copy of a shard that is being moved counts as well.
 */
export function coveringSet(input: CoveringSetInput): CoveringSet {
  const { entry } = input;
  const all = Array.from({ length: entry.shardCount }, (_, shard) => shard as ShardId);
  const wanted = input.shards === undefined ? all : [...new Set(input.shards)];
  wanted.sort((a, b) => a - b);
  const first = chooseGroup(input, wanted);
  const others = entry.placement.map(({ group }) => group).sort((a, b) => a - b);
  const groups = first === null ? [] : [first, ...others.filter((group) => group !== first)];

  const asked = new Map<NodeId, ShardId[]>();
  const missing: ShardId[] = [];
  for (const shard of wanted) {
    const node = chooseNode(input, groups, shard);
    if (node === null) missing.push(shard);
    else asked.set(node, [...(asked.get(node) ?? []), shard]);
  }
  const held = holders(entry);
  const asks = [...asked]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, shards]) => {
      // What is asked is held, so the counts alone tell whether there is more.
      return { node, shards, filtered: (held.get(node)?.length ?? 0) > shards.length };
    });
  return { group: first, asks, missing };
}

function chooseNode(
  input: CoveringSetInput,
  groups: readonly GroupId[],
  shard: ShardId,
): NodeId | null {
  for (const group of groups) {
    const candidates = readableNodes(input, group, shard);
    if (candidates.length === 0) continue;
    const preferred = input.prefer(candidates, shard).find((node) => candidates.includes(node));
    // A preference must not make a shard vanish.
    return preferred ?? candidates[0] ?? null;
  }
  return null;
}
