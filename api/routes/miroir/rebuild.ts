import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { RebuildInput } from '../../../core/upkeep';
import { rebuildNodeId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';
import { originOf } from './origin';
import { runOptionFields, runOptions } from './run-options';

/** Taking a node back that is not the one it was. Whether it may be is checked by the run itself. */
export function registerRebuild(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.post<{ Params: { id: string } }>(
    '/_miroir/nodes/:id/rebuild',
    options,
    async (request, reply) => {
      const fields = new Fields(operatorBody(request), {
        known: ['acceptLoss', ...runOptionFields],
      });
      const node = ctx.fleet.current().nodes.find(({ id }) => id === request.params.id);
      if (node === undefined) {
        throw new MeiliError('miroir_not_found', `Node \`${request.params.id}\` not found.`);
      }
      const input: RebuildInput = {
        node: node.id,
        acceptLoss: fields.optionalBoolean('acceptLoss', false),
        options: runOptions(ctx, fields),
        ...originOf(request),
      };
      const run = await temporalOf(ctx).start({
        workflowType: workflowTypes.rebuildNode,
        workflowId: rebuildNodeId(node.id),
        args: [input],
      });
      return await reply.code(202).send({ operation: run.workflowId, runId: run.runId });
    },
  );
}
