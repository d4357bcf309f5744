import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { ApiContext } from '../../context';
import { temporalOf } from './operator-route';

export interface ScheduleRequest {
  readonly scheduleId: string;
  readonly workflowType: string;
  readonly workflowId: string;
  readonly args: readonly unknown[];
  readonly everyMs: number;
  readonly paused: boolean;
  readonly note: string;
}

/** A run that was missed while Temporal was away is made up for when it is not older than this. */
const catchupWindow = '10 minutes' as const;

/**
 * Makes the schedule say what the record in Redis says, whether it exists or not. The record is the
 * truth: the worker makes all schedules again from the records when it starts, so a failure here
 * is told to the operator and loses nothing.
 */
export async function putSchedule(ctx: ApiContext, request: ScheduleRequest): Promise<void> {
  const spec = { intervals: [{ every: request.everyMs }] };
  const action = {
    type: 'startWorkflow' as const,
    workflowType: request.workflowType,
    workflowId: request.workflowId,
    taskQueue: ctx.config.temporal.taskQueue,
    args: [...request.args],
  };
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow };
  const state = { paused: request.paused, note: request.note };
  await temporalOf(ctx).withClient(async (client) => {
    const handle = client.schedule.getHandle(request.scheduleId);
    try {
      await handle.update(() => ({ spec, action, policies, state }));
    } catch (error) {
      if (!isNotFound(error)) throw error;
      await client.schedule.create({
        scheduleId: request.scheduleId,
        spec,
        action,
        policies,
        state,
      });
    }
  });
}

export async function deleteSchedule(ctx: ApiContext, scheduleId: string): Promise<void> {
  await temporalOf(ctx).withClient(async (client) => {
    try {
      await client.schedule.getHandle(scheduleId).delete();
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  });
}

export async function triggerSchedule(ctx: ApiContext, scheduleId: string): Promise<void> {
  await temporalOf(ctx).withClient((client) => client.schedule.getHandle(scheduleId).trigger());
}

function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error
    ? error.name === 'ScheduleNotFoundError'
    : false;
}
