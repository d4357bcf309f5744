import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { summaryOfActivity } from './summaries/activities';
import { metadataOfRun } from './summaries/runs';

/**
 * Puts a line of words beside each activity and child, so that a run can be followed in Temporal's page by
 * who does not know the code. Summaries are no part of what a replay compares.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity(input, next) {
        const summary = input.options.summary ?? summaryOfActivity(input.activityType, input.args);
        if (summary === undefined) return next(input);
        return next({ ...input, options: { ...input.options, summary } });
      },
      scheduleLocalActivity(input, next) {
        const summary = summaryOfActivity(input.activityType, input.args);
        if (summary === undefined) return next(input);
        return next({ ...input, options: { ...input.options, summary } });
      },
      startChildWorkflowExecution(input, next) {
        const metadata = metadataOfRun(input.workflowType, input.options.args);
        return next({ ...input, options: { ...metadata, ...input.options } });
      },
    },
  ],
});
