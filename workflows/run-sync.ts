import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { condition, ParentClosePolicy, patched, startChild } from '@temporalio/workflow';
import type { PlannedSync, SyncInput, SyncReport } from '../core/operations';
import { shareOf, steerLate } from './children';
import { syncId } from './ids';
import type { Operation } from './operation';
import { isStopped } from './operation-state';
import { namesakePauseMs, namesakeWaitMsMax } from './policies';
import type { PlannedWork, SyncRun } from './planned-work';
import { line } from './summaries/line';
import type { syncShards } from './sync-shards';

export function pairOf(sync: PlannedSync) {
  const { physicalUid, index, group, source, sourceGroup, target, shards, kind } = sync;
  return { physicalUid, index, group, source, sourceGroup, target, shards, kind };
}

/** Runs one sync as a child and steers it with its parent. Throws what the child threw. */
export async function runSync(
  operation: Operation,
  sync: PlannedSync,
  { work, children }: SyncRun,
): Promise<SyncReport> {
  const id = syncId(sync);
  const { documentsPerSecond } = operation.state;
  try {
    const child = await startSync(operation, id, inputOf(operation, sync, work));
    children.ids.add(id);
    await steerLate(operation, children, documentsPerSecond);
    return await child.result();
  } finally {
    children.ids.delete(id);
  }
}

function inputOf(operation: Operation, sync: PlannedSync, { options }: PlannedWork): SyncInput {
  return {
    ...pairOf(sync),
    who: operation.spec.origin.who,
    why: operation.spec.origin.why,
    parent: operation.id,
    options: {
      documentsPerSecond: shareOf(operation.state.documentsPerSecond, options),
      graceMs: options.graceMs,
      smallRoundIds: options.smallRoundIds,
      ...(options.sourceGraceMs === undefined ? {} : { sourceGraceMs: options.sourceGraceMs }),
      ...(options.awayMaxMs === undefined ? {} : { awayMaxMs: options.awayMaxMs }),
      ...(options.heartbeatTimeoutMs === undefined
        ? {}
        : { heartbeatTimeoutMs: options.heartbeatTimeoutMs }),
    },
  };
}

/**
 * A sync of the same id can only be one whose parent was terminated: it undoes itself, or is about to
 * close, and holds its pair of nodes until then. The claims keep living operations apart.
 */
async function startSync(operation: Operation, workflowId: string, input: SyncInput) {
  const end = Date.now() + namesakeWaitMsMax;
  for (let pauseMs = namesakePauseMs.first; ;) {
    try {
      return await startChild<typeof syncShards>('syncShards', {
        workflowId,
        // A parent that is terminated lets its children undo themselves instead of ending them half done.
        parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
        args: [input],
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      const over = isStopped(operation.state) || Date.now() >= end;
      // Runs of before gave up at once.
      if (over || !patched('wait-for-namesake')) {
        throw new Error(`${workflowId} is running already, started by another operation.`);
      }
      const reason = `${workflowId} of an operation that was terminated to end`;
      const waitMs = pauseMs;
      await operation.waiting(reason, () =>
        condition(() => isStopped(operation.state), waitMs, { summary: line(reason) }),
      );
      pauseMs = Math.min(2 * waitMs, namesakePauseMs.max);
    }
  }
}
