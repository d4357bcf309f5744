import type { FleetTaskUid } from '../../core/ids';
import type { FleetTask } from '../../store/task-types';
import type { ApiContext } from '../context';
import { finished } from './task-times';

export function isCancelation(task: FleetTask): boolean {
  return task.type === 'taskCancelation';
}

/**
 * A cancelation is over when every task that it matched is: some of them were quicker. The number of
 * those that ended canceled by it is only known then. Null while some are open.
 */
export async function finishCancelation(
  ctx: Pick<ApiContext, 'store'>,
  task: FleetTask,
): Promise<FleetTask | null> {
  const matched = task.extra['matched'];
  const uids = (Array.isArray(matched) ? matched : []) as FleetTaskUid[];
  let canceled = 0;
  for (const uid of uids) {
    const one = await ctx.store.tasks.get(uid);
    if (one !== null && one.finishedAt === null) return null;
    if (one?.canceledBy === task.uid) canceled += 1;
  }
  const done = finished({ ...task, status: 'enqueued' }, null);
  return { ...done, details: { ...task.details, canceledTasks: canceled } };
}
