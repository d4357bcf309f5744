import type { FastifyInstance, FastifyRequest } from 'fastify';
import { v7 as uuidv7 } from 'uuid';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { readMultiSearch } from '../../core/search/federation/request';
import type { FederatedQuery } from '../../core/search/federation/types';
import { authorize } from '../auth/authorize';
import { tenantFilterOf } from '../auth/tenant-filter';
import type { ApiContext } from '../context';
import { inQuery } from '../search/federated-errors';
import { runFederation } from '../search/federation';
import { inParallel } from '../search/in-parallel';
import { joinHeaders } from '../search/headers';
import { runSearch } from '../search/search';
import type { SearchAnswer, SearchTarget } from '../search/types';
import { demandSettings } from '../settings/min-version';
import { wishOf } from './indexes/search';
import { searchTarget } from './target';

/**
 * `/multi-search`: independent searches, answered in order, or with `federation` one merged list. The
 * first error fails the whole.
 */
export function registerMultiSearch(app: FastifyInstance, ctx: ApiContext): void {
  app.post('/multi-search', { onRequest: authorize(ctx, 'search') }, async (request, reply) => {
    const { queries, federation } = readMultiSearch(request.body as JsonValue);
    const answer =
      federation === null
        ? await runAll(ctx, request, queries)
        : await runFederation(ctx, {
            queries,
            federation,
            caller: request.caller,
            wish: wishOf(request),
            minSettingsVersion: await settingsWish(ctx, request, queries),
            metadata: wantsMetadata(request),
          });
    return await reply.headers(answer.headers).type('application/json').send(answer.bytes);
  });
}

async function runAll(
  ctx: ApiContext,
  request: FastifyRequest,
  queries: readonly FederatedQuery[],
): Promise<SearchAnswer> {
  const answers = await inParallel(queries, async (query) => {
    try {
      return await runQuery(ctx, request, query);
    } catch (error) {
      throw inQuery(error, query.position);
    }
  });
  const parts = answers.flatMap((answer, ordinal) => [
    Buffer.from(ordinal === 0 ? '' : ','),
    answer.bytes,
  ]);
  const bytes = Buffer.concat([Buffer.from('{"results":['), ...parts, Buffer.from(']}')]);
  const headers = joinHeaders(answers.map((answer) => answer.headers));
  // It differs from query to query and would speak of the last one only.
  delete headers['x-miroir-settings-version'];
  return { bytes, headers };
}

async function runQuery(
  ctx: ApiContext,
  request: FastifyRequest,
  query: FederatedQuery,
): Promise<SearchAnswer> {
  request.caller.demandIndex(query.indexUid);
  if (query.options !== null) {
    throw new MeiliError(
      'invalid_multi_search_federation_options',
      'Using `federationOptions` is not allowed in a non-federated search.\n - Hint: remove `federationOptions` from the query or add `federation` to the request.',
    );
  }
  const minSettingsVersion = await demandSettings(ctx, request, query.indexUid);
  const target = searchTarget(ctx, query.indexUid);
  return await runSearch(ctx, target, query.request, {
    tenantFilter: tenantFilterOf(ctx, request.caller, query.indexUid),
    wish: wishOf(request),
    minSettingsVersion,
    indexUid: query.indexUid,
    ...(wantsMetadata(request) ? { metadata: metadataOf(query, target) } : {}),
  });
}

/** The minimal settings version, when every index of the queries has it. */
async function settingsWish(
  ctx: ApiContext,
  request: FastifyRequest,
  queries: readonly FederatedQuery[],
): Promise<number | null> {
  const names = [...new Set(queries.map(({ indexUid }) => indexUid))];
  const wished = await Promise.all(names.map((name) => demandSettings(ctx, request, name)));
  return wished[0] ?? null;
}

const wantsMetadata = (request: FastifyRequest): boolean =>
  request.headers['meili-include-metadata'] === 'true';

function metadataOf(query: FederatedQuery, target: SearchTarget): Record<string, string> {
  const [{ primaryKey }] = target.entries;
  return {
    queryUid: uuidv7(),
    indexUid: query.indexUid,
    ...(primaryKey === null ? {} : { primaryKey }),
  };
}
