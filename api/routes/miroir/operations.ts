import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import { isObject } from '../../../core/search/values';
import type { JobView } from '../../../store/record-types';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';

import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { demandKnown, queryOf, readCount } from '../../http/page';
import { originOf } from './origin';
import { withProgress } from './progress';
import { changeOptionFields } from './run-options';
import { startChange } from './start-operation';
import { wayBack } from './way-back';

interface IdParams {
  Params: { id: string };
}

const jobsMax = 1_000;

/** The one surface of all operations: what runs, what ran, and the verbs. */
export function registerOperations(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.get('/_miroir/operations', options, async (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['offset', 'limit', 'status', 'kind']);
    const offset = readCount(query, 'offset', { otherwise: 0, code: 'bad_request' });
    const limit = readCount(query, 'limit', { otherwise: 20, code: 'bad_request' });
    const jobs = (await ctx.store.jobs.list({ limit: jobsMax }))
      .filter((job) => matches(job, query))
      .sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
    const results = jobs.slice(offset, offset + limit).map((job) => withLink(ctx, job));
    return { results, offset, limit, total: jobs.length };
  });

  app.get('/_miroir/operations/queue', options, async () => ctx.store.governor.view());

  app.get<IdParams>('/_miroir/operations/:id', options, async (request) => {
    const job = await withProgress(ctx, await find(ctx, request.params.id));
    return { ...withLink(ctx, job), events: await ctx.store.figures.events(job.id) };
  });

  app.post<IdParams>('/_miroir/operations/:id/approve', options, async (request) => {
    const fields = new Fields(operatorBody(request), { known: ['who', 'why', 'epoch'] });
    const job = await find(ctx, request.params.id);
    const epoch = fields.optionalNumber('epoch', { min: 0, integer: true }) ?? plannedEpoch(job);
    return await send(ctx, job, 'approve', { ...originOf(request), epoch });
  });

  app.post<IdParams>('/_miroir/operations/:id/reverse', options, async (request, reply) => {
    const known = [...changeOptionFields];
    const fields = new Fields(operatorBody(request), { known });
    const job = await find(ctx, request.params.id);
    if (job.finishedAt === undefined) return await send(ctx, job, 'reverse', originOf(request));
    const change = wayBack(job, ctx.fleet.current());
    return await startChange(ctx, { change, fields, request, reply });
  });

  for (const verb of ['pause', 'resume', 'cancel', 'proceed'] as const) {
    app.post<IdParams>(`/_miroir/operations/:id/${verb}`, options, async (request) => {
      new Fields(operatorBody(request), { known: ['who', 'why'] });
      return await send(ctx, await find(ctx, request.params.id), verb, originOf(request));
    });
  }

  app.post<IdParams>('/_miroir/operations/:id/throttle', options, async (request) => {
    const fields = new Fields(operatorBody(request), {
      known: ['who', 'why', 'documentsPerSecond'],
    });
    const documentsPerSecond = fields.optionalNumber('documentsPerSecond', {
      min: 1,
      integer: true,
    });
    const job = await find(ctx, request.params.id);
    return await send(ctx, job, 'setThrottle', { ...originOf(request), documentsPerSecond });
  });
}

/** The view, with a link to the run in Temporal's own page where that is known. */
export function withLink(ctx: ApiContext, job: JobView): object {
  const { uiUrl, namespace } = ctx.config.temporal;
  if (uiUrl === null) return job;
  const id = encodeURIComponent(job.temporal.workflowId);
  const url = `${uiUrl}/namespaces/${namespace}/workflows/${id}/${job.temporal.runId}/history`;
  return { ...job, temporal: { ...job.temporal, url } };
}

function matches(job: JobView, query: ReadonlyMap<string, string>): boolean {
  const status = query.get('status')?.split(',');
  const kind = query.get('kind')?.split(',');
  return (
    (status === undefined || status.includes(job.status)) &&
    (kind === undefined || kind.includes(job.kind))
  );
}

async function find(ctx: ApiContext, id: string): Promise<JobView> {
  const job = await ctx.store.jobs.get(id);
  if (job === null) throw new MeiliError('miroir_not_found', `Operation \`${id}\` not found.`);
  return job;
}

async function send(
  ctx: ApiContext,
  job: JobView,
  update: string,
  message: object,
): Promise<object> {
  const accepted = await temporalOf(ctx).update(job.temporal.workflowId, update, message);
  return { id: job.id, accepted: update, ...(accepted as object) };
}

/** An approval without an epoch approves the plan that the view shows. */
function plannedEpoch(job: JobView): number {
  const plan = job.plan;
  if (isObject(plan) && typeof plan['epoch'] === 'number') return plan['epoch'];
  throw new MeiliError(
    'miroir_operation_refused',
    `Operation \`${job.id}\` has no plan to approve.`,
  );
}
