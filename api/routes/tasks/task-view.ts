import type { FleetTask } from '../../../store/task-types';

/** A task as the engine shows it, member by member; what only the fleet needs stays inside. */
export function taskView(task: FleetTask): object {
  const { uid, indexUid, type, canceledBy, details, error, duration, customMetadata } = task;
  return {
    uid,
    batchUid: task.batchUid,
    indexUid,
    status: shownStatus(task),
    type,
    canceledBy,
    ...(details === null ? {} : { details }),
    error,
    duration,
    enqueuedAt: task.enqueuedAt,
    startedAt: task.startedAt,
    finishedAt: task.finishedAt,
    ...(customMetadata === undefined ? {} : { customMetadata }),
  };
}

/** One batch for each task: the nodes' own batches differ from node to node. */
export function batchView(task: FleetTask): object {
  const status = shownStatus(task);
  return {
    uid: task.batchUid ?? task.uid,
    progress: null,
    details: task.details ?? {},
    stats: {
      totalNbTasks: 1,
      status: { [status]: 1 },
      types: { [task.type]: 1 },
      indexUids: task.indexUid === null ? {} : { [task.indexUid]: 1 },
      ...progressTrace(task),
    },
    duration: task.duration,
    startedAt: task.startedAt,
    finishedAt: task.finishedAt,
    batchStrategy:
      task.type === 'taskDeletion'
        ? 'stopped after the last task of type `taskDeletion` because they cannot be batched with tasks of any other type.'
        : `created batch containing only task with id ${task.uid} of type \`${task.type}\` that cannot be batched with any other task.`,
  };
}

/** Which steps took how long; the fleet knows one step, the whole of the task. */
function progressTrace({ duration }: FleetTask): { progressTrace?: Record<string, string> } {
  const seconds = /^PT([\d.]+)S$/.exec(duration ?? '')?.[1];
  if (seconds === undefined) return {};
  return { progressTrace: { 'processing tasks': shownDuration(Number(seconds)) } };
}

/** `12.34ms`, in the unit in which it has digits before the point. */
function shownDuration(seconds: number): string {
  if (seconds >= 1) return `${seconds.toFixed(2)}s`;
  return seconds >= 1e-3 ? `${(seconds * 1e3).toFixed(2)}ms` : `${(seconds * 1e6).toFixed(2)}µs`;
}

function shownStatus(task: FleetTask): string {
  return task.status === 'enqueuing' ? 'enqueued' : task.status;
}
