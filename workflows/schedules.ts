import type { SweepOptions } from '../core/index-life';
import type { Origin } from '../core/operations';
import {
  canaryScheduleId,
  expireScheduleId,
  rolloverScheduleId,
  settingsCheckScheduleId,
} from './ids';
import { workflowTypes } from './messages';

/**
 * The Temporal Schedules of a fleet, as data. The records and the configuration are the truth: the api
 * makes a schedule when a record changes, and the worker makes all of them again when it starts.
 */
export interface WantedSchedule {
  readonly scheduleId: string;
  readonly workflowType: string;
  readonly args: readonly unknown[];
  readonly everyMs: number;
  /** Runs of many schedules that are due at once are spread over so long. */
  readonly jitterMs: number;
  /** A run that was missed while Temporal was away is made up for when it is not older than this. */
  readonly catchUpMs: number;
  readonly paused: boolean;
  readonly note: string;
}

export const catchUpMsDefault = 600_000;
const jitterMsMax = 30_000;

/** A tenth of the interval, at most half a minute. */
export const jitterOf = (everyMs: number): number =>
  Math.min(Math.floor(everyMs / 10), jitterMsMax);

interface Timing {
  readonly everyMs: number;
  readonly jitterMs: number | null;
  readonly catchUpMs: number | null;
}

const timing = ({ everyMs, jitterMs, catchUpMs }: Timing) => ({
  everyMs,
  jitterMs: jitterMs ?? jitterOf(everyMs),
  catchUpMs: catchUpMs ?? catchUpMsDefault,
});

const bySchedule = (why: string): Origin => ({ who: 'schedule', why });

export function rolloverSchedule(
  policy: {
    readonly name: string;
    readonly version: number;
    readonly enabled: boolean;
    readonly pauseNote?: string;
  },
  times: Timing,
): WantedSchedule {
  const { name, version, enabled, pauseNote } = policy;
  return {
    scheduleId: rolloverScheduleId(name),
    workflowType: workflowTypes.scheduledRollover,
    args: [{ policy: name, force: false, dryRun: false, ...bySchedule('rollover policy') }],
    ...timing(times),
    paused: !enabled,
    note:
      enabled || pauseNote === undefined || pauseNote === ''
        ? `rollover policy ${name} version ${String(version)}`
        : pauseNote,
  };
}

export function canarySchedule(canary: {
  readonly id: string;
  readonly enabled: boolean;
  readonly intervalMs: number;
}): WantedSchedule {
  const { id, enabled, intervalMs } = canary;
  return {
    scheduleId: canaryScheduleId(id),
    workflowType: workflowTypes.scheduledCanary,
    args: [{ canary: id }],
    ...timing({ everyMs: intervalMs, jitterMs: null, catchUpMs: null }),
    paused: !enabled,
    note: `canary ${id}`,
  };
}

const neverMs = 24 * 3_600_000;

/** `everyMs` null: paused, so that an operator can still trigger it in Temporal's page. */
export function settingsCheckSchedule(everyMs: number | null, repair: boolean): WantedSchedule {
  return {
    scheduleId: settingsCheckScheduleId,
    workflowType: workflowTypes.scheduledSettingsCheck,
    args: [{ physicalUid: null, repair, ...bySchedule('settings check') }],
    ...timing({ everyMs: everyMs ?? neverMs, jitterMs: null, catchUpMs: 60_000 }),
    paused: everyMs === null,
    note: everyMs === null ? 'switched off by the configuration' : 'settings on every node',
  };
}

export function expireSchedule(everyMs: number | null, options: SweepOptions): WantedSchedule {
  return {
    scheduleId: expireScheduleId,
    workflowType: workflowTypes.scheduledExpiry,
    args: [{ physicalUid: null, options, ...bySchedule('expired documents') }],
    ...timing({ everyMs: everyMs ?? neverMs, jitterMs: null, catchUpMs: 60_000 }),
    paused: everyMs === null,
    note: everyMs === null ? 'switched off by the configuration' : 'expired documents',
  };
}
