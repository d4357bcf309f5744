import type { FastifyInstance } from 'fastify';
import type { Pod } from '../pod';

/**
 * A pod without its lease cannot know whether the fleet has changed. It takes no writes and says that
 * it is not ready, but while Redis is away searches are worth more with a mark than not at all.
 */
export function registerEpochUnknown(app: FastifyInstance, pod: Pod): void {
  app.addHook('onSend', async (_request, reply, payload) => {
    if (pod.ready()) return payload;
    const known = reply.getHeader('x-miroir-degraded');
    const mark = 'epoch-unknown';
    reply.header('x-miroir-degraded', typeof known === 'string' ? `${known};${mark}` : mark);
    return payload;
  });
}
