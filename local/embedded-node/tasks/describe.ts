/** The types and `details` of tasks, before and after their work, and how tasks are shown. */
import { formatDate, formatDuration } from '../clock';
import { toJsonText } from '../http/answer';
import { changeDetails } from '../settings/index-settings';
import type { Details, Task, TaskContent, TaskType } from './types';

const TYPES: Readonly<Record<TaskContent['kind'], TaskType>> = {
  addDocuments: 'documentAdditionOrUpdate',
  deleteIds: 'documentDeletion',
  deleteFilter: 'documentDeletion',
  clear: 'documentDeletion',
  settings: 'settingsUpdate',
  createIndex: 'indexCreation',
  updateIndex: 'indexUpdate',
  deleteIndex: 'indexDeletion',
  swap: 'indexSwap',
  cancelTasks: 'taskCancelation',
  deleteTasks: 'taskDeletion',
};

export function taskType(content: TaskContent): TaskType {
  return TYPES[content.kind];
}

/** The details of a task that has not run; counters are null. */
export function initialDetails(indexUid: string | null, content: TaskContent): Details {
  switch (content.kind) {
    case 'addDocuments':
      return { receivedDocuments: content.documents.length, indexedDocuments: null };
    case 'deleteIds':
      return { providedIds: content.ids.length, deletedDocuments: null, originalFilter: null };
    case 'deleteFilter':
      return { providedIds: 0, deletedDocuments: null, originalFilter: toJsonText(content.filter) };
    case 'clear':
    case 'deleteIndex':
      return { deletedDocuments: null };
    case 'settings':
      return Object.fromEntries(changeDetails(content.change));
    case 'createIndex':
      return { primaryKey: content.primaryKey };
    case 'updateIndex':
      return content.newUid === null
        ? { primaryKey: content.primaryKey }
        : { primaryKey: content.primaryKey, oldIndexUid: indexUid, newIndexUid: content.newUid };
    case 'swap':
      return { swaps: content.pairs.map((indexes) => ({ indexes, rename: false })) };
    case 'cancelTasks':
      return {
        matchedTasks: content.uids.length,
        canceledTasks: null,
        originalFilter: content.query,
      };
    case 'deleteTasks':
      return {
        matchedTasks: content.uids.length,
        deletedTasks: null,
        originalFilter: content.query,
      };
  }
}

const COUNTERS = ['indexedDocuments', 'deletedDocuments', 'canceledTasks', 'deletedTasks'];

/** Failed and canceled tasks show zeros where nothing was counted. */
export function withoutOpenCounters(details: Details): Details {
  const entries = Object.entries(details);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value === null && COUNTERS.includes(name) ? 0 : value]),
  );
}

/** The answer to a request that put a task into the queue. */
export function summary(task: Task): Record<string, unknown> {
  return {
    taskUid: task.uid,
    indexUid: task.indexUid,
    status: 'enqueued',
    type: task.type,
    enqueuedAt: formatDate(task.enqueuedAt),
    customMetadata: task.customMetadata ?? undefined,
  };
}

function shownDate(micros: number | null): string | null {
  return micros === null ? null : formatDate(micros);
}

/** The whole task, as `GET /tasks/{uid}` shows it. */
export function shownTask(task: Task): Record<string, unknown> {
  const { startedAt, finishedAt } = task;
  const ran = startedAt !== null && finishedAt !== null;
  return {
    uid: task.uid,
    batchUid: task.batchUid,
    indexUid: task.indexUid,
    status: task.status,
    type: task.type,
    canceledBy: task.canceledBy,
    details: task.details,
    error: task.error,
    duration: ran ? formatDuration(finishedAt - startedAt) : null,
    enqueuedAt: formatDate(task.enqueuedAt),
    startedAt: shownDate(startedAt),
    finishedAt: shownDate(finishedAt),
    customMetadata: task.customMetadata ?? undefined,
  };
}
