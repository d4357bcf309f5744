import type { Client } from '@temporalio/client';
import { ScheduleOverlapPolicy } from '@temporalio/client';
import type { Log } from '../activities/tools';
import type { Config } from '../config/config';
import { timesOf } from '../core/rollover';
import { exclusively, exclusiveLeaseMs, recordLeases } from '../store/exclusive';
import type { RecordLease } from '../store/exclusive';
import type { Store } from '../store/types';
import { upkeepSchedules } from './upkeep-schedules';
import { archiveSchedule, archiveScheduleIds } from '../workflows/archive-schedules';
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

async function follow(client: Client, taskQueue: string, wanted: WantedSchedule): Promise<void> {
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
 * Records are read and followed under their lease: one that is paused meanwhile stays paused.
 */
export async function restoreSchedules(
  client: Client,
  { store, config, log, owner }: { store: Store; config: Config; log: Log; owner: string },
): Promise<number> {
  const { settings, ttl, temporal } = config;
  const put = (one: WantedSchedule): Promise<void> => follow(client, temporal.taskQueue, one);
  let count = 0;
  /** One record at a time, read again under its lease. */
  const underLease = async (
    name: RecordLease,
    wanted: () => Promise<WantedSchedule | null>,
  ): Promise<void> => {
    const options = { name, owner, waitMs: exclusiveLeaseMs * 2 };
    const done = await exclusively(store.leases, options, async () => {
      const one = await wanted();
      if (one !== null) await put(one);
      return one === null ? 0 : 1;
    });
    if (done === null) throw new Error(`The lease ${name} was not to be had.`);
    count += done.result;
  };
  for (const { name } of await everything((page) => store.rolloverPolicies.list(page))) {
    await underLease(recordLeases.policies, async () => {
      const policy = await store.rolloverPolicies.get(name);
      return policy === null ? null : rolloverSchedule(policy, timesOf(policy.triggers));
    });
  }
  for (const { id } of await everything((page) => store.canaries.list(page))) {
    await underLease(recordLeases.canaries, async () => {
      const canary = await store.canaries.get(id);
      return canary === null ? null : canarySchedule(canary);
    });
  }
  for (const name of ['backup', 'drill'] as const) {
    await underLease(recordLeases.archiveSchedules, async () => {
      const one = archiveSchedule(config, name, await store.archiveSchedules.get(name));
      // One that an earlier configuration wanted.
      if (one === null) await remove(client, archiveScheduleIds[name]);
      return one;
    });
  }
  const fixed = [
    ...upkeepSchedules(config),
    settingsCheckSchedule(settings.checkIntervalMs, settings.repairDrift),
    expireSchedule(ttl.sweepIntervalMs, {
      documentsPerSecond: ttl.documentsPerSecond,
      batchDocuments: ttl.batchDocuments,
      documentsMax: ttl.documentsMaxPerSweep,
    }),
  ];
  for (const one of fixed) await put(one);
  count += fixed.length;
  log.info({ schedules: count }, 'schedules are as the records say');
  return count;
}
