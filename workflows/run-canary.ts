import { executeChild, ParentClosePolicy, proxyActivities } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/types';
import type { CanaryInput, CanaryReport } from '../core/operations';
import { operate } from './handlers';
import { canaryId } from './ids';
import { canaryRun } from './policies';

const { runCanary: searchAndJudge } = proxyActivities<Pick<Activities, 'runCanary'>>(canaryRun);

/**
 * Makes one golden search through the api and notes whether the answer fulfils its assertions. A red
 * canary is a result and no failure of the run. Point of no return: none.
 */
export async function runCanary(input: CanaryInput): Promise<CanaryReport> {
  return operate(
    {
      kind: 'canary',
      origin: { who: 'schedule', why: `canary ${input.canary}` },
      index: input.canary,
      total: 1,
      documentsPerSecond: null,
    },
    async (operation) => {
      await operation.enter('search');
      const report = await operation.cancellable(() => searchAndJudge(input));
      operation.state.done = 1;
      operation.state.report = { ...report, failures: [...report.failures] };
      await operation.enter(report.ok ? 'green' : 'red');
      await operation.finish('succeeded', null);
      return report;
    },
  );
}

/** What the schedule starts; the child's fixed id keeps two runs of one canary apart. */
export async function scheduledCanary(input: CanaryInput): Promise<CanaryReport | null> {
  try {
    return await executeChild(runCanary, {
      workflowId: canaryId(input.canary),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return null;
  }
}
