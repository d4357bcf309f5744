import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';

/**
 * The one difference to the workflows of a worker: an activity that is simulated may let hours pass in a
 * call of a millisecond, in which no heartbeat can be sent, so none is waited for.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      scheduleActivity(input, next) {
        const { heartbeatTimeout: _, ...options } = input.options;
        return next({ ...input, options });
      },
    },
  ],
});
