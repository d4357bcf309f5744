import type { Client } from '@temporalio/client';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { Log } from '../activities/tools';
import type { Config } from '../config/config';
import { timesOf } from '../core/rollover';
import type { ArchiveSchedules } from './archive-schedules';
import type { Store } from '../store/types';
import { upkeepSchedules } from './upkeep-schedules';
import type { WantedSchedule } from '../workflows/schedules';
import { metadataOfRun } from '../workflows/summaries/runs';
import {
  canarySchedule,
  expireSchedule,
  rolloverSchedule,
  settingsCheckSchedule,
} from '../workflows/schedules';

const pageRecords = 500;

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

async function put(client: Client, taskQueue: string, wanted: WantedSchedule): Promise<void> {
  const { scheduleId, workflowType, args, everyMs, jitterMs, catchUpMs, paused, note } = wanted;
  const spec = { intervals: [{ every: everyMs }], jitter: jitterMs };
  const action = {
    ...{ type: 'startWorkflow' as const, workflowType, workflowId: scheduleId, taskQueue },
    args: [...args],
    ...metadataOfRun(workflowType, args),
  };
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: catchUpMs };
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

async function remove(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    if ((error as Error).name !== 'ScheduleNotFoundError') throw error;
  }
}

/**
 * Makes the schedules of all policies and canaries again, and those of the fleet itself. The records in
 * the store are the truth, so a Temporal that was lost gets its schedules back when a worker starts.
 */
export async function restoreSchedules(
  client: Client,
  {
    store,
    config,
    log,
    archives,
  }: { store: Store; config: Config; log: Log; archives: ArchiveSchedules },
): Promise<number> {
  for (const scheduleId of archives.unwanted) await remove(client, scheduleId);
  const { settings, ttl, temporal } = config;
  const policies = await everything((page) => store.rolloverPolicies.list(page));
  const canaries = await everything((page) => store.canaries.list(page));
  const wanted = [
    ...policies.map((policy) => rolloverSchedule(policy, timesOf(policy.triggers))),
    ...canaries.map(canarySchedule),
    ...upkeepSchedules(config),
    settingsCheckSchedule(settings.checkIntervalMs, settings.repairDrift),
    expireSchedule(ttl.sweepIntervalMs, {
      documentsPerSecond: ttl.documentsPerSecond,
      batchDocuments: ttl.batchDocuments,
      documentsMax: ttl.documentsMaxPerSweep,
    }),
    ...archives.wanted,
  ];
  for (const one of wanted) await put(client, temporal.taskQueue, one);
  log.info({ schedules: wanted.length }, 'schedules are as the records say');
  return wanted.length;
}
