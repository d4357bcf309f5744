import { condition, isCancellation, patched } from '@temporalio/workflow';
import type { LeaveRequest } from '../activities/types';
import type { GroupId, NodeId, ShardId } from '../core/ids';
import type { SyncReport } from '../core/operations';
import { deleteWhenKept } from './delete-when-kept';
import { fatal, textOf } from './failures';
import { awayMaxMs, lossOf } from './outlive';
import type { Sync } from './sync-state';

/** The way back stays open for the grace time. A copy has no way back to keep open: its source stays. */
export async function reversedInGrace(sync: Sync): Promise<boolean> {
  const { operation, input } = sync;
  if (input.kind === 'copy') return false;
  // A source that the sync had to leave missed writes, or may have: there is no way back to keep open.
  if (sync.ref.feeds !== undefined) return false;
  const { state } = operation;
  state.cancellable = false;
  state.reversible = true;
  await operation.enter('grace');
  await operation.waiting('the grace time, in which `reverse` goes back', () =>
    condition(() => state.reversedBy !== null, input.options.graceMs, {
      summary: 'the grace time, in which `reverse` goes back',
    }),
  );
  await operation.checkpoint();
  state.reversible = false;
  return state.reversedBy !== null;
}

export async function cleanUpSource(sync: Sync): Promise<void> {
  const { operation, input } = sync;
  if (input.kind === 'copy') return;
  await operation.enter('clean-up');
  await leave(sync, leaveRequest(sync, input.source, input.sourceGroup, input.shards));
}

/**
 * Null: the source missed a write within the grace time, so it cannot be read again. Nothing was flipped, the
 * target answers for all of the shards, and the one whole end left is the one ahead.
 */
export async function giveBack(sync: Sync): Promise<SyncReport | null> {
  const { operation, activities, ref } = sync;
  await operation.enter('reverse');
  const verdict = await activities.reverseCutOver(ref);
  if (!verdict.ok) {
    // Runs of before ended here, with a source that was neither read nor removed.
    if (!patched('refused-reverse-goes-on')) throw fatal('reverse-refused', verdict.reason);
    operation.state.reverseRefused = verdict.reason;
    return null;
  }
  await cleanTarget(sync);
  return report(sync, 'reversed', null);
}

/** Before the point of no return: the target is cleaned first, its rows leave the table last. */
export async function rollBack(sync: Sync, error: unknown): Promise<SyncReport> {
  const { operation } = sync;
  const canceled = isCancellation(error);
  operation.state.cancellable = false;
  operation.state.paused = false;
  if (sync.opened) {
    await operation.enter('roll-back');
    await cleanTarget(sync);
  }
  if (canceled) return report(sync, 'canceled', null);
  return report(sync, 'failed', textOf(error));
}

async function cleanTarget(sync: Sync): Promise<void> {
  const { input, activities } = sync;
  const { target, group } = input;
  const wasStale = sync.wasStale ?? [];
  const made = input.shards.filter((shard) => !wasStale.includes(shard));
  if (wasStale.length > 0) {
    await activities.restoreStale(leaveRequest(sync, target, group, wasStale));
  }
  if (made.length > 0) await leave(sync, leaveRequest(sync, target, group, made));
}

function leaveRequest(
  { ref, input }: Sync,
  node: NodeId,
  group: GroupId,
  shards: readonly ShardId[],
): LeaveRequest {
  const { physicalUid, who, why } = input;
  return { physicalUid, group, node, shards, who, why, runKey: ref.runKey };
}

async function leave(sync: Sync, request: LeaveRequest): Promise<void> {
  const { operation, activities, input } = sync;
  const epoch = await activities.startLeaving(request);
  if (epoch === null) return;
  await operation.waiting(`every pod to know epoch ${String(epoch)}`, () =>
    activities.passBarrier({ epoch, operation: operation.id }),
  );
  const until = Date.now() + awayMaxMs(input);
  try {
    await deleteWhenKept(operation, epoch, () => activities.removeLeaving({ ...request, until }));
  } catch (error) {
    // Its rows stay, leaving, so nothing there is seen; the next repair or rebalance removes them.
    if (lossOf(error) === null) throw error;
    operation.state.leftOn = request.node;
  }
}

export async function report(
  sync: Sync,
  outcome: SyncReport['outcome'],
  error: string | null,
): Promise<SyncReport> {
  const { operation, input } = sync;
  const status = outcome === 'done' ? 'succeeded' : outcome === 'failed' ? 'failed' : 'canceled';
  operation.state.phase = 'done';
  if (outcome === 'done') operation.state.done = operation.state.total;
  await operation.finish(status, error);
  const { physicalUid, index, group, source, sourceGroup, target, shards, kind } = input;
  const { reverseRefused } = operation.state;
  return {
    ...{ physicalUid, index, group, source, sourceGroup, target, shards, kind, outcome },
    // Who asked for the way back of a whole operation reads there why this pair did not go.
    error: reverseRefused === null ? error : `reverse-refused: ${reverseRefused}`,
    documentsCopied: operation.state.documentsCopied,
    startedAt: operation.startedAt,
    finishedAt: new Date().toISOString(),
  };
}
