import { MeiliError } from '../../core/errors';
import type { Fleet, IndexEntry } from '../../core/fleet';
import type { ShardId } from '../../core/ids';
import { markStale } from '../../core/replicas';
import type { ReplicaName } from '../../core/replicas';
import { mapShards } from '../../core/reshard';
import type { FleetTask } from '../../store/task-types';
import type { FleetOp } from '../../store/types';
import type { Diverged } from './fold';
import { numberingOf } from './fold';
import { withoutCounts } from './task-times';

/** `refused`: one of them is the last copy of its shard that is read, and stays. */
export function staleOps(
  fleet: Fleet,
  task: FleetTask,
  diverged: readonly Diverged[],
): { readonly ops: FleetOp[] | null; readonly refused: boolean } {
  const entry = fleet.indexes.find((one) => one.physicalUid === task.physicalUid);
  if (entry === undefined) return { ops: null, refused: false };
  const now = (shards: readonly ShardId[]): ShardId[] =>
    mapShards(shards, numberingOf(task) ?? entry.shardCount, entry.shardCount);
  const missed = entry.placement.flatMap(({ group }) =>
    diverged.flatMap(({ node, shards }) => now(shards).map((shard) => ({ group, shard, node }))),
  );
  const { refused } = markStale(entry, missed);
  const { changes } = markStale(entry, [...missed, ...joinedOf(entry, refused)]);
  const ops = changes.map((change): FleetOp => ({
    op: 'set-replicas',
    physicalUid: entry.physicalUid,
    ...change,
  }));
  return { ops: ops.length === 0 ? null : ops, refused: refused.length > 0 };
}

/** Joined copies may have what the one that is read has not; they would answer with it after a cut-over. */
function joinedOf(entry: IndexEntry, refused: readonly ReplicaName[]): ReplicaName[] {
  const shards = new Set(refused.map(({ shard }) => shard));
  return entry.placement.flatMap(({ group, shards: rows }) =>
    [...shards].flatMap((shard) =>
      (rows[shard] ?? []).flatMap(({ node, state }) =>
        state === 'joined' ? [{ group, shard, node }] : [],
      ),
    ),
  );
}

/** Only copies that are not read have it: they missed another write, and will be filled without this one. */
export function withoutReaders(task: FleetTask): FleetTask {
  if (task.status !== 'succeeded') return task;
  const error = new MeiliError(
    'miroir_partially_applied',
    'The only copy of a shard that is read has not applied its part of this task. Send it again.',
  );
  const details = withoutCounts(task.details);
  return { ...task, status: 'failed', details, error: error.toBody() as never };
}
