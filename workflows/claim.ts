import { ContinueAsNew, proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { GroupId } from '../core/ids';
import { fatal } from './failures';
import type { Operation } from './operation';
import { claimPauseMs, claimWaitMsMax, quickChange } from './policies';

const { claimGroups, releaseGroups } =
  proxyActivities<Pick<Activities, 'claimGroups' | 'releaseGroups'>>(quickChange);

/**
 * Keeps placement operations on one group apart: the second waits, visibly, until the first is over.
 * Workflow ids alone keep only equal operations apart. A claim belongs to the workflow id, so it
 * outlives workers and continue-as-new, and a claim whose run is closed is taken over.
 */
export async function withClaim<T>(
  operation: Operation,
  groups: readonly GroupId[],
  work: () => Promise<T>,
): Promise<T> {
  if (groups.length === 0) return work();
  await operation.cancellable(() => waitForClaim(operation, groups));
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
  for (;;) {
    const verdict = await claimGroups({ operation: operation.id, groups: [...new Set(groups)] });
    if (verdict.ok) return;
    if (Date.now() >= end) throw fatal('group-busy', verdict.reason);
    const waitMs = pauseMs;
    await operation.waiting(verdict.reason, () => sleep(waitMs));
    pauseMs = Math.min(pauseMs * 2, claimPauseMs.max);
  }
}
