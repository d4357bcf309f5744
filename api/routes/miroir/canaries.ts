import type { FastifyInstance } from 'fastify';
import { parseAssertions } from '../../../core/canary';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { indexUid } from '../../../core/ids';
import { canaryRunsMax } from '../../../core/limits';
import type { Canary } from '../../../store/record-types';
import { recordLeases } from '../../../store/exclusive';
import { canaryId, canaryScheduleId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import { canarySchedule } from '../../../workflows/schedules';
import { exclusive } from './exclusive';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';

import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { demandKnown, queryOf, readCount } from '../../http/page';
import { deleteSchedule, putSchedule } from './schedules';

interface IdParams {
  Params: { id: string };
}

/** A canary that runs more often would be load, not a check. */
const intervalMsMin = 1_000;
const intervalMsDefault = 60_000;

/** Golden queries with assertions, run on a schedule; a red one holds back every cut over of its index. */
export function registerCanaries(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  const { canaries, canaryRuns } = ctx.store;

  app.get('/_miroir/canaries', options, async () => {
    const all = await canaries.list();
    const results = await Promise.all(
      all.map(async (canary) => ({
        ...canary,
        lastRun: (await canaryRuns.list(canary.id, 1))[0] ?? null,
      })),
    );
    return { results };
  });

  app.get<IdParams>('/_miroir/canaries/:id', options, (request) => find(ctx, request.params.id));

  app.put<IdParams>('/_miroir/canaries/:id', options, async (request, reply) => {
    const { canary, created } = await saveCanary(ctx, request.params.id, operatorBody(request));
    return await reply.code(created ? 201 : 200).send(canary);
  });

  app.post<IdParams>('/_miroir/canaries/:id/run', options, async (request, reply) => {
    const { id } = await find(ctx, request.params.id);
    const run = await temporalOf(ctx).startAfterRunning({
      workflowType: workflowTypes.runCanary,
      workflowId: canaryId(id),
      args: [{ canary: id }],
    });
    return await reply.code(202).send({ operation: run.workflowId, runId: run.runId });
  });

  app.get<IdParams>('/_miroir/canaries/:id/runs', options, async (request) => {
    const query = queryOf(request.query);
    demandKnown(query, ['limit']);
    const limit = readCount(query, 'limit', { otherwise: 20, code: 'bad_request' });
    const { id } = await find(ctx, request.params.id);
    return { results: await canaryRuns.list(id, Math.min(limit, canaryRunsMax)) };
  });

  app.delete<IdParams>('/_miroir/canaries/:id', options, async (request, reply) => {
    await exclusive(ctx, recordLeases.canaries, async () => {
      const { id } = await find(ctx, request.params.id);
      await deleteSchedule(ctx, canaryScheduleId(id));
      await canaries.delete(id);
      await canaryRuns.delete(id);
    });
    return await reply.code(204).send();
  });
}

/** Checks a canary as the API takes it, stores it, and makes its schedule follow. */
export async function saveCanary(
  ctx: ApiContext,
  id: string,
  body: JsonValue,
): Promise<{ canary: Canary; created: boolean }> {
  return await exclusive(ctx, recordLeases.canaries, async () => {
    const present = await ctx.store.canaries.get(id);
    const canary = readCanary(id, body, present);
    await ctx.store.canaries.put(canary);
    await putSchedule(ctx, canarySchedule(canary));
    return { canary, created: present === null };
  });
}

function readCanary(id: string, body: JsonValue, present: Canary | null): Canary {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    throw new MeiliError(
      'bad_request',
      'The id of a canary is 1 to 64 letters, digits, hyphens and underscores.',
    );
  }
  const fields = new Fields(body, {
    known: ['index', 'enabled', 'query', 'assertions', 'intervalMs'],
  });
  const raw = fields.raw('assertions');
  const assertions = Array.isArray(raw) ? raw.filter(isObject) : [];
  if (!Array.isArray(raw) || assertions.length !== raw.length) {
    throw fields.invalid('assertions', 'expected an array of objects');
  }
  const parsed = parseAssertions(assertions);
  if (!parsed.ok) throw new MeiliError('bad_request', parsed.message);
  const at = new Date().toISOString();
  const intervalMs = fields.optionalNumber('intervalMs', { min: intervalMsMin, integer: true });
  return {
    id,
    index: indexUid(fields.string('index')),
    enabled: fields.optionalBoolean('enabled', true),
    query: fields.object('query'),
    assertions,
    intervalMs: intervalMs ?? intervalMsDefault,
    createdAt: present?.createdAt ?? at,
    updatedAt: at,
  };
}

function isObject(value: JsonValue): value is { [member: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function find(ctx: ApiContext, id: string): Promise<Canary> {
  const canary = await ctx.store.canaries.get(id);
  if (canary === null) throw new MeiliError('miroir_not_found', `Canary \`${id}\` not found.`);
  return canary;
}
