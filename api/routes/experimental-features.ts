import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { unservedReasons } from '../../core/served-features';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { featureNames, isServed } from '../features';
import { Fields } from '../http/fields';
import { raiseEpoch } from '../raise-epoch';
import { faultOf } from '../writes/node-fault';

/** The fleet's experimental features; those that nodes do are set on every node. */
export function registerExperimentalFeatures(app: FastifyInstance, ctx: ApiContext): void {
  const path = '/experimental-features';

  app.get(path, { onRequest: authorize(ctx, 'experimental.get') }, () => ctx.features.view());

  app.patch(path, { onRequest: authorize(ctx, 'experimental.update') }, async (request) => {
    const fields = new Fields(request.body as JsonValue, { known: featureNames });
    const wanted = featureNames
      .filter((name) => fields.has(name) && fields.raw(name) !== null)
      .map((name) => ({ name, enabled: fields.optionalBoolean(name, false) }));
    const refused = wanted.find(({ name, enabled }) => enabled && !isServed(name));
    if (refused !== undefined) {
      throw new MeiliError(
        'miroir_not_supported',
        `The experimental feature \`${refused.name}\` cannot be served by a fleet: ${unservedReasons[refused.name] ?? ''}.`,
      );
    }
    for (const feature of wanted) await ctx.store.experimentalFeatures.put(feature);
    if (wanted.length > 0) {
      await raiseEpoch(ctx, { why: 'experimental features route', what: 'set features' });
      await tellNodes(ctx);
    }
    return ctx.features.view();
  });
}

/** A node that is away now is told when it answers again. */
async function tellNodes(ctx: ApiContext): Promise<void> {
  await Promise.all(
    ctx.fleet.current().nodes.map(async (node) => {
      try {
        if (ctx.health.usable(node.id)) await ctx.features.tell(node, ctx.nodes.client(node));
      } catch (error) {
        const fault = faultOf(error);
        if (fault === null) throw error;
        ctx.log.warn({ node: node.id, code: fault.code }, 'node was not told of features');
      }
    }),
  );
}
