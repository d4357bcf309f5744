import type { FastifyInstance, FastifyRequest } from 'fastify';
import { fleetTaskUid } from '../../../core/ids';
import type { FleetTask } from '../../../store/task-types';
import { authorize } from '../../auth/authorize';
import type { ApiContext } from '../../context';
import { cancelTasks, deleteTasks } from '../../writes/operations/task-operations';
import { summaryOf } from '../task-reply';
import { demandTask } from './demand-task';
import { registerTaskDocuments } from './task-documents';
import { originalFilter, readTaskFilters, readTaskQuery } from './task-query';
import { TaskSight } from './task-sight';
import { batchView, taskView } from './task-view';

/** One page is never larger, whatever limit is asked for. */
const pageMax = 10_000;

/** `/tasks` and `/batches`, from the fleet's own records. */
export function registerTasks(app: FastifyInstance, ctx: ApiContext): void {
  app.get('/tasks', { onRequest: authorize(ctx, 'tasks.get') }, async (request) => {
    const { tasks, ...page } = await list(ctx, request);
    return { results: tasks.map(taskView), ...page };
  });

  app.get('/batches', { onRequest: authorize(ctx, 'tasks.get') }, async (request) => {
    const { tasks, ...page } = await list(ctx, request);
    return { results: tasks.filter(({ batchUid }) => batchUid !== null).map(batchView), ...page };
  });

  for (const kind of ['Task', 'Batch'] as const) registerOne(app, ctx, kind);

  registerTaskDocuments(app, ctx);

  const ignoresBody = { config: { body: 'none' as const } };
  app.post(
    '/tasks/cancel',
    { ...ignoresBody, onRequest: authorize(ctx, 'tasks.cancel') },
    async (request) => {
      const sight = new TaskSight(ctx, request.caller);
      const filter = readTaskFilters(request.query, sight, 'cancel');
      const wanted = {
        filter,
        originalFilter: originalFilter(request.url),
        visible: (task: FleetTask) => sight.sees(task),
      };
      return summaryOf(await cancelTasks(ctx, wanted));
    },
  );

  app.delete('/tasks', { onRequest: authorize(ctx, 'tasks.delete') }, async (request) => {
    const sight = new TaskSight(ctx, request.caller);
    const filter = readTaskFilters(request.query, sight, 'delete');
    const wanted = {
      filter,
      originalFilter: originalFilter(request.url),
      visible: (task: FleetTask) => sight.sees(task),
    };
    return summaryOf(await deleteTasks(ctx, wanted));
  });
}

function registerOne(app: FastifyInstance, ctx: ApiContext, kind: 'Task' | 'Batch'): void {
  const path = kind === 'Task' ? '/tasks/:uid' : '/batches/:uid';
  app.get<{ Params: { uid: string } }>(
    path,
    { onRequest: authorize(ctx, 'tasks.get') },
    async (request) => {
      const task = await demandTask(ctx, request, kind);
      return kind === 'Task' ? taskView(task) : batchView(task);
    },
  );
}

interface Page {
  readonly tasks: FleetTask[];
  readonly total: number;
  readonly limit: number;
  readonly from: number | null;
  readonly next: number | null;
}

async function list(ctx: ApiContext, request: FastifyRequest): Promise<Page> {
  const sight = new TaskSight(ctx, request.caller);
  const query = readTaskQuery(request.query, sight);
  const limit = Math.min(query.limit, pageMax);
  const { reverse, filter } = query;
  // Tasks of several indexes are not shown where one index is asked for.
  const visible = (task: FleetTask): boolean =>
    sight.sees(task) && (filter.indexUids === undefined || task.indexUid !== null);
  const tasks: FleetTask[] = [];
  let from = query.from;
  let next: number | null = null;
  let total = 0;
  // A restricted key skips tasks, so a page may take several reads of the store.
  do {
    const page = await ctx.store.tasks.list({
      limit: Math.max(1, limit),
      reverse,
      filter,
      ...(from === null ? {} : { from: fleetTaskUid(from) }),
    });
    total = page.total;
    for (const task of page.tasks.filter(visible)) {
      if (tasks.length === limit) {
        next = task.uid;
        break;
      }
      tasks.push(task);
    }
    next ??= page.next;
    from = page.next;
  } while (from !== null && tasks.length < limit);
  return { tasks, total, limit: query.limit, from: tasks[0]?.uid ?? null, next };
}
