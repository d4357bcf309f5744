import type { Client } from '@temporalio/client';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { Log } from '../activities/tools';
import { durationMs } from '../core/rollover';
import type { CanaryInput, RolloverInput } from '../core/operations';
import type { Canary, RolloverPolicy } from '../store/record-types';
import type { Store } from '../store/types';
import { canaryScheduleId, rolloverScheduleId } from '../workflows/ids';
import { workflowTypes } from '../workflows/messages';

const checkEveryDefaultMs = 60_000;
const catchupWindow = '10 minutes' as const;
const pageRecords = 500;

interface Wanted {
  readonly scheduleId: string;
  readonly workflowType: string;
  readonly args: readonly [RolloverInput | CanaryInput];
  readonly everyMs: number;
  readonly paused: boolean;
  readonly note: string;
}

function ofPolicy({ name, version, enabled, triggers }: RolloverPolicy): Wanted {
  const every = triggers['check_every'];
  const input: RolloverInput = {
    ...{ policy: name, force: false, dryRun: false, who: 'schedule', why: 'rollover policy' },
  };
  return {
    scheduleId: rolloverScheduleId(name),
    workflowType: workflowTypes.scheduledRollover,
    args: [input],
    everyMs: (typeof every === 'string' ? durationMs(every) : null) ?? checkEveryDefaultMs,
    paused: !enabled,
    note: `rollover policy ${name} version ${String(version)}`,
  };
}

const ofCanary = ({ id, enabled, intervalMs }: Canary): Wanted => ({
  scheduleId: canaryScheduleId(id),
  workflowType: workflowTypes.scheduledCanary,
  args: [{ canary: id }],
  everyMs: intervalMs,
  paused: !enabled,
  note: `canary ${id}`,
});

async function everything<T>(
  list: (page: { offset: number; limit: number }) => Promise<T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (;;) {
    const page = await list({ offset: found.length, limit: pageRecords });
    found.push(...page);
    if (page.length < pageRecords) return found;
  }
}

async function put(client: Client, taskQueue: string, wanted: Wanted): Promise<void> {
  const { scheduleId, workflowType, args, everyMs, paused, note } = wanted;
  const spec = { intervals: [{ every: everyMs }] };
  const action = {
    ...{ type: 'startWorkflow' as const, workflowType, workflowId: scheduleId, taskQueue },
    args: [...args],
  };
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow };
  const state = { paused, note };
  try {
    await client.schedule.getHandle(scheduleId).update(() => ({ spec, action, policies, state }));
  } catch (error) {
    if ((error as Error).name !== 'ScheduleNotFoundError') throw error;
    await client.schedule
      .create({ scheduleId, spec, action, policies, state })
      .catch((other: unknown) => {
        // Two workers that start at once make the same schedule.
        if ((other as Error).name !== 'ScheduleAlreadyRunning') throw other;
      });
  }
}

/**
 * Makes the schedules of all policies and canaries again. The records in the store are the truth, so
 * a Temporal that was lost gets its schedules back when a worker starts.
 */
export async function restoreSchedules(
  client: Client,
  { store, taskQueue, log }: { store: Store; taskQueue: string; log: Log },
): Promise<number> {
  const wanted = [
    ...(await everything((page) => store.rolloverPolicies.list(page))).map(ofPolicy),
    ...(await everything((page) => store.canaries.list(page))).map(ofCanary),
  ];
  for (const one of wanted) await put(client, taskQueue, one);
  if (wanted.length > 0) log.info({ schedules: wanted.length }, 'schedules are as the records say');
  return wanted.length;
}
