import type { JsonValue } from '../../../core/fleet';
import type { NodeId, NodeTaskUid } from '../../../core/ids';
import type { FleetTask, TaskFilter } from '../../../store/task-types';
import type { ApiContext } from '../../context';
import { clientOf } from '../../client-of';
import { deletionExtra } from '../../follower/deletion';
import { hasRun } from '../../task-runs';
import { faultOf } from '../node-fault';
import type { Operation, WritePlan } from '../plan';
import { finalPlan } from './common';

export interface WantedTasks {
  readonly filter: TaskFilter;
  /** The query string, as the details show it. */
  readonly originalFilter: string;
  readonly visible: (task: FleetTask) => boolean;
}

const pageSize = 1_000;

async function matching(ctx: ApiContext, wanted: WantedTasks): Promise<FleetTask[]> {
  const found: FleetTask[] = [];
  let from: FleetTask['uid'] | null = null;
  do {
    const page: Awaited<ReturnType<typeof ctx.store.tasks.list>> = await ctx.store.tasks.list({
      limit: pageSize,
      filter: wanted.filter,
      ...(from === null ? {} : { from }),
    });
    found.push(...page.tasks.filter(wanted.visible));
    from = page.next;
  } while (from !== null);
  return found;
}

/** A task about tasks: it changes no index and waits for none. */
class TaskOperation implements Operation {
  readonly names: readonly string[] = [];

  constructor(private readonly written: WritePlan) {}

  target(): null {
    return null;
  }

  async plan(): Promise<WritePlan> {
    return this.written;
  }
}

/** A task that a run works on: it waits for no node, and ends when its run ends it. */
export class RunTask extends TaskOperation {
  /** `run`: what the run needs to know and nobody sees; it is dropped when the task is over. */
  constructor(
    type: FleetTask['type'],
    details: { [member: string]: JsonValue },
    run?: { readonly [member: string]: JsonValue },
  ) {
    const plan = finalPlan({ type, indexUid: null, details }, null);
    super({ ...plan, ...(run === undefined ? {} : { extra: { run } }), final: null });
  }
}

/**
 * Cancels what has not been worked off. The cancelation is stored first, so that whoever follows the
 * tasks knows by whom they were canceled; then the nodes are told. Replicas of which one was quicker
 * than the cancelation are found by the follower, like all that differ.
 */
export async function cancelTasks(ctx: ApiContext, wanted: WantedTasks): Promise<FleetTask> {
  const matched = await matching(ctx, wanted);
  const open = matched.filter(
    ({ finishedAt, type }) => finishedAt === null && type !== 'taskCancelation',
  );
  const details = {
    matchedTasks: matched.length,
    canceledTasks: null,
    originalFilter: wanted.originalFilter,
  };
  const plan: WritePlan = {
    ...finalPlan({ type: 'taskCancelation', indexUid: null, details }, null),
    extra: { matched: open.map(({ uid }) => uid) },
    final: null,
  };
  const { task } = await ctx.writes.submit(new TaskOperation(plan));
  const byNode = new Map<NodeId, NodeTaskUid[]>();
  for (const { node, uid } of open.flatMap(({ nodeTasks }) => nodeTasks)) {
    byNode.set(node, [...(byNode.get(node) ?? []), uid]);
  }
  for (const one of open) if (hasRun(one)) await ctx.taskRuns.cancel(one, task.uid);
  await Promise.all([...byNode].map(async ([node, uids]) => await cancelOn(ctx, node, uids)));
  ctx.follower.wake();
  return task;
}

async function cancelOn(
  ctx: ApiContext,
  node: NodeId,
  uids: readonly NodeTaskUid[],
): Promise<void> {
  const client = clientOf(ctx, node);
  try {
    await client?.request({ method: 'POST', path: `/tasks/cancel?uids=${uids.join(',')}` });
  } catch (error) {
    const fault = faultOf(error);
    if (fault === null) throw error;
    ctx.log.warn({ node, code: fault.code }, 'node was not told of a cancelation');
  }
}

/**
 * Deletes what is over; the nodes keep their own tasks as long as they like. What is not over may be at
 * work, so the deletion stays open until the follower has seen what becomes of it.
 */
export async function deleteTasks(ctx: ApiContext, wanted: WantedTasks): Promise<FleetTask> {
  const matched = await matching(ctx, wanted);
  const done = matched.filter(({ finishedAt }) => finishedAt !== null).map(({ uid }) => uid);
  const open = matched.filter(({ finishedAt }) => finishedAt === null).map(({ uid }) => uid);
  let deleted = 0;
  for (let at = 0; at < done.length; at += pageSize) {
    deleted += await ctx.store.tasks.delete(done.slice(at, at + pageSize));
  }
  const details: { [member: string]: JsonValue } = {
    matchedTasks: matched.length,
    deletedTasks: open.length === 0 ? deleted : null,
    originalFilter: wanted.originalFilter,
  };
  const plan = finalPlan({ type: 'taskDeletion', indexUid: null, details }, null);
  const waiting = { ...plan, extra: deletionExtra({ open, deleted }), final: null };
  const { task } = await ctx.writes.submit(new TaskOperation(open.length === 0 ? plan : waiting));
  if (open.length > 0) ctx.follower.wake();
  return task;
}
