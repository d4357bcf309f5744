import type { Fleet, GroupPlacement, IndexEntry } from './fleet';
import type { GroupId, NodeId, ShardId } from './ids';
import type { SpreadChange } from './plan-change';
import { planChange } from './plan-change';
import type { Move, Removal } from './plan-moves';

/** Copies of one index between one pair of nodes. */
export interface PairPreview {
  readonly group: GroupId;
  readonly source: NodeId;
  readonly target: NodeId;
  readonly kind: Move['kind'];
  readonly shards: readonly ShardId[];
}

/** What a change would make of one index, by the table alone: no node is asked. */
export interface ChangePreview {
  /** Copies that are made, of all that the index will have. */
  readonly made: number;
  readonly dropped: number;
  readonly copies: number;
  readonly pairs: readonly PairPreview[];
  readonly removals: readonly Removal[];
  /** Copies on each node before and after. */
  readonly nodes: readonly {
    readonly node: NodeId;
    readonly before: number;
    readonly after: number;
  }[];
  readonly notKept: readonly string[];
  /** The number of shards that the shards of the moves are counted by. */
  readonly shardCount: number;
}

export type Preview =
  | { readonly ok: true; readonly preview: ChangePreview }
  | { readonly ok: false; readonly reason: string };

/** The same plan as the dry run's, without its documents, minutes and room. */
export function previewChange(fleet: Fleet, entry: IndexEntry, change: SpreadChange): Preview {
  const planned = planChange({ ...fleet, indexes: [entry] }, change);
  if (!planned.ok) return planned;
  const [index] = planned.moves.indexes;
  const after = index?.entry ?? entry;
  const moves = index?.moves ?? [];
  const removals = index?.removals ?? [];
  // Where more shards are cut the numbers of before are counted as the new ones are.
  const before = counts(after.placement);
  const then = new Map(before);
  const add = (node: NodeId, by: number): void => {
    then.set(node, Math.max(0, (then.get(node) ?? 0) + by));
  };
  for (const { source, target, kind } of moves) {
    add(target, 1);
    if (kind === 'move') add(source, -1);
  }
  for (const { node } of removals) add(node, -1);
  return {
    ok: true,
    preview: {
      made: moves.length,
      dropped: removals.length,
      copies: [...then.values()].reduce((sum, one) => sum + one, 0),
      pairs: pairsOf(moves),
      removals,
      nodes: [...then.keys()]
        .sort()
        .map((node) => ({ node, before: before.get(node) ?? 0, after: then.get(node) ?? 0 })),
      notKept: planned.moves.notKept,
      shardCount: after.shardCount,
    },
  };
}

/** Copies that get every write; a copy that is made anew is none before it is made. */
function counts(placement: readonly GroupPlacement[]): Map<NodeId, number> {
  const held = new Map<NodeId, number>();
  for (const { node, state } of placement.flatMap(({ shards }) => shards.flat())) {
    if (state !== 'in-sync' && state !== 'joined') continue;
    held.set(node, (held.get(node) ?? 0) + 1);
  }
  return held;
}

function pairsOf(moves: readonly Move[]): PairPreview[] {
  const pairs = new Map<string, PairPreview>();
  for (const { group, source, target, kind, shard } of moves) {
    const key = [group, source, target, kind].join('/');
    const shards = [...(pairs.get(key)?.shards ?? []), shard];
    pairs.set(key, { group, source, target, kind, shards });
  }
  return [...pairs.values()];
}
