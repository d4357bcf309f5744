import type { FastifyRequest } from 'fastify';
import { MeiliError } from '../../../core/errors';
import { fleetTaskUid } from '../../../core/ids';
import type { FleetTask } from '../../../store/task-types';
import type { ApiContext } from '../../context';
import { TaskSight } from './task-sight';

type TaskRequest = FastifyRequest<{ Params: { uid: string } }>;

/** The task or batch of a path. Throws Meilisearch's errors for one that the caller may not see. */
export async function demandTask(
  ctx: ApiContext,
  request: TaskRequest,
  kind: 'Task' | 'Batch' = 'Task',
): Promise<FleetTask> {
  const text = request.params.uid;
  if (!/^\+?\d+$/.test(text) || Number(text) > 0xffff_ffff) {
    throw new MeiliError(
      kind === 'Task' ? 'invalid_task_uids' : 'invalid_batch_uids',
      `${kind} uid \`${text}\` is invalid. It should only contain numeric characters.`,
    );
  }
  const task = await ctx.store.tasks.get(fleetTaskUid(Number(text)));
  const visible = task !== null && new TaskSight(ctx, request.caller).sees(task);
  if (task === null || !visible || (kind === 'Batch' && task.batchUid === null)) {
    throw new MeiliError(
      kind === 'Task' ? 'task_not_found' : 'batch_not_found',
      `${kind} \`${Number(text)}\` not found.`,
    );
  }
  return task;
}
