import type { Store } from '../store/types';
import type { Log } from './log';

/**
 * Ids of operations are used again, and a run writes its first view when a worker has taken it. Until then the
 * list would show how the run before it ended, and whoever waits for this one would take that for its end. So
 * the old view becomes one of a run that has just begun, unless the new run has written its own.
 */
export function freshViews(
  { jobs }: Pick<Store, 'jobs'>,
  log: Log,
): (run: { readonly workflowId: string; readonly runId: string }) => Promise<void> {
  return async ({ workflowId, runId }) => {
    const at = new Date().toISOString();
    try {
      await jobs.update(workflowId, (view) => {
        if (view.temporal.runId === runId) return view;
        const { id, kind, index, nodes, who, why } = view;
        return {
          ...{ id, kind, status: 'running', phase: 'start', who, why },
          ...(index === undefined ? {} : { index }),
          ...(nodes === undefined ? {} : { nodes }),
          progress: { done: 0, total: 0, documentsCopied: 0, waitingFor: 'a worker' },
          ...{ startedAt: at, updatedAt: at, temporal: { workflowId, runId } },
        };
      });
    } catch (error) {
      // The run has begun; that its view is old for a moment must not look like a refusal.
      log.warn({ err: error, operation: workflowId }, 'the view of an earlier run is still shown');
    }
  };
}
