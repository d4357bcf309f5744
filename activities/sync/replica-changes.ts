import type { Fleet, GroupPlacement, IndexEntry, ReplicaState } from '../../core/fleet';
import type { GroupId, NodeId, PhysicalUid, ShardId } from '../../core/ids';
import type { Origin, SyncRef, Verdict } from '../../core/operations';
import type { SyncFeed } from '../../core/sync-losses';
import type { ReplicaChange, Transition } from '../../core/replicas';
import { joinTarget } from '../../core/replicas';
import type { Attempt, FleetOp } from '../../store/types';
import type { ActivityTools } from '../tools';

export function rowOps(physicalUid: PhysicalUid, changes: readonly ReplicaChange[]): FleetOp[] {
  return changes.map((row) => ({ op: 'set-replicas', physicalUid, ...row }));
}

export function findEntry(fleet: Fleet, physicalUid: PhysicalUid): IndexEntry | null {
  return fleet.indexes.find((entry) => entry.physicalUid === physicalUid) ?? null;
}

/** The index with an empty table for a group that it does not know yet. */
export function withGroup(entry: IndexEntry, group: GroupId): IndexEntry {
  if (entry.placement.some((placed) => placed.group === group)) return entry;
  const empty: GroupPlacement = {
    group,
    shards: Array.from({ length: entry.shardCount }, () => []),
  };
  return { ...entry, placement: [...entry.placement, empty] };
}

export function stateOf(
  entry: IndexEntry,
  at: { readonly group: GroupId; readonly shard: ShardId; readonly node: NodeId },
): ReplicaState | null {
  const row = entry.placement.find(({ group }) => group === at.group)?.shards[at.shard] ?? [];
  return row.find(({ node }) => node === at.node)?.state ?? null;
}

/** The state of each of the sync's shards on the target. */
export function targetStates(fleet: Fleet, ref: SyncRef): (ReplicaState | null)[] {
  const entry = findEntry(fleet, ref.physicalUid);
  return ref.shards.map((shard) =>
    entry === null ? null : stateOf(entry, { group: ref.group, shard, node: ref.target }),
  );
}

/** Where each shard of a sync is read from. */
export const feedsOf = ({ feeds, source, sourceGroup, shards }: SyncRef): readonly SyncFeed[] =>
  feeds ?? [{ node: source, group: sourceGroup, shards }];

/** Every copy that is read from must be one that took all acknowledged writes; these are not, any more. */
export function feedsBehind(entry: IndexEntry, ref: SyncRef): NodeId[] {
  const isBehind = ({ group, node, shards }: SyncFeed): boolean =>
    shards.some((shard) => stateOf(entry, { group, shard, node }) !== 'in-sync');
  return feedsOf(ref)
    .filter(isBehind)
    .map(({ node }) => node);
}

export const sourceInSync = (entry: IndexEntry, ref: SyncRef): boolean =>
  feedsBehind(entry, ref).length === 0;

/** Null: some copy is not syncing any more, or its source is not in sync. */
export function joinOps(fleet: Fleet, ref: SyncRef): FleetOp[] | null {
  const entry = findEntry(fleet, ref.physicalUid);
  if (entry === null || !sourceInSync(entry, ref)) return null;
  const { group, shards, target } = ref;
  const step = joinTarget(entry, { group, shards, node: target });
  return step.ok && step.changes.length > 0 ? rowOps(ref.physicalUid, step.changes) : null;
}

export interface Change extends Origin {
  readonly physicalUid: PhysicalUid;
  readonly what: string;
  readonly attempt?: Attempt;
}

export type Changed = { readonly fleet: Fleet; readonly verdict: Verdict };

/**
 * Applies a transition of one index to the newest fleet; a refusal changes nothing and is a value. With
 * an attempt it throws where a later attempt of the run has a number: that one decides.
 */
export async function changeReplicas(
  { store }: ActivityTools,
  { physicalUid, who, why, what, attempt }: Change,
  decide: (entry: IndexEntry) => Transition,
): Promise<Changed> {
  let verdict: Verdict = { ok: true };
  const decideOps = (present: Fleet): FleetOp[] | null => {
    const entry = findEntry(present, physicalUid);
    const step: Transition =
      entry === null
        ? { ok: false, reason: `the index ${physicalUid} was deleted` }
        : decide(entry);
    verdict = step.ok ? { ok: true } : { ok: false, reason: step.reason };
    return step.ok && step.changes.length > 0 ? rowOps(physicalUid, step.changes) : null;
  };
  const fleet = await store.fleet.update({ who, why, what }, decideOps, attempt);
  return { fleet, verdict };
}
