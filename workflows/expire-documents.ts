import {
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/types';
import type { JsonValue } from '../core/fleet';
import type { PhysicalUid } from '../core/ids';
import type { ExpireInput, ExpireReport, SweepResult } from '../core/index-life';
import { textOf } from './failures';
import { operate } from './handlers';
import { expireId } from './ids';
import type { Operation } from './operation';
import { quickRead, sweep } from './policies';

const { expiringIndexes } = proxyActivities<Pick<Activities, 'expiringIndexes'>>(quickRead);
const { sweepIndex } = proxyActivities<Pick<Activities, 'sweepIndex'>>(sweep);

/**
 * Deletes expired documents, index by index, by ordinary writes. Point of no return: none; what was
 * deleted had expired, and what is left is taken by the next sweep.
 */
export async function expireDocuments(input: ExpireInput): Promise<ExpireReport> {
  const { physicalUid, options, who, why } = input;
  return operate(
    {
      kind: 'ttl',
      origin: { who, why },
      ...(physicalUid === null ? {} : { index: physicalUid }),
      total: 1,
      documentsPerSecond: options.documentsPerSecond,
    },
    async (operation) => {
      await operation.enter('find');
      const indexes =
        physicalUid === null ? await expiringIndexes({ operation: operation.id }) : [physicalUid];
      operation.state.total = indexes.length;
      await operation.enter('sweep');
      const report = await sweepAll(operation, input, indexes);
      operation.state.report = report as unknown as JsonValue;
      operation.state.phase = 'done';
      const { failed } = report;
      const reasons = failed.map((one) => `${one.physicalUid}: ${one.reason}`).join('; ');
      await operation.finish(failed.length === 0 ? 'succeeded' : 'failed', reasons || null);
      return report;
    },
  );
}

/** One index that cannot be swept does not keep the others waiting. */
async function sweepAll(
  operation: Operation,
  { options }: ExpireInput,
  indexes: readonly PhysicalUid[],
): Promise<ExpireReport> {
  const failed: { physicalUid: PhysicalUid; reason: string }[] = [];
  let deleted = 0;
  let left = 0;
  for (const physicalUid of indexes) {
    try {
      for (let outcome: SweepResult['outcome'] = 'paused'; outcome === 'paused';) {
        await operation.checkpoint();
        const request = { physicalUid, options, runKey: operation.id };
        const result = await operation.cancellable(() => sweepIndex(request));
        deleted += result.deleted;
        operation.state.documentsCopied = deleted;
        outcome = result.outcome;
        if (outcome !== 'paused') left += result.left;
      }
    } catch (error) {
      if (isCancellation(error) || operation.state.canceledBy !== null) throw error;
      failed.push({ physicalUid, reason: textOf(error) });
    }
    operation.state.done += 1;
    await operation.show();
  }
  return { indexes: indexes.length, deleted, left, failed };
}

/** What the schedule starts; the child's fixed id keeps two sweeps of all indexes apart. */
export async function scheduledExpiry(input: ExpireInput): Promise<ExpireReport | null> {
  try {
    return await executeChild(expireDocuments, {
      workflowId: expireId(input.physicalUid),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return null;
  }
}
