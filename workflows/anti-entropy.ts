import {
  continueAsNew,
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/types';
import type { NodeId, PhysicalUid } from '../core/ids';
import type { AntiEntropyInput, AntiEntropyOutcome } from '../core/upkeep';
import { childrenOf } from './children';
import type { Children } from './children';
import { textOf } from './failures';
import { operate } from './handlers';
import { antiEntropyId } from './ids';
import type { Operation } from './operation';
import { bulkCopy, historyEventsMax, quickChange, withHeartbeat } from './policies';
import { repairAsChild } from './repair-as-child';

const { beginAntiEntropy, settleDifferences, finishAntiEntropy } =
  proxyActivities<Pick<Activities, 'beginAntiEntropy' | 'settleDifferences' | 'finishAntiEntropy'>>(
    quickChange,
  );

/**
 * Compares all copies of each shard with each other, says what differs, makes the copies stale that the
 * record of the writes shows to be behind, and repairs them. Point of no return: none of its own.
 */
export async function antiEntropy(input: AntiEntropyInput): Promise<AntiEntropyOutcome> {
  const { resume } = input;
  // A repair shares the rate itself.
  const children = childrenOf({ parallelSyncs: 1 });
  return operate(
    {
      ...{ kind: 'anti-entropy', origin: { who: input.who, why: input.why }, total: 0 },
      documentsPerSecond: input.documentsPerSecond,
      ...(resume === undefined
        ? {}
        : { resumed: { ...resume, approvedBy: null, documentsCopied: 0 } }),
    },
    async (operation) => {
      const report = workflowInfo().firstExecutionRunId;
      const notRepaired: string[] = [];
      const repaired: NodeId[] = [];
      let canceled = false;
      try {
        await compareAll(operation, input, report);
        await operation.enter('repair');
        const { repair, who, why } = input;
        const { nodes } = await settleDifferences({ report, repair, who, why });
        await repairAll(operation, input, { nodes, repaired, notRepaired, children });
      } catch (error) {
        if (!isCancellation(error)) throw error;
        canceled = true;
      }
      const { outcome } = await finishAntiEntropy({ report, repaired, notRepaired, canceled });
      operation.state.phase = 'done';
      await operation.finish(canceled ? 'canceled' : 'succeeded', null);
      return { report, outcome };
    },
    children,
  );
}

async function compareAll(
  operation: Operation,
  input: AntiEntropyInput,
  report: string,
): Promise<void> {
  const { physicalUid, who, why, resume } = input;
  const { compareIndex } = proxyActivities<Pick<Activities, 'compareIndex'>>(
    withHeartbeat(bulkCopy, input.options.heartbeatTimeoutMs),
  );
  await operation.enter('compare');
  const indexes =
    resume?.left ?? (await beginAntiEntropy({ report, physicalUid, who, why })).indexes;
  operation.state.total = indexes.length;
  for (const [at, uid] of indexes.entries()) {
    await operation.checkpoint();
    await operation.cancellable(() =>
      compareIndex({ report, operation: operation.id, physicalUid: uid }),
    );
    operation.state.done = at + 1;
    await operation.show();
    await continueIfLong(operation, input, indexes.slice(at + 1));
  }
}

async function continueIfLong(
  operation: Operation,
  input: AntiEntropyInput,
  left: readonly PhysicalUid[],
): Promise<void> {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  const max = input.options.historyEventsMax ?? historyEventsMax;
  if (left.length === 0 || (historyLength < max && !continueAsNewSuggested)) return;
  if (!(await operation.mayContinue())) return;
  const { paused, documentsPerSecond } = operation.state;
  await continueAsNew<typeof antiEntropy>({
    ...{ ...input, documentsPerSecond },
    resume: { left, paused, startedAt: operation.startedAt },
  });
}

interface RepairWork {
  readonly nodes: readonly NodeId[];
  readonly children: Children;
  repaired: NodeId[];
  notRepaired: string[];
}

/** One node after another: each repair is a run of its own, which others may have started already. */
async function repairAll(
  operation: Operation,
  { options, who, why }: AntiEntropyInput,
  work: RepairWork,
): Promise<void> {
  for (const node of work.nodes) {
    await operation.checkpoint();
    try {
      const report = await operation.cancellable(() =>
        repairAsChild(operation, work.children, {
          parentClosePolicy: ParentClosePolicy.ABANDON,
          input: { node, physicalUid: null, who, why, options },
        }),
      );
      if (report.outcome === 'done' || report.outcome === 'nothing-to-do') work.repaired.push(node);
      else work.notRepaired.push(`${node}: the repair is ${report.outcome}`);
    } catch (error) {
      if (isCancellation(error)) throw error;
      const runs = error instanceof WorkflowExecutionAlreadyStartedError;
      work.notRepaired.push(`${node}: ${runs ? 'a repair runs already' : textOf(error)}`);
    }
  }
}

/** What the schedule starts; the child's fixed id keeps two runs apart. */
export async function scheduledAntiEntropy(
  input: AntiEntropyInput,
): Promise<AntiEntropyOutcome | null> {
  try {
    return await executeChild(antiEntropy, {
      workflowId: antiEntropyId,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return null;
  }
}
