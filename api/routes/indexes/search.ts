import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { canaryHeader } from '../../../core/canary';
import type { JsonValue } from '../../../core/fleet';
import { parseSearchQuery } from '../../../core/search/query-string';
import type { ParsedSearch } from '../../../core/search/request';
import { parseSearchBody } from '../../../core/search/request';
import { authorize } from '../../auth/authorize';
import { tenantFilterOf } from '../../auth/tenant-filter';
import { offerForCapture } from '../../canaries/capture';
import type { ApiContext } from '../../context';
import { queryOf } from '../../http/page';
import { runSearch } from '../../search/search';
import { demandSettings } from '../../settings/min-version';
import { searchTarget } from '../target';

interface IndexParams {
  Params: { indexUid: string };
}

/** `GET` and `POST /indexes/{uid}/search`: the same search, told in two ways. */
export function registerSearch(app: FastifyInstance, ctx: ApiContext): void {
  const onRequest = authorize(ctx, 'search');

  app.post<IndexParams>('/indexes/:indexUid/search', { onRequest }, (request, reply) =>
    answer(ctx, request, { reply, parsed: parseSearchBody(request.body as JsonValue) }),
  );

  app.get<IndexParams>('/indexes/:indexUid/search', { onRequest }, (request, reply) => {
    const parameters = Object.fromEntries(queryOf(request.query));
    return answer(ctx, request, { reply, parsed: parseSearchQuery(parameters) });
  });
}

async function answer(
  ctx: ApiContext,
  request: FastifyRequest<IndexParams>,
  how: { reply: FastifyReply; parsed: ParsedSearch },
): Promise<FastifyReply> {
  const name = request.params.indexUid;
  // The body is judged before the index is looked up, as Meilisearch does.
  if (!how.parsed.ok) throw how.parsed.error;
  const minSettingsVersion = await demandSettings(ctx, request, name);
  const target = searchTarget(ctx, name);
  const { request: search } = how.parsed;
  const tenantFilter = tenantFilterOf(ctx, request.caller, name);
  const result = await runSearch(ctx, target, search, {
    tenantFilter,
    wish: wishOf(request),
    minSettingsVersion,
  });
  // A canary made of a canary's search would prove nothing, and the most frequent ones would be canaries.
  if (request.headers[canaryHeader] === undefined) {
    offerForCapture(ctx, { target, request: search, answer: result.bytes, tenantFilter });
  }
  return await how.reply.headers(result.headers).type('application/json').send(result.bytes);
}

/** What the request says of missing shards; anything else is as configured. */
export function wishOf(request: FastifyRequest): 'partial' | 'error' | undefined {
  const header = request.headers['x-miroir-on-missing-shard'];
  return header === 'partial' || header === 'error' ? header : undefined;
}
