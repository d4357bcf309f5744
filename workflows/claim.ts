import { ContinueAsNew, patched, proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { GroupId } from '../core/ids';
import { fatal } from './failures';
import type { Operation } from './operation';
import { claimCallMs, claimPauseMs, claimWaitMsMax, quickChange } from './policies';
import { line } from './summaries/line';

const { claimGroups, releaseGroups } =
  proxyActivities<Pick<Activities, 'claimGroups' | 'releaseGroups'>>(quickChange);

/**
 * Keeps placement operations on one group apart: they run in the order in which they asked, and the
 * later one waits, visibly. Workflow ids alone keep only equal operations apart. A claim belongs to the
 * workflow id, so it outlives workers and continue-as-new, and one whose run is closed is taken away.
 * An operation asks once, for all groups that it needs, and holds nothing while it waits.
 */
export async function withClaim<T>(
  operation: Operation,
  groups: readonly GroupId[],
  work: () => Promise<T>,
): Promise<T> {
  if (groups.length === 0) return work();
  try {
    await operation.cancellable(() => waitForClaim(operation, groups));
  } catch (error) {
    // Its place in the queue would keep others waiting until somebody asks whether its run is over.
    if (patched('leave-the-queue')) await releaseGroups({ operation: operation.id });
    throw error;
  }
  let continues = false;
  try {
    return await work();
  } catch (error) {
    continues = error instanceof ContinueAsNew;
    throw error;
  } finally {
    if (!continues) await releaseGroups({ operation: operation.id });
  }
}

async function waitForClaim(operation: Operation, groups: readonly GroupId[]): Promise<void> {
  const end = Date.now() + claimWaitMsMax;
  let pauseMs = claimPauseMs.first;
  for (let callMs = 0; ; callMs = claimCallMs) {
    const request = { operation: operation.id, groups: [...new Set(groups)], waitMs: callMs };
    const verdict = await claimGroups(request);
    operation.state.waitingFor = null;
    if (verdict.ok) return;
    if (verdict.full === true) throw fatal('queue-full', verdict.reason);
    if (Date.now() >= end) throw fatal('group-busy', verdict.reason);
    const waitMs = pauseMs;
    await operation.waiting(verdict.reason, () => sleep(waitMs, { summary: line(verdict.reason) }));
    pauseMs = Math.min(pauseMs * 2, claimPauseMs.max);
    // The next call waits inside; what it waits for is still what was shown last.
    operation.state.waitingFor = verdict.reason;
  }
}
