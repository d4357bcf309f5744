import { fleetTaskUid } from '../../core/ids';
import type { FleetTask } from '../../store/task-types';
import type { ActivityTools } from '../tools';
import type { EndTaskRequest } from '../types';

const durationText = (fromMs: number, toMs: number): string =>
  `PT${(Math.max(0, toMs - fromMs) / 1000).toFixed(3)}S`;

/** The client's task shows that its run has begun. */
export async function beginTask(
  { store, clock }: ActivityTools,
  { taskUid }: { readonly taskUid: number },
): Promise<void> {
  const task = await store.tasks.get(fleetTaskUid(taskUid));
  if (task === null || task.finishedAt !== null || task.startedAt !== null) return;
  const startedAt = new Date(clock.now()).toISOString();
  await store.tasks.save({ ...task, status: 'processing', startedAt, batchUid: task.uid });
}

/** Ends the client's task as its run ended; a task that is over or deleted stays so. */
export async function endTask(
  { store, clock }: ActivityTools,
  { taskUid, status, details, error }: EndTaskRequest,
): Promise<void> {
  const task = await store.tasks.get(fleetTaskUid(taskUid));
  if (task === null || task.finishedAt !== null) return;
  const now = clock.now();
  const startedAt = task.startedAt ?? new Date(now).toISOString();
  // What the run needed, such as the key of another Meilisearch, is not kept.
  const { run: _run, ...extra } = task.extra;
  const ended: FleetTask = {
    ...task,
    ...{ status, extra, startedAt, batchUid: task.uid },
    details: { ...task.details, ...details },
    error: error === null ? null : { ...error },
    canceledBy: status === 'canceled' ? task.canceledBy : null,
    finishedAt: new Date(now).toISOString(),
    duration: durationText(Date.parse(startedAt), now),
  };
  await store.tasks.save(ended);
}
