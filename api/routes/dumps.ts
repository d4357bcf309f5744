import type { FastifyInstance } from 'fastify';
import { authorize } from '../auth/authorize';
import { demandDepot } from '../archives';
import type { ApiContext } from '../context';
import { RunTask } from '../writes/operations/task-operations';
import { answerWithTask } from './task-reply';
import { temporalOf } from './miroir/operator-route';

/**
 * `POST /dumps`: a task that a run works on. The dump is made of the whole fleet, as one file that a
 * single Meilisearch loads; it lies where `dumps.location` says.
 */
export function registerDumps(app: FastifyInstance, ctx: ApiContext): void {
  app.post(
    '/dumps',
    { config: { body: 'none' }, onRequest: authorize(ctx, 'dumps.create') },
    async (_request, reply) => {
      demandDepot(ctx, 'dumps');
      temporalOf(ctx);
      return await answerWithTask(ctx, reply, new RunTask('dumpCreation', { dumpUid: null }));
    },
  );
}
