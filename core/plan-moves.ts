import { rendezvousOrder } from './covering-set';
import type { GroupPlacement, IndexEntry, Replica } from './fleet';
import type { Epoch, GroupId, NodeId, PhysicalUid, ShardId } from './ids';

/** One copy to be made. `move`: the source's copy goes when the target's is there; `copy`: it stays. */
export interface Move {
  readonly physicalUid: PhysicalUid;
  readonly group: GroupId;
  readonly shard: ShardId;
  readonly source: NodeId;
  readonly target: NodeId;
  readonly kind: 'move' | 'copy';
}

/** A copy that is not wanted and that no move takes with it; it may go when all copies are made. */
export interface Removal {
  readonly physicalUid: PhysicalUid;
  readonly group: GroupId;
  readonly shard: ShardId;
  readonly node: NodeId;
}

/** What an operator is shown before a heavy operation; valid for one epoch. */
export interface Plan {
  readonly epoch: Epoch;
  readonly moves: readonly Move[];
  readonly removals: readonly Removal[];
  readonly notKept: readonly string[];
  readonly documents: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Bytes free on each target now and when all is done; null where a node does not tell. */
  readonly room: readonly {
    readonly node: NodeId;
    readonly freeBytes: number | null;
    readonly addedBytes: number;
  }[];
  /** Shards that have one in-sync copy only while the plan runs. */
  readonly atRisk: readonly { readonly group: GroupId; readonly shard: ShardId }[];
}

export interface PlanMovesInput {
  readonly entry: IndexEntry;
  readonly wanted: readonly GroupPlacement[];
}

const inSync = ({ state }: Replica): boolean => state === 'in-sync';

function rowOf(placement: readonly GroupPlacement[], group: GroupId, shard: number) {
  return placement.find((placed) => placed.group === group)?.shards[shard] ?? [];
}

/** The copies to be made in one shard of one group, and the unwanted copies that remain. */
interface ShardPlan {
  readonly moves: readonly Move[];
  readonly removals: readonly Removal[];
}

function planShard({ entry, wanted }: PlanMovesInput, group: GroupId, shard: ShardId): ShardPlan {
  const present = rowOf(entry.placement, group, shard);
  const wantedNodes = rowOf(wanted, group, shard).map(({ node }) => node);
  const names = { physicalUid: entry.physicalUid, group, shard };
  // A joined copy gets every write and needs no copying; a leaving one must first be gone, and is made
  // anew by the plan after this one.
  const settled = new Set(
    present.filter((r) => inSync(r) || r.state === 'joined').map((r) => r.node),
  );
  const leaving = present.filter(({ state }) => state === 'leaving').map(({ node }) => node);
  const targets = wantedNodes
    .filter((node) => !settled.has(node) && !leaving.includes(node))
    .sort();
  const spare = present
    .filter(({ node, state }) => state !== 'leaving' && !wantedNodes.includes(node))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
  const givers = spare.filter(inSync).map(({ node }) => node);
  const moves = targets.flatMap((target): Move[] => {
    const giver = givers.shift();
    if (giver !== undefined) return [{ ...names, source: giver, target, kind: 'move' }];
    const source = copySource(entry, group, shard, target);
    return source === null ? [] : [{ ...names, source, target, kind: 'copy' }];
  });
  const moved = new Set(moves.filter(({ kind }) => kind === 'move').map(({ source }) => source));
  // Without a wanted copy the last ones stay: a group that has no node left gives nothing away. Nor does
  // one that cannot make a wanted copy yet.
  const isShort = wantedNodes.length === 0 || wantedNodes.some((node) => leaving.includes(node));
  const removable = isShort ? [] : spare.filter(({ node }) => !moved.has(node));
  // A clean-up whose node was away left it so: it is finished by whatever is planned next.
  const gone = [...removable.map(({ node }) => node), ...leaving];
  return { moves, removals: gone.map((node) => ({ ...names, node })) };
}

/** An in-sync copy to read from: of the same group if it has one, a different one for each shard. */
function copySource(
  entry: IndexEntry,
  group: GroupId,
  shard: ShardId,
  target: NodeId,
): NodeId | null {
  const own = rowOf(entry.placement, group, shard).filter(inSync);
  const any = entry.placement.flatMap(({ shards }) => (shards[shard] ?? []).filter(inSync));
  const candidates = (own.length > 0 ? own : any)
    .map(({ node }) => node)
    .filter((node) => node !== target);
  return rendezvousOrder(`source/${String(shard)}/${target}`, candidates)[0] ?? null;
}

function planAll(input: PlanMovesInput): ShardPlan {
  const groups = new Set([...input.wanted, ...input.entry.placement].map(({ group }) => group));
  const wantedGroups = new Set(input.wanted.map(({ group }) => group));
  const plans = [...groups]
    .filter((group) => wantedGroups.has(group))
    .flatMap((group) =>
      Array.from({ length: input.entry.shardCount }, (_, shard) =>
        planShard(input, group, shard as ShardId),
      ),
    );
  return {
    moves: plans.flatMap(({ moves }) => moves),
    removals: plans.flatMap(({ removals }) => removals),
  };
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/**
 * The copies that turn the present table into the wanted one, sorted by group, source, target and
 * shard, so that a plan reads the same each time and pairs of nodes stand together. Wanted copies
 * that are stale or half made are made anew. Shards without any in-sync copy cannot be planned and
 * are left out.
 */
export function planMoves(input: PlanMovesInput): Move[] {
  return [...planAll(input).moves].sort(
    (a, b) =>
      a.group - b.group ||
      byText(a.source, b.source) ||
      byText(a.target, b.target) ||
      a.shard - b.shard,
  );
}

/** The copies that go without a successor, as when the replication factor is lowered. */
export function planRemovals(input: PlanMovesInput): Removal[] {
  return [...planAll(input).removals].sort(
    (a, b) => a.group - b.group || byText(a.node, b.node) || a.shard - b.shard,
  );
}
