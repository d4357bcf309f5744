import type { FastifyInstance, FastifyReply } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { FleetNode } from '../../../core/fleet';
import { groupId, nodeId } from '../../../core/ids';
import type { AddNodeInput, DrainNodeInput, RemoveNodeInput } from '../../../core/operations';
import type { RebalanceInput, RepairInput } from '../../../core/operations';
import { checkOutbound } from '../../../meili/outbound-guard';
import {
  addNodeId,
  drainNodeId,
  rebalanceId,
  removeNodeId,
  repairId,
} from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';

import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import type { StartRun } from '../../temporal-gateway';
import { originOf } from './origin';
import { runOptionFields, runOptions } from './run-options';

interface NodeParams {
  Params: { id: string };
}

/** Operations on nodes. Each answers 202 with the id of the operation, and never waits for it. */
export function registerNodes(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.post('/_miroir/nodes', options, async (request, reply) => {
    const known = ['id', 'url', 'group', 'zone', 'weight', ...runOptionFields];
    const fields = new Fields(operatorBody(request), { known });
    const node = readNode(fields);
    await demandAllowedUrl(ctx, node.url);
    if (ctx.fleet.current().nodes.some((present) => present.id === node.id)) {
      throw new MeiliError(
        'miroir_operation_refused',
        `Node \`${node.id}\` is in the fleet already.`,
      );
    }
    const input: AddNodeInput = { node, options: runOptions(ctx, fields), ...originOf(request) };
    return await started(ctx, reply, {
      workflowType: workflowTypes.addNode,
      workflowId: addNodeId(node.id),
      args: [input],
    });
  });

  app.post<NodeParams>('/_miroir/nodes/:id/drain', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: [...runOptionFields] });
    const node = find(ctx, request.params.id).id;
    const input: DrainNodeInput = {
      node,
      parent: null,
      options: runOptions(ctx, fields),
      ...originOf(request),
    };
    return await started(ctx, reply, {
      workflowType: workflowTypes.drainNode,
      workflowId: drainNodeId(node),
      args: [input],
    });
  });

  app.delete<NodeParams>('/_miroir/nodes/:id', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['lost', ...runOptionFields],
    });
    const node = find(ctx, request.params.id).id;
    const lost = fields.optionalBoolean('lost', false);
    const input: RemoveNodeInput = {
      node,
      lost,
      options: runOptions(ctx, fields),
      ...originOf(request),
    };
    return await started(ctx, reply, {
      workflowType: workflowTypes.removeNode,
      workflowId: removeNodeId(node),
      args: [input],
    });
  });

  registerRepair(app, ctx);
  registerRebalance(app, ctx);
}

function registerRepair(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  app.post<NodeParams>('/_miroir/nodes/:id/repair', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['index', ...runOptionFields],
    });
    const node = find(ctx, request.params.id).id;
    const index = fields.optionalString('index');
    const entry = index === null ? null : (ctx.fleet.index(index)?.entry ?? null);
    if (index !== null && entry === null) {
      throw new MeiliError('index_not_found', `Index \`${index}\` not found.`);
    }
    const physicalUid = entry?.physicalUid ?? null;
    const input: RepairInput = {
      node,
      physicalUid,
      options: runOptions(ctx, fields),
      ...originOf(request),
    };
    return await started(ctx, reply, {
      workflowType: workflowTypes.repairReplica,
      workflowId: repairId(node),
      args: [input],
    });
  });
}

function registerRebalance(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.post('/_miroir/rebalance', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['group', ...runOptionFields],
    });
    const number = fields.optionalNumber('group', { min: 0, integer: true });
    const group = number === null ? null : groupId(number);
    const input: RebalanceInput = {
      group,
      parent: null,
      options: runOptions(ctx, fields),
      ...originOf(request),
    };
    return await started(ctx, reply, {
      workflowType: workflowTypes.rebalance,
      workflowId: rebalanceId(group),
      args: [input],
    });
  });

  app.get('/_miroir/rebalance/status', options, async () => {
    const jobs = await ctx.store.jobs.list({ limit: 1_000 });
    const results = jobs.filter((job) => job.kind === 'rebalance');
    return { running: results.filter((job) => job.finishedAt === undefined), results };
  });
}

async function started(ctx: ApiContext, reply: FastifyReply, run: StartRun): Promise<FastifyReply> {
  const { workflowId, runId } = await temporalOf(ctx).start(run);
  return await reply.code(202).send({ operation: workflowId, runId });
}

function find(ctx: ApiContext, id: string): FleetNode {
  const node = ctx.fleet.current().nodes.find((present) => present.id === id);
  if (node === undefined) throw new MeiliError('miroir_not_found', `Node \`${id}\` not found.`);
  return node;
}

/** Link-local addresses, where clouds keep their secrets, are never called, whoever asks. */
async function demandAllowedUrl(ctx: ApiContext, url: string): Promise<void> {
  const verdict = await checkOutbound(url, ctx.config.outbound);
  if (verdict.ok) return;
  throw new MeiliError('bad_request', `Invalid value at \`.url\`: ${verdict.reason}`);
}

function readNode(fields: Fields): AddNodeInput['node'] {
  const id = fields.string('id');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) {
    throw fields.invalid('id', 'a node id is 1 to 64 letters, digits, hyphens and underscores');
  }
  const url = fields.string('url');
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw fields.invalid('url', `\`${url}\` is not an http or https url`);
  }
  return {
    id: nodeId(id),
    url: url.replace(/\/+$/, ''),
    group: groupId(fields.optionalNumber('group', { min: 0, integer: true }) ?? 0),
    zone: fields.optionalString('zone'),
    weight: fields.optionalNumber('weight', { min: 0.01, integer: false }) ?? 1,
  };
}
