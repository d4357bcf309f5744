import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import { groupId } from '../../../core/ids';
import type { GroupId } from '../../../core/ids';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { operatorBody, operatorRoute } from './operator-route';
import { demandAllowedUrl, readNodes } from './read-node';
import { changeOptionFields } from './run-options';
import { startChange } from './start-operation';

/** Whole replica groups: each holds every shard, so a group more is a copy more of everything. */
export function registerGroups(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.get('/_miroir/groups', options, () => {
    const { epoch, nodes, indexes } = ctx.fleet.current();
    const groups = [...new Set(nodes.map(({ group }) => group))].sort((a, b) => a - b);
    const results = groups.map((group) => ({
      group,
      nodes: nodes.filter((node) => node.group === group).map(({ id }) => id),
      indexes: indexes
        .filter(({ placement }) => placement.some((placed) => placed.group === group))
        .map(({ uid }) => uid),
    }));
    return { epoch, results };
  });

  app.post('/_miroir/groups', options, async (request, reply) => {
    const known = ['group', 'nodes', ...changeOptionFields];
    const fields = new Fields(operatorBody(request), { known });
    const number = fields.optionalNumber('group', { min: 0, integer: true });
    const group = number === null ? nextGroup(ctx) : groupId(number);
    const nodes = readNodes(fields, group);
    for (const { url } of nodes) await demandAllowedUrl(ctx, url);
    const change = { kind: 'add-group' as const, group, nodes };
    return await startChange(ctx, { change, fields, request, reply });
  });

  app.delete<{ Params: { group: string } }>(
    '/_miroir/groups/:group',
    options,
    async (request, reply) => {
      const fields = new Fields(operatorBody(request), { known: ['lost', ...changeOptionFields] });
      const { group: text } = request.params;
      if (!/^\d{1,6}$/.test(text) || !hasGroup(ctx, Number(text))) {
        throw new MeiliError('miroir_not_found', `Group \`${text}\` not found.`);
      }
      const lost = fields.optionalBoolean('lost', false);
      const change = { kind: 'remove-group' as const, group: groupId(Number(text)), lost };
      return await startChange(ctx, { change, fields, request, reply });
    },
  );
}

const hasGroup = (ctx: ApiContext, group: number): boolean =>
  ctx.fleet.current().nodes.some((node) => node.group === group);

const nextGroup = (ctx: ApiContext): GroupId =>
  groupId(Math.max(-1, ...ctx.fleet.current().nodes.map(({ group }) => group)) + 1);
