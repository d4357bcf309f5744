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

function shownStatus(task: FleetTask): string {
  return task.status === 'enqueuing' ? 'enqueued' : task.status;
}
