import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { JsonValue } from '../core/fleet';
import type { Operation } from './operation';
import { irreversible, quickChange } from './policies';

const { beginTask } = proxyActivities<Pick<Activities, 'beginTask'>>(quickChange);
// The client's task must end, whatever becomes of the run.
const { endTask } = proxyActivities<Pick<Activities, 'endTask'>>(irreversible);

export interface Ended<T> {
  readonly report: T;
  /** What the task's details say besides, now that it is over. */
  readonly details: { readonly [member: string]: JsonValue };
}

export interface ClientTask {
  /** Null: no client asked for this run. */
  readonly taskUid: number | null;
  /** The error object of the task when the run failed. */
  readonly failed: (error: unknown) => { readonly [member: string]: JsonValue };
}

/** The client's task ends as the run does: also when that fails, or is canceled. */
export async function endingTask<T>(
  operation: Operation,
  { taskUid, failed }: ClientTask,
  work: () => Promise<Ended<T>>,
): Promise<T> {
  try {
    if (taskUid !== null) await beginTask({ taskUid });
    const { report, details } = await work();
    if (taskUid !== null) await endTask({ taskUid, status: 'succeeded', details, error: null });
    operation.state.shown = report as unknown as JsonValue;
    operation.state.phase = 'done';
    await operation.finish('succeeded', null);
    return report;
  } catch (error) {
    const canceled = operation.state.canceledBy !== null;
    if (taskUid !== null) {
      const status = canceled ? 'canceled' : 'failed';
      await endTask({ taskUid, status, details: {}, error: canceled ? null : failed(error) });
    }
    throw error;
  }
}
