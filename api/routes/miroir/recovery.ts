import type { FastifyInstance } from 'fastify';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { planRecovery, recover } from '../../meta/recover';
import { originOf } from './origin';
import { operatorBody, operatorRoute } from './operator-route';

/** Recovery after a loss of Redis. It needs no Temporal, and it is not long: documents stay where they are. */
export function registerRecovery(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.get('/_miroir/recovery', options, async () => (await planRecovery(ctx)).plan);

  app.post('/_miroir/recovery', options, async (request) => {
    const fields = new Fields(operatorBody(request), { known: ['who', 'why', 'acceptMissing'] });
    const acceptMissing = fields.optionalBoolean('acceptMissing', false);
    return await recover(ctx, { ...originOf(request), acceptMissing });
  });
}
