import { fleetTaskUid } from '../../core/ids';
import type { FleetTaskUid } from '../../core/ids';
import type { FleetTask, FleetTaskStatus } from '../../store/task-types';
import type { ApiContext } from '../context';
import { finished } from './task-times';

/** A node that is at leisure begins with a task at once: what has not begun by then stands in a queue. */
const beginMs = 1_000;
/** One engine deletes after the batch that it is at, however long; here there is a bound. */
const workMs = 60_000;

/** What is deleted once it is over: tasks that were open when the deletion was asked for. */
export interface PendingDeletion {
  readonly open: readonly FleetTaskUid[];
  /** How many were over, and were deleted at once. */
  readonly deleted: number;
}

/** Only one that matched tasks which were not over is ever followed; the others end where they are asked for. */
export function isDeletion(task: FleetTask): boolean {
  return task.type === 'taskDeletion';
}

export function deletionExtra({ open, deleted }: PendingDeletion): FleetTask['extra'] {
  return { matched: [...open], deleted };
}

/** Whether a deletion of this age, in milliseconds, still waits for a task of this status. */
export function deletionWaits(status: FleetTaskStatus, ageMs: number): boolean {
  return ageMs < (status === 'processing' ? workMs : beginMs);
}

/**
 * Deletes what has come to its end since. Tasks that only stand in a queue stay, as in one engine, which
 * does deletions before them. Null while the deletion waits.
 */
export async function finishDeletion(
  { store }: Pick<ApiContext, 'store'>,
  task: FleetTask,
): Promise<FleetTask | null> {
  const { matched, deleted } = task.extra;
  const wanted = (Array.isArray(matched) ? matched : []).map((uid) => fleetTaskUid(Number(uid)));
  const open = new Set(await store.tasks.open());
  const ageMs = Date.now() - Date.parse(task.enqueuedAt);
  const over = wanted.filter((uid) => !open.has(uid));
  for (const uid of wanted.filter((one) => open.has(one))) {
    const one = await store.tasks.get(uid);
    if (one?.finishedAt !== null) over.push(uid);
    else if (deletionWaits(one.status, ageMs)) return null;
  }
  const more = await store.tasks.delete(over);
  const done = finished({ ...task, status: 'enqueued' }, null);
  const { matched: _matched, deleted: _deleted, ...extra } = done.extra;
  const deletedTasks = (typeof deleted === 'number' ? deleted : 0) + more;
  return { ...done, extra, details: { ...task.details, deletedTasks } };
}
