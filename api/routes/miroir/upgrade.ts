import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { NodeId } from '../../../core/ids';
import type { UpgradeInput } from '../../../core/upgrade';
import { upgradeId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';
import { originOf } from './origin';
import { runOptionFields, runOptions } from './run-options';

/** `POST /_miroir/upgrade`: restarts nodes one by one, each back in step before the next. */
export function registerUpgrade(app: FastifyInstance, ctx: ApiContext): void {
  app.post('/_miroir/upgrade', operatorRoute(ctx), async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['nodes', 'version', 'restart', 'acceptUnavailable', ...runOptionFields],
    });
    const input: UpgradeInput = {
      nodes: readNodes(ctx, fields),
      version: readVersion(fields),
      restart: readRestart(fields),
      acceptUnavailable: fields.optionalBoolean('acceptUnavailable', false),
      options: runOptions(ctx, fields),
      ...originOf(request),
    };
    const { workflowId, runId } = await temporalOf(ctx).start({
      workflowType: workflowTypes.upgradeNodes,
      workflowId: upgradeId,
      args: [input],
    });
    return await reply.code(202).send({ operation: workflowId, runId });
  });
}

/** Those that are named, in that order; else all, group by group, so that the other groups stay whole. */
function readNodes(ctx: ApiContext, fields: Fields): NodeId[] {
  const { nodes } = ctx.fleet.current();
  const named = fields.optionalStrings('nodes');
  if (named === null) {
    return [...nodes]
      .sort((a, b) => a.group - b.group || (a.id < b.id ? -1 : 1))
      .map(({ id }) => id);
  }
  return [...new Set(named)].map((name) => {
    const node = nodes.find(({ id }) => id === name);
    if (node === undefined) throw new MeiliError('miroir_not_found', `Node \`${name}\` not found.`);
    return node.id;
  });
}

function readVersion(fields: Fields): string | null {
  const version = fields.optionalString('version');
  if (version === null || /^\d+\.\d+\.\d+(-[A-Za-z0-9.-]+)?$/.test(version)) return version;
  throw fields.invalid('version', `\`${version}\` is not a version, as \`1.50.0\``);
}

function readRestart(fields: Fields): UpgradeInput['restart'] {
  const restart = fields.optionalString('restart') ?? 'operator';
  if (restart === 'operator' || restart === 'command') return restart;
  throw fields.invalid('restart', `expected \`operator\` or \`command\`, but is \`${restart}\``);
}
