import type {
  ArchiveSchedule,
  ArchiveScheduleName,
  BackupInput,
  DrillInput,
} from '../core/archives/types';
import type { Origin } from '../core/operations';
import { backupScheduleId, restoreDrillScheduleId } from './ids';
import { workflowTypes } from './messages';
import { catchUpMsDefault, jitterOf } from './schedules';
import type { WantedSchedule } from './schedules';

/** The part of the configuration that archives are made by. */
export interface ArchiveSettings {
  readonly backups: {
    readonly location: string | null;
    readonly everyMs: number | null;
    readonly drillEveryMs: number | null;
    readonly keep: number;
    readonly keepMs: number | null;
  };
  readonly dumps: {
    readonly location: string | null;
    readonly batchDocuments: number;
    readonly batchBytes: number;
  };
  readonly worker: { readonly heartbeatMs: number };
  readonly api: { readonly bodyLimitBytes: number };
}

export const archiveScheduleIds: Readonly<Record<ArchiveScheduleName, string>> = {
  backup: backupScheduleId,
  drill: restoreDrillScheduleId,
};

/** What a schedule is after the configuration and what an operator said of it. */
export interface EffectiveSchedule {
  readonly name: ArchiveScheduleName;
  /** Who says so; `none`: nobody wants it, so there is no schedule. */
  readonly source: 'operator' | 'configuration' | 'none';
  readonly enabled: boolean;
  readonly everyMs: number | null;
  readonly jitterMs: number | null;
  readonly catchUpMs: number | null;
  /** Of backups only. */
  readonly keep: number | null;
  readonly pauseNote: string | null;
}

/** `record` null: nobody has said anything of it. */
export function effectiveSchedule(
  settings: ArchiveSettings,
  name: ArchiveScheduleName,
  record: ArchiveSchedule | null,
): EffectiveSchedule {
  const { backups, dumps } = settings;
  const configured = name === 'backup' ? backups.everyMs : backups.drillEveryMs;
  const everyMs = record?.everyMs ?? configured;
  // A drill sets documents aside, and they go to the dumps.
  const possible = backups.location !== null && (name === 'backup' || dumps.location !== null);
  const wanted = possible && everyMs !== null;
  return {
    name,
    source: !wanted ? 'none' : record === null ? 'configuration' : 'operator',
    enabled: record?.enabled ?? true,
    everyMs: wanted ? everyMs : null,
    jitterMs: wanted ? (record?.jitterMs ?? jitterOf(everyMs)) : null,
    catchUpMs: wanted ? (record?.catchUpMs ?? catchUpMsDefault) : null,
    keep: name === 'backup' ? (record?.keep ?? backups.keep) : null,
    pauseNote: record?.pauseNote ?? null,
  };
}

export function backupInput(
  { backups, worker }: ArchiveSettings,
  { keep }: Pick<EffectiveSchedule, 'keep'>,
  { who, why }: Origin,
): BackupInput {
  const { keepMs } = backups;
  return { who, why, keep, keepMs, heartbeatTimeoutMs: worker.heartbeatMs };
}

/** `backup` null: the newest one. */
export function drillInput(
  { dumps, worker, api }: ArchiveSettings,
  backup: string | null,
  { who, why }: Origin,
): DrillInput {
  // A body holds a batch with the document that filled it.
  const bytes = Math.min(dumps.batchBytes, Math.floor(api.bodyLimitBytes / 2));
  const batch = { documents: dumps.batchDocuments, bytes };
  return { who, why, backup, batch, heartbeatTimeoutMs: worker.heartbeatMs };
}

/** The schedule as it must stand in Temporal; null: there must be none. */
export function archiveSchedule(
  settings: ArchiveSettings,
  name: ArchiveScheduleName,
  record: ArchiveSchedule | null,
): WantedSchedule | null {
  const effective = effectiveSchedule(settings, name, record);
  const { everyMs, jitterMs, catchUpMs, enabled, pauseNote } = effective;
  if (everyMs === null || jitterMs === null || catchUpMs === null) return null;
  const origin = { who: 'schedule', why: `${name} schedule` };
  const { location } = settings.backups;
  return {
    scheduleId: archiveScheduleIds[name],
    ...(name === 'backup'
      ? {
          workflowType: workflowTypes.scheduledBackup,
          args: [backupInput(settings, effective, origin)],
        }
      : {
          workflowType: workflowTypes.scheduledDrill,
          args: [drillInput(settings, null, origin)],
        }),
    ...{ everyMs, jitterMs, catchUpMs, paused: !enabled },
    note: enabled || pauseNote === null ? noteOf(name, location ?? '') : pauseNote,
  };
}

const noteOf = (name: ArchiveScheduleName, location: string): string =>
  name === 'backup' ? `backups to ${location}` : 'proves the newest backup';
