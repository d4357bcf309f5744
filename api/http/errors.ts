import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MeiliError, isMeiliError } from '../../core/errors';
import { isStoreAway } from '../../store/connect';
import type { Log } from '../log';
import { wrongContentType } from './body';
import { stateLost } from './state-lost';

/** Every error leaves as Meilisearch's four members; what is ours to hide is logged, not sent. */
export function registerErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler(async (error: FastifyError | Error, request, reply) => {
    const known = asMeiliError(error, request);
    if (known === null) {
      log.error({ err: error, route: request.routeOptions.url }, 'request failed unexpectedly');
    }
    await sendError(
      reply,
      known ?? new MeiliError('internal', 'An internal error has occurred. Please see the logs.'),
    );
  });
  app.setNotFoundHandler(notFoundHandler(app));
}

/** Meilisearch says 10 s when its queue is full; ours pass within a lease or a fence. */
const retryAfterSeconds = { too_many_search_requests: '10' } as Record<string, string>;

export async function sendError(reply: FastifyReply, error: MeiliError): Promise<void> {
  if (error.status === 503) reply.header('retry-after', retryAfterSeconds[error.code] ?? '1');
  await reply.code(error.status).send(error.toBody());
}

/** Fastify's own refusals in Meilisearch's words; null for what nobody foresaw. */
function asMeiliError(error: FastifyError | Error, request: FastifyRequest): MeiliError | null {
  if (isMeiliError(error)) return error;
  if (isStoreAway(error)) {
    return new MeiliError(
      'miroir_store_unavailable',
      'Redis does not answer, so this cannot be done now. Searches go on. A write may have been taken: sending it again is safe.',
    );
  }
  const code = 'code' in error ? error.code : '';
  if (code === 'store_epoch_lowered') return stateLost();
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return wrongContentType(request);
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new MeiliError('payload_too_large', 'The provided payload reached the size limit.');
  }
  const status = 'statusCode' in error ? error.statusCode : undefined;
  const isClients = status !== undefined && status >= 400 && status < 500;
  return isClients ? new MeiliError('bad_request', error.message) : null;
}

/** 405 with `Allow` for a known path, else 404; both without a body, as the engine answers. */
function notFoundHandler(app: FastifyInstance) {
  const routes: { readonly parts: readonly string[]; readonly method: string }[] = [];
  app.addHook('onRoute', (route) => {
    const parts = partsOf(route.url);
    for (const method of [route.method].flat()) routes.push({ parts, method });
  });
  return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const parts = partsOf(request.url.split('?', 1)[0] ?? '');
    const methods = new Set(
      routes.filter((route) => matches(route.parts, parts)).map((route) => route.method),
    );
    if (methods.size > 0) reply.header('allow', [...methods].sort().join(', '));
    await reply.code(methods.size > 0 ? 405 : 404).send();
  };
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

function matches(pattern: readonly string[], parts: readonly string[]): boolean {
  if (pattern.at(-1) === '*') {
    return (
      parts.length >= pattern.length &&
      matches(pattern.slice(0, -1), parts.slice(0, pattern.length - 1))
    );
  }
  return (
    pattern.length === parts.length &&
    pattern.every((part, at) => part.startsWith(':') || part === parts[at])
  );
}
