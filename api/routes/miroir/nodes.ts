import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { FleetNode } from '../../../core/fleet';
import { groupId } from '../../../core/ids';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { operatorBody, operatorRoute } from './operator-route';
import { demandAllowedUrl, nodeFields, readNode, readWeight, readZone } from './read-node';
import { changeOptionFields } from './run-options';
import { startChange } from './start-operation';

interface NodeParams {
  Params: { id: string };
}

/** Operations on nodes. Each answers 202 with the id of the operation, and never waits for it. */
export function registerNodes(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.post('/_miroir/nodes', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: [...nodeFields, ...changeOptionFields],
    });
    const node = readNode(fields);
    await demandAllowedUrl(ctx, node.url);
    demandNew(ctx, node.id);
    return await startChange(ctx, { change: { kind: 'add-node', node }, fields, request, reply });
  });

  app.patch<NodeParams>('/_miroir/nodes/:id', options, async (request, reply) => {
    const known = ['weight', 'zone', ...changeOptionFields];
    const fields = new Fields(operatorBody(request), { known });
    const { id: node, weight, zone } = find(ctx, request.params.id);
    if (!fields.has('weight') && !fields.has('zone')) {
      throw new MeiliError('bad_request', 'Missing field: one of `weight`, `zone` is needed.');
    }
    const change = {
      ...{ kind: 'set-node' as const, node },
      weight: readWeight(fields) ?? weight,
      // A zone of null is a wish, too: the node is of no zone then.
      zone: fields.has('zone') ? readZone(fields) : zone,
    };
    return await startChange(ctx, { change, fields, request, reply });
  });

  app.post<NodeParams>('/_miroir/nodes/:id/drain', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: [...changeOptionFields] });
    const node = find(ctx, request.params.id).id;
    const change = { kind: 'drain-node' as const, node, lost: false };
    return await startChange(ctx, { change, fields, request, reply });
  });

  app.delete<NodeParams>('/_miroir/nodes/:id', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: ['lost', ...changeOptionFields] });
    const node = find(ctx, request.params.id).id;
    const lost = fields.optionalBoolean('lost', false);
    const change = { kind: 'remove-node' as const, node, lost };
    return await startChange(ctx, { change, fields, request, reply });
  });

  registerReplace(app, ctx);
  registerRepair(app, ctx);
  registerRebalance(app, ctx);
}

function registerReplace(app: FastifyInstance, ctx: ApiContext): void {
  app.post<NodeParams>('/_miroir/nodes/:id/replace', operatorRoute(ctx), async (request, reply) => {
    const own = nodeFields.filter((name) => name !== 'group');
    const known = [...own, 'lost', ...changeOptionFields];
    const fields = new Fields(operatorBody(request), { known });
    const old = find(ctx, request.params.id);
    const named = readNode(fields, old.group);
    // What is not said is as it was: the successor stands in for the old node.
    const zone = fields.has('zone') ? named.zone : old.zone;
    const weight = fields.has('weight') ? named.weight : old.weight;
    const node = { ...named, zone, weight };
    await demandAllowedUrl(ctx, node.url);
    demandNew(ctx, node.id);
    const lost = fields.optionalBoolean('lost', false);
    const change = { kind: 'replace-node' as const, old: old.id, node, lost };
    return await startChange(ctx, { change, fields, request, reply });
  });
}

function registerRepair(app: FastifyInstance, ctx: ApiContext): void {
  app.post<NodeParams>('/_miroir/nodes/:id/repair', operatorRoute(ctx), async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: ['index', ...changeOptionFields] });
    const node = find(ctx, request.params.id).id;
    const index = fields.optionalString('index');
    const entry = index === null ? null : (ctx.fleet.index(index)?.entry ?? null);
    if (index !== null && entry === null) {
      throw new MeiliError('index_not_found', `Index \`${index}\` not found.`);
    }
    const physicalUid = entry?.physicalUid ?? null;
    const change = { kind: 'repair' as const, node, physicalUid, shard: null };
    return await startChange(ctx, { change, fields, request, reply });
  });
}

function registerRebalance(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.post('/_miroir/rebalance', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: ['group', ...changeOptionFields] });
    const number = fields.optionalNumber('group', { min: 0, integer: true });
    const group = number === null ? null : groupId(number);
    return await startChange(ctx, { change: { kind: 'rebalance', group }, fields, request, reply });
  });

  app.get('/_miroir/rebalance/status', options, async () => {
    const jobs = await ctx.store.jobs.list({ limit: 1_000 });
    const results = jobs.filter((job) => job.kind === 'rebalance');
    return { running: results.filter((job) => job.finishedAt === undefined), results };
  });
}

function find(ctx: ApiContext, id: string): FleetNode {
  const node = ctx.fleet.current().nodes.find((present) => present.id === id);
  if (node === undefined) throw new MeiliError('miroir_not_found', `Node \`${id}\` not found.`);
  return node;
}

function demandNew(ctx: ApiContext, id: string): void {
  if (!ctx.fleet.current().nodes.some((present) => present.id === id)) return;
  throw new MeiliError('miroir_operation_refused', `Node \`${id}\` is in the fleet already.`);
}
