/** Brings tasks back from the journal, and with them the indexes. */
import { isObject, toPlain } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import { initialDetails, taskType } from './describe';
import { executeTask } from './execute';
import type { Indexes } from './execute';
import type { TaskQueue } from './queue';
import type { Task, TaskContent, TaskStatus } from './types';

function objectAt(entry: JsonObject, name: string): JsonObject | null {
  const value = entry.get(name);
  return isObject(value) ? value : null;
}

/** Documents, filters and settings stay exact; the rest is plain. */
function readContent(content: JsonObject): TaskContent {
  const plain = toPlain(content) as TaskContent;
  switch (plain.kind) {
    case 'addDocuments':
      return { ...plain, documents: content.get('documents') as JsonObject[] };
    case 'deleteFilter':
      return { ...plain, filter: content.get('filter') as Json };
    case 'settings':
      return { ...plain, change: content.get('change') as JsonObject };
    default:
      return plain;
  }
}

function readTask(accepted: JsonObject): Task {
  const content = readContent(accepted.get('content') as JsonObject);
  const indexUid = accepted.get('indexUid') as string | null;
  return {
    uid: accepted.get('uid') as number,
    indexUid,
    type: taskType(content),
    content,
    enqueuedAt: accepted.get('enqueuedAt') as number,
    customMetadata: accepted.get('customMetadata') as string | null,
    status: 'enqueued',
    batchUid: null,
    canceledBy: null,
    details: initialDetails(indexUid, content),
    error: null,
    startedAt: null,
    finishedAt: null,
  };
}

/** Does finished work again; a task that failed by a full disk, or was canceled, had no effect. */
async function repeat(task: Task, indexes: Indexes): Promise<void> {
  if (task.status === 'canceled' || task.error?.code === 'no_space_left_on_device') return;
  if (task.content.kind === 'cancelTasks' || task.content.kind === 'deleteTasks') return;
  try {
    await executeTask(task, indexes, task.finishedAt ?? task.enqueuedAt);
  } catch {
    // A task that failed before fails again, with the effects that it had then.
  }
}

function applyOutcome(task: Task, finished: JsonObject): void {
  task.status = finished.get('status') as TaskStatus;
  task.batchUid = finished.get('batchUid') as number | null;
  task.canceledBy = finished.get('canceledBy') as number | null;
  task.startedAt = finished.get('startedAt') as number | null;
  task.finishedAt = finished.get('finishedAt') as number | null;
  task.error = toPlain(finished.get('error') ?? null) as Task['error'];
  task.details = Object.fromEntries(objectAt(finished, 'details') ?? []);
}

/**
 * Replays the entries of tasks: finished ones are done again in the order in which they ended, the
 * others go back to the queue.
 */
export async function restoreTasks(
  entries: readonly JsonObject[],
  queue: TaskQueue,
  indexes: Indexes,
): Promise<void> {
  const tasks = new Map<number, Task>();
  for (const entry of entries) {
    const accepted = objectAt(entry, 'accepted');
    if (accepted !== null) {
      const task = readTask(accepted);
      tasks.set(task.uid, task);
    }
    const finished = objectAt(entry, 'finished');
    const task = finished === null ? undefined : tasks.get(finished.get('uid') as number);
    if (finished !== null && task !== undefined) {
      applyOutcome(task, finished);
      await repeat(task, indexes);
    }
  }
  for (const task of tasks.values()) queue.admit(task);
  for (const entry of entries) {
    const forgotten = entry.get('forgotten');
    if (Array.isArray(forgotten)) for (const uid of forgotten) queue.tasks.delete(uid as number);
  }
}
