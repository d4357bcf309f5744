import type { ErrorBody } from '../../core/errors';
import type { FleetTask } from '../../store/task-types';

/** `PT0.123S`: seconds only, as the engine writes durations. */
export function durationText(fromMs: number, toMs: number): string {
  return `PT${(Math.max(0, toMs - fromMs) / 1000).toFixed(3)}S`;
}

/** A task that ended without any node: it takes no time. The counts of a failed one are 0. */
export function finished(task: FleetTask, error: FleetTask['error'] | ErrorBody): FleetTask {
  const now = new Date().toISOString();
  return {
    ...task,
    status: error === null ? 'succeeded' : 'failed',
    details: error === null ? task.details : withoutCounts(task.details),
    error: error as FleetTask['error'],
    startedAt: now,
    finishedAt: now,
    duration: 'PT0.000001S',
    batchUid: task.uid,
  };
}

const counters = [
  'indexedDocuments',
  'deletedDocuments',
  'editedDocuments',
  'canceledTasks',
  'deletedTasks',
];

/** What a task shows that did nothing: its counters are 0, never null. */
export function withoutCounts(details: FleetTask['details']): FleetTask['details'] {
  if (details === null) return null;
  return Object.fromEntries(
    Object.entries(details).map(([name, value]) => [name, counters.includes(name) ? 0 : value]),
  );
}
