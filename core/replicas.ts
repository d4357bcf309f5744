import type { IndexEntry, Replica, ReplicaState } from './fleet';
import type { GroupId, NodeId, ShardId } from './ids';

/**
 * The steps by which a copy of a shard comes and goes. Each is a pure function of an index that
 * gives the rows of the table that change, or says why the step is not allowed; the caller applies
 * the rows in one change of the epoch. A step that was done already changes nothing and is no
 * error, because a workflow may repeat it after a crash.
 *
 * absent, stale → syncing → joined → in-sync; in-sync ⇄ joined at a cut over and its reverse;
 * all but the last in-sync copy → leaving → absent; in-sync, joined → stale.
 */
export interface ReplicaChange {
  readonly group: GroupId;
  readonly shard: ShardId;
  /** All replicas of this shard in this group, after the change. */
  readonly replicas: readonly Replica[];
}

export type Transition =
  | { readonly ok: true; readonly changes: readonly ReplicaChange[] }
  | { readonly ok: false; readonly reason: string };

export interface ReplicaStep {
  readonly group: GroupId;
  readonly shards: readonly ShardId[];
  readonly node: NodeId;
}

export interface FlipStep {
  readonly group: GroupId;
  readonly shards: readonly ShardId[];
  /** The copy that is left by the reads; null where a copy is only added. */
  readonly source: NodeId | null;
  readonly target: NodeId;
}

/** Where one shard's replicas stand while a transition is worked out. */
class Draft {
  private readonly rows = new Map<string, ReplicaChange>();
  reason: string | null = null;

  constructor(private readonly entry: IndexEntry) {}

  row(group: GroupId, shard: ShardId): readonly Replica[] {
    const changed = this.rows.get(`${String(group)}/${String(shard)}`);
    if (changed !== undefined) return changed.replicas;
    return this.entry.placement.find((placed) => placed.group === group)?.shards[shard] ?? [];
  }

  stateOf(group: GroupId, shard: ShardId, node: NodeId): ReplicaState | null {
    return this.row(group, shard).find((replica) => replica.node === node)?.state ?? null;
  }

  /** Sets a replica's state; null takes it out of the table. */
  set(group: GroupId, shard: ShardId, node: NodeId, state: ReplicaState | null): void {
    const before = this.row(group, shard);
    const known = before.some((replica) => replica.node === node);
    const kept = before.flatMap((replica) => {
      if (replica.node !== node) return [replica];
      return state === null ? [] : [{ node, state }];
    });
    const replicas = known || state === null ? kept : [...kept, { node, state }];
    this.rows.set(`${String(group)}/${String(shard)}`, { group, shard, replicas });
  }

  /** In-sync copies of a shard over all groups, one node left out. */
  inSyncBeside(shard: ShardId, group: GroupId, node: NodeId): number {
    return this.entry.placement
      .flatMap((placed) => this.row(placed.group, shard).map((r) => ({ ...r, of: placed.group })))
      .filter((r) => r.state === 'in-sync' && !(r.node === node && r.of === group)).length;
  }

  refuse(shard: ShardId, node: NodeId, why: string): void {
    this.reason ??= `shard ${String(shard)} on ${node}: ${why}`;
  }

  result(): Transition {
    if (this.reason !== null) return { ok: false, reason: this.reason };
    return { ok: true, changes: [...this.rows.values()] };
  }
}

function known(entry: IndexEntry, group: GroupId, shards: readonly ShardId[]): string | null {
  const placed = entry.placement.find((candidate) => candidate.group === group);
  if (placed === undefined) return `the index has no group ${String(group)}`;
  const strange = shards.find((shard) => placed.shards[shard] === undefined);
  return strange === undefined ? null : `the index has no shard ${String(strange)}`;
}

/** Runs a step on each of its shards; any refusal refuses the whole. */
function eachShard(
  entry: IndexEntry,
  step: { readonly group: GroupId; readonly shards: readonly ShardId[] },
  change: (draft: Draft, shard: ShardId) => void,
): Transition {
  const reason = known(entry, step.group, step.shards);
  if (reason !== null) return { ok: false, reason };
  const draft = new Draft(entry);
  for (const shard of step.shards) change(draft, shard);
  return draft.result();
}

/** A new copy begins, or a stale one begins anew. There must be an in-sync copy to fill it from. */
export function openTarget(entry: IndexEntry, step: ReplicaStep): Transition {
  const { group, node } = step;
  return eachShard(entry, step, (draft, shard) => {
    const state = draft.stateOf(group, shard, node);
    if (state === 'syncing') return;
    if (state !== null && state !== 'stale') {
      draft.refuse(shard, node, `cannot become syncing, it is ${state}`);
    } else if (draft.inSyncBeside(shard, group, node) === 0) {
      draft.refuse(shard, node, 'there is no in-sync copy to fill it from');
    } else {
      draft.set(group, shard, node, 'syncing');
    }
  });
}

/** The copy has caught up and gets every write from now on. */
export function joinTarget(entry: IndexEntry, step: ReplicaStep): Transition {
  const { group, node } = step;
  return eachShard(entry, step, (draft, shard) => {
    const state = draft.stateOf(group, shard, node);
    if (state === 'joined') return;
    if (state === 'syncing') draft.set(group, shard, node, 'joined');
    else draft.refuse(shard, node, `cannot join, it is ${state ?? 'absent'}`);
  });
}

/**
 * Reads go to the target. The source, where there is one, still gets writes: a way back. A source that is
 * not in sync any more stays what it is, and there is none.
 *
 * A second call, after a lost answer, changes nothing: what has become stale since the flip stays stale.
 */
export function cutOver(entry: IndexEntry, step: FlipStep): Transition {
  return flip(entry, step.group, step.shards, { from: step.source, to: step.target });
}

/**
 * Reads go back to the source; the target still gets writes. Refused where the source missed a write, of any
 * of the shards: then nothing is flipped. A second call changes nothing, as with `cutOver`.
 */
export function reverseCutOver(
  entry: IndexEntry,
  step: FlipStep & { readonly source: NodeId },
): Transition {
  return flip(entry, step.group, step.shards, { from: step.target, to: step.source });
}

function flip(
  entry: IndexEntry,
  group: GroupId,
  shards: readonly ShardId[],
  { from, to }: { readonly from: NodeId | null; readonly to: NodeId },
): Transition {
  const before = new Draft(entry);
  const has = (node: NodeId | null, state: ReplicaState): boolean =>
    node !== null && shards.some((shard) => before.stateOf(group, shard, node) === state);
  // All shards flip in one change, so one that has says that all had; so does a side that was left by the
  // reads where nothing waits to be read on the other.
  const isDone = from !== to && (has(to, 'in-sync') || (has(from, 'joined') && !has(to, 'joined')));
  return eachShard(entry, { group, shards }, (draft, shard) => {
    if (isDone) return;
    const toState = draft.stateOf(group, shard, to);
    const fromState = from === null ? null : draft.stateOf(group, shard, from);
    if (toState !== 'joined' && toState !== 'in-sync') {
      draft.refuse(shard, to, `cannot be read, it is ${toState ?? 'absent'}`);
      return;
    }
    if (toState === 'joined') draft.set(group, shard, to, 'in-sync');
    if (from === to) draft.refuse(shard, to, 'source and target are the same');
    // Of all other states a copy is not read: one that missed a write, or is gone, has been left already.
    else if (from !== null && fromState === 'in-sync') draft.set(group, shard, from, 'joined');
  });
}

/** The copy gets neither writes nor reads any more; its documents are deleted next. */
export function startLeaving(entry: IndexEntry, step: ReplicaStep): Transition {
  const { group, node } = step;
  return eachShard(entry, step, (draft, shard) => {
    const state = draft.stateOf(group, shard, node);
    if (state === 'leaving') return;
    if (state === null) draft.refuse(shard, node, 'cannot leave, it is absent');
    else if (state === 'in-sync' && draft.inSyncBeside(shard, group, node) === 0) {
      draft.refuse(shard, node, 'cannot leave, it is the last in-sync copy');
    } else draft.set(group, shard, node, 'leaving');
  });
}

/** Nodes with in-sync copies of a shard, over all groups, the step's own copy left out. */
export function inSyncBeside(
  entry: IndexEntry,
  { group, node }: Pick<ReplicaStep, 'group' | 'node'>,
  shard: ShardId,
): NodeId[] {
  return entry.placement.flatMap((placed) =>
    (placed.shards[shard] ?? [])
      .filter((r) => r.state === 'in-sync' && !(r.node === node && placed.group === group))
      .map((r) => r.node),
  );
}

/**
 * Some nodes lost their disks. Where only they had a shard in sync, a copy that was to leave, and took
 * every write until now, is read again, and theirs are stale.
 */
export function takeBack(
  entry: IndexEntry,
  step: ReplicaStep,
  lost: ReadonlySet<NodeId>,
): Transition {
  const { group, node } = step;
  return eachShard(entry, step, (draft, shard) => {
    const state = draft.stateOf(group, shard, node);
    const beside = inSyncBeside(entry, step, shard);
    if (state !== 'joined' && state !== 'in-sync') return;
    if (beside.length === 0 || beside.some((other) => !lost.has(other))) return;
    draft.set(group, shard, node, 'in-sync');
    for (const placed of entry.placement) {
      for (const replica of placed.shards[shard] ?? []) {
        if (replica.state !== 'in-sync' || !lost.has(replica.node)) continue;
        draft.set(placed.group, shard, replica.node, 'stale');
      }
    }
  });
}

/** The documents of a leaving copy were verified to be gone. */
export function removeReplica(entry: IndexEntry, step: ReplicaStep): Transition {
  const { group, node } = step;
  return eachShard(entry, step, (draft, shard) => {
    const state = draft.stateOf(group, shard, node);
    if (state === null) return;
    if (state === 'leaving') draft.set(group, shard, node, null);
    else draft.refuse(shard, node, `cannot be removed, it is ${state}`);
  });
}

export interface ReplicaName {
  readonly group: GroupId;
  readonly shard: ShardId;
  readonly node: NodeId;
}

export interface StaleResult {
  readonly changes: readonly ReplicaChange[];
  /** Last in-sync copies, which stay: a shard with an unsure copy is better than one with none. */
  readonly refused: readonly ReplicaName[];
}

/** Copies that missed a write get and answer nothing more, until they are filled anew. */
export function markStale(entry: IndexEntry, missed: readonly ReplicaName[]): StaleResult {
  const draft = new Draft(entry);
  const refused: ReplicaName[] = [];
  for (const { group, shard, node } of missed) {
    const state = draft.stateOf(group, shard, node);
    if (state !== 'in-sync' && state !== 'joined') continue;
    if (state === 'in-sync' && draft.inSyncBeside(shard, group, node) === 0) {
      refused.push({ group, shard, node });
    } else {
      draft.set(group, shard, node, 'stale');
    }
  }
  const result = draft.result();
  return { changes: result.ok ? result.changes : [], refused };
}

/**
 * The node's disk is not the one that took the writes: all its copies are stale, also one that is being
 * filled, whose journal speaks of documents that are gone. `refused` are last in-sync copies.
 */
export function disown(entry: IndexEntry, node: NodeId): StaleResult {
  const draft = new Draft(entry);
  const refused: ReplicaName[] = [];
  for (const { group, shards } of entry.placement) {
    shards.forEach((row, at) => {
      const shard = at as ShardId;
      const state = row.find((replica) => replica.node === node)?.state;
      if (state === undefined || state === 'stale' || state === 'leaving') return;
      if (state === 'in-sync' && draft.inSyncBeside(shard, group, node) === 0) {
        refused.push({ group, shard, node });
      } else {
        draft.set(group, shard, node, 'stale');
      }
    });
  }
  const result = draft.result();
  return { changes: result.ok ? result.changes : [], refused };
}

/** The index with some rows of its table replaced. */
export function applyChanges(entry: IndexEntry, changes: readonly ReplicaChange[]): IndexEntry {
  const placement = entry.placement.map((placed) => {
    const shards = placed.shards.map((replicas, shard) => {
      const change = changes.findLast((row) => row.group === placed.group && row.shard === shard);
      return change?.replicas ?? replicas;
    });
    return { group: placed.group, shards };
  });
  return { ...entry, placement };
}
