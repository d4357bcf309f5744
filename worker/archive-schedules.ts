import type { Config } from '../config/config';
import type { BackupInput, DrillInput } from '../core/archives/types';
import { backupScheduleId, restoreDrillScheduleId } from '../workflows/ids';
import { workflowTypes } from '../workflows/messages';
import type { WantedSchedule } from '../workflows/schedules';

export interface ArchiveSchedules {
  readonly wanted: readonly WantedSchedule[];
  /** Schedules that an earlier configuration wanted. */
  readonly unwanted: readonly string[];
}

/** A run that was missed by more is left to the next one. */
const catchUpMs = 600_000;

/** The schedules of backups and of the drills that prove them, as the configuration says. */
export function archiveSchedules({ backups, dumps, worker }: Config): ArchiveSchedules {
  const { location, everyMs, drillEveryMs, keep } = backups;
  const who = 'schedule';
  const heartbeatTimeoutMs = worker.heartbeatMs;
  const wanted: WantedSchedule[] = [];
  if (location !== null && everyMs !== null) {
    const input: BackupInput = { who, why: 'backups.everyMs', keep, heartbeatTimeoutMs };
    wanted.push({
      ...{ scheduleId: backupScheduleId, workflowType: workflowTypes.scheduledBackup },
      ...{ args: [input], everyMs, jitterMs: 0, catchUpMs },
      ...{ paused: false, note: `backups to ${location}` },
    });
  }
  if (location !== null && drillEveryMs !== null && dumps.location !== null) {
    const batch = { documents: dumps.batchDocuments, bytes: dumps.batchBytes };
    const why = 'backups.drillEveryMs';
    const input: DrillInput = { who, why, backup: null, batch, heartbeatTimeoutMs };
    wanted.push({
      ...{ scheduleId: restoreDrillScheduleId, workflowType: workflowTypes.scheduledDrill },
      ...{ args: [input], everyMs: drillEveryMs, jitterMs: 0, catchUpMs },
      ...{ paused: false, note: 'proves the newest backup' },
    });
  }
  const all = [backupScheduleId, restoreDrillScheduleId];
  return {
    wanted,
    unwanted: all.filter((id) => !wanted.some(({ scheduleId }) => scheduleId === id)),
  };
}
