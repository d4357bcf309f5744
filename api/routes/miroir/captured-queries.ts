import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import { capturedQueriesMax } from '../../../core/limits';
import type { CapturedQuery } from '../../../store/record-types';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { saveCanary } from './canaries';
import { operatorBody, operatorRoute } from './operator-route';

interface IdParams {
  Params: { id: string };
}

const overlapDefault = 0.8;

/** Searches that were kept of the live traffic: look at them, and make a canary of one. */
export function registerCapturedQueries(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  const { capturedQueries } = ctx.store;

  app.get('/_miroir/captured-queries', options, async () => {
    const all = await capturedQueries.list({ limit: capturedQueriesMax });
    const results = [...all].sort((a, b) => b.seen - a.seen || (a.id < b.id ? -1 : 1));
    return { capturePerMille: ctx.config.canaries.capturePerMille, results };
  });

  // The stored answer becomes the canary's: the share of its first hits that must still be there.
  app.post<IdParams>('/_miroir/captured-queries/:id/promote', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['canary', 'overlap', 'intervalMs', 'who', 'why'],
    });
    const captured = await find(ctx, request.params.id);
    const overlap = fields.optionalNumber('overlap', { min: 0, integer: false }) ?? overlapDefault;
    const interval = fields.optionalNumber('intervalMs', { min: 1_000, integer: true });
    const { canary, created } = await saveCanary(ctx, fields.string('canary'), {
      index: captured.index,
      query: captured.query,
      assertions: [
        { type: 'rank_overlap_at_least', value: overlap, ids: [...captured.ids] },
        { type: 'min_hits', value: 1 },
      ],
      ...(interval === null ? {} : { intervalMs: interval }),
    });
    return await reply.code(created ? 201 : 200).send(canary);
  });

  app.delete<IdParams>('/_miroir/captured-queries/:id', options, async (request, reply) => {
    const { id } = await find(ctx, request.params.id);
    await capturedQueries.delete(id);
    return await reply.code(204).send();
  });
}

async function find(ctx: ApiContext, id: string): Promise<CapturedQuery> {
  const query = await ctx.store.capturedQueries.get(id);
  if (query !== null) return query;
  throw new MeiliError('miroir_not_found', `Captured query \`${id}\` not found.`);
}
