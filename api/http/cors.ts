import type { FastifyInstance } from 'fastify';

const vary = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';
const methods = 'DELETE, PUT, HEAD, CONNECT, OPTIONS, TRACE, GET, POST, PATCH';

/** Any origin, method and header, without credentials: keys travel in a header, never in a cookie. */
export function registerCors(app: FastifyInstance): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('vary', vary);
    const asked = request.headers['access-control-request-method'];
    const isPreflight = request.method === 'OPTIONS' && asked !== undefined;
    if (request.headers.origin === undefined && !isPreflight) return;
    if (isPreflight && !methods.split(', ').includes(asked)) {
      reply.removeHeader('vary');
      await reply.code(400).send('Requested method is not allowed');
      return;
    }
    reply.header('access-control-allow-origin', '*');
    if (!isPreflight) return;
    const headers = request.headers['access-control-request-headers'];
    reply.header('access-control-allow-methods', methods).header('access-control-max-age', '86400');
    if (headers !== undefined) reply.header('access-control-allow-headers', headers);
    await reply.code(200).send();
  });
}
