import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../core/errors';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { clientOf } from '../client-of';

/** The version that the fleet speaks when no node can be asked. */
const spokenVersion = {
  commitSha: '5cb2f2e94befc717bbea60fec4a31ee64d2f60fd',
  commitDate: '2026-07-23T14:39:41.000000000Z',
  pkgVersion: '1.50.0',
};

/** What one Meilisearch says of itself: health, version, and that it is running. */
export function registerInstance(app: FastifyInstance, ctx: ApiContext): void {
  app.get('/', () => ({ status: 'Meilisearch is running' }));

  // A pod that does not know the fleet must not get requests: load balancers read this.
  app.get('/health', () => {
    if (ctx.fleet.ready()) return { status: 'available' };
    throw new MeiliError('miroir_not_ready', 'This pod has not loaded the state of the fleet.');
  });

  app.get('/version', { onRequest: authorize(ctx, 'version') }, async () => {
    for (const node of ctx.fleet.current().nodes) {
      if (!ctx.health.usable(node.id)) continue;
      const version = await clientOf(ctx, node.id)
        ?.version()
        .catch(() => null);
      if (version) return version;
    }
    return spokenVersion;
  });
}
