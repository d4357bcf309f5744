import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { WantedSchedule } from '../../../workflows/schedules';
import { metadataOfRun } from '../../../workflows/summaries/runs';
import type { ApiContext } from '../../context';
import { temporalOf } from './operator-route';

/**
 * Makes the schedule say what the record in Redis says, whether it exists or not. The record is the
 * truth: the worker makes all schedules again from the records when it starts, so a failure here
 * is told to the operator and loses nothing.
 */
export async function putSchedule(ctx: ApiContext, request: WantedSchedule): Promise<void> {
  const spec = { intervals: [{ every: request.everyMs }], jitter: request.jitterMs };
  const action = {
    type: 'startWorkflow' as const,
    workflowType: request.workflowType,
    workflowId: request.scheduleId,
    taskQueue: ctx.config.temporal.taskQueue,
    args: [...request.args],
    ...metadataOfRun(request.workflowType, request.args),
  };
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: request.catchUpMs };
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

/** Starts the runs that the schedule would have started in that time, one after another. */
export async function backfillSchedule(
  ctx: ApiContext,
  scheduleId: string,
  { start, end }: { readonly start: Date; readonly end: Date },
): Promise<void> {
  const overlap = ScheduleOverlapPolicy.BUFFER_ALL;
  await temporalOf(ctx).withClient((client) =>
    client.schedule.getHandle(scheduleId).backfill([{ start, end, overlap }]),
  );
}

export interface ScheduleTimes {
  /** RFC 3339; null: none is due. */
  readonly next: string | null;
  readonly lastStarted: string | null;
}

/** What Temporal says of a schedule; null where it has none, or is away: a view is not refused for that. */
export async function timesOfSchedule(
  ctx: ApiContext,
  scheduleId: string,
): Promise<ScheduleTimes | null> {
  if (ctx.temporal === null) return null;
  try {
    return await ctx.temporal.withClient(async (client) => {
      const { info } = await client.schedule.getHandle(scheduleId).describe();
      return {
        next: info.nextActionTimes[0]?.toISOString() ?? null,
        lastStarted: info.recentActions.at(-1)?.takenAt.toISOString() ?? null,
      };
    });
  } catch (error) {
    ctx.log.debug({ err: error, scheduleId }, 'a schedule could not be described');
    return null;
  }
}

function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'name' in error
    ? error.name === 'ScheduleNotFoundError'
    : false;
}
