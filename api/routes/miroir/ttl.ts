import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { IndexEntry, IndexTtl } from '../../../core/fleet';
import { physicalUid } from '../../../core/ids';
import { slotCount } from '../../../core/limits';
import type { ExpireInput, SweepOptions } from '../../../core/index-life';
import type { ExpiredPart } from '../../../core/ttl';
import { parseTtl, wholeHashSpace } from '../../../core/ttl';
import { millisMax } from '../../../core/hidden-fields';
import { expireId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { countDocuments } from '../../writes/count';
import { setIndex } from '../../writes/index-changes';
import { DeleteDocuments } from '../../writes/operations/delete-documents';
import { answerWithTask } from '../task-reply';
import { oneIndex } from '../target';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';
import { originOf } from './origin';

interface UidParams {
  Params: { uid: string };
}

/** Documents that expire: per index a policy, a look at what is due, and a sweep now. */
export function registerTtl(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.get('/_miroir/ttl', options, async () => {
    const entries = ctx.fleet.current().indexes.filter(({ ttl }) => ttl !== undefined);
    return { results: await Promise.all(entries.map((entry) => viewOf(ctx, entry))) };
  });

  app.get<UidParams>('/_miroir/indexes/:uid/ttl', options, async (request) =>
    viewOf(ctx, oneIndex(ctx, request.params.uid)),
  );

  app.put<UidParams>('/_miroir/indexes/:uid/ttl', options, async (request) => {
    const body = operatorBody(request);
    new Fields(body, { known: ['enabled', 'defaultTtlMs', 'who', 'why'] });
    const parsed = parseTtl(body as Parameters<typeof parseTtl>[0]);
    if (!parsed.ok) throw new MeiliError('bad_request', parsed.message);
    return viewOf(ctx, await setTtl(ctx, request, parsed.ttl));
  });

  app.delete<UidParams>('/_miroir/indexes/:uid/ttl', options, async (request, reply) => {
    new Fields(operatorBody(request), { known: ['who', 'why'] });
    await setTtl(ctx, request, null);
    return await reply.code(204).send();
  });

  app.post<UidParams>('/_miroir/indexes/:uid/ttl/sweep', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['documentsPerSecond', 'who', 'why'],
    });
    const entry = demandTtl(oneIndex(ctx, request.params.uid));
    const rate = fields.optionalNumber('documentsPerSecond', { min: 1, integer: true });
    const input: ExpireInput = {
      physicalUid: entry.physicalUid,
      options: sweepOptions(ctx, rate),
      ...originOf(request),
    };
    const run = await temporalOf(ctx).start({
      workflowType: workflowTypes.expireDocuments,
      workflowId: expireId(entry.physicalUid),
      args: [input],
    });
    return await reply.code(202).send({ operation: run.workflowId, runId: run.runId });
  });

  // What a sweep asks for, part by part: one write in the order of the index's writes. The sweep itself
  // is what an audit wants to see.
  const unaudited = { ...options, config: { body: 'none' as const } };
  app.post('/_miroir/ttl/expire', unaudited, async (request, reply) => expire(ctx, request, reply));
}

export function sweepOptions(ctx: ApiContext, rate: number | null): SweepOptions {
  const { ttl } = ctx.config;
  return {
    documentsPerSecond: rate ?? ttl.documentsPerSecond,
    batchDocuments: ttl.batchDocuments,
    documentsMax: ttl.documentsMaxPerSweep,
  };
}

async function viewOf(ctx: ApiContext, entry: IndexEntry): Promise<object> {
  const { uid, physicalUid: id, ttl } = entry;
  const sweep = await ctx.store.ttlSweeps.get(id);
  const due =
    ttl === undefined
      ? null
      : await countDocuments(ctx, entry, {
          kind: 'expired',
          before: Date.now(),
          ...wholeHashSpace,
        }).catch(() => null);
  return {
    index: uid,
    enabled: ttl?.enabled ?? false,
    defaultTtlMs: ttl?.defaultTtlMs ?? null,
    expiredNow: due,
    lastSweep: sweep,
  };
}

function demandTtl(entry: IndexEntry): IndexEntry {
  if (entry.ttl?.enabled === true) return entry;
  throw new MeiliError(
    'miroir_operation_refused',
    `Documents of \`${entry.uid}\` do not expire: set a TTL policy first.`,
  );
}

async function setTtl(
  ctx: ApiContext,
  request: FastifyRequest<UidParams>,
  ttl: IndexTtl | null,
): Promise<IndexEntry> {
  const { physicalUid: id } = oneIndex(ctx, request.params.uid);
  const what = ttl === null ? 'documents expire no more' : 'documents expire';
  const fleet = await ctx.store.fleet.update({ ...originOf(request), what }, (now) => {
    const entry = now.indexes.find((one) => one.physicalUid === id);
    if (entry === undefined) throw notFound(request.params.uid);
    const { ttl: before, ...rest } = entry;
    if (JSON.stringify(before ?? null) === JSON.stringify(ttl)) return null;
    return [setIndex(ttl === null ? rest : { ...rest, ttl })];
  });
  await ctx.fleet.reload(fleet.epoch);
  const entry = fleet.indexes.find((one) => one.physicalUid === id);
  if (entry === undefined) throw notFound(request.params.uid);
  return entry;
}

async function expire(
  ctx: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const fields = new Fields(operatorBody(request), {
    known: ['physicalUid', 'before', 'fromSlot', 'toSlot'],
  });
  const uid = physicalUid(fields.string('physicalUid'));
  const entry = ctx.fleet.physical(uid) ?? (await reloaded(ctx, uid));
  if (entry === null) throw notFound(uid);
  demandTtl(entry);
  const part: ExpiredPart = {
    before: demandNumber(fields, 'before', millisMax),
    fromSlot: demandNumber(fields, 'fromSlot', slotCount - 1),
    toSlot: demandNumber(fields, 'toSlot', slotCount),
  };
  if (part.fromSlot >= part.toSlot) {
    throw fields.invalid('toSlot', 'must be above `fromSlot`');
  }
  // A clock that is ahead must not take documents that have not expired for the fleet.
  const doomed = { kind: 'expired' as const, ...part, before: Math.min(part.before, Date.now()) };
  const count = (one: IndexEntry, what: Parameters<typeof countDocuments>[2]): Promise<number> =>
    countDocuments(ctx, one, what);
  return await answerWithTask(ctx, reply, new DeleteDocuments({ name: entry.uid, doomed, count }));
}

async function reloaded(
  ctx: ApiContext,
  uid: IndexEntry['physicalUid'],
): Promise<IndexEntry | null> {
  await ctx.fleet.reload();
  return ctx.fleet.physical(uid);
}

function demandNumber(fields: Fields, name: string, max: number): number {
  const value = fields.optionalNumber(name, { min: 0, integer: true });
  if (value === null || value > max) throw fields.invalid(name, `expected 0 to ${max}`);
  return value;
}

function notFound(uid: string): MeiliError {
  return new MeiliError('index_not_found', `Index \`${uid}\` not found.`);
}
