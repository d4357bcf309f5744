import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { readSimilarBody, thresholdRange } from '../../../core/search/similar';
import type { SimilarRequest } from '../../../core/search/similar';
import { authorize } from '../../auth/authorize';
import { tenantFilterOf } from '../../auth/tenant-filter';
import type { ApiContext } from '../../context';
import { demandKnown, queryOf, readCount, readFlag } from '../../http/page';
import { runSimilar } from '../../search/similar';
import { demandSettings } from '../../settings/min-version';
import { oneIndex } from '../target';
import { wishOf } from './search';

interface IndexParams {
  Params: { indexUid: string };
}

/** `GET` and `POST /indexes/{uid}/similar`. */
export function registerSimilar(app: FastifyInstance, ctx: ApiContext): void {
  const onRequest = authorize(ctx, 'search');

  app.post<IndexParams>('/indexes/:indexUid/similar', { onRequest }, (request, reply) =>
    answer(ctx, request, { reply, read: () => readSimilarBody(request.body as JsonValue) }),
  );

  app.get<IndexParams>('/indexes/:indexUid/similar', { onRequest }, (request, reply) =>
    answer(ctx, request, { reply, read: () => readSimilarQuery(queryOf(request.query)) }),
  );
}

async function answer(
  ctx: ApiContext,
  request: FastifyRequest<IndexParams>,
  how: { reply: FastifyReply; read: () => SimilarRequest },
): Promise<FastifyReply> {
  const name = request.params.indexUid;
  const similar = how.read();
  const minSettingsVersion = await demandSettings(ctx, request, name);
  const result = await runSimilar(ctx, oneIndex(ctx, name), similar, {
    tenantFilter: tenantFilterOf(ctx, request.caller, name),
    wish: wishOf(request),
    minSettingsVersion,
  });
  return await how.reply.headers(result.headers).type('application/json').send(result.bytes);
}

const parameters = [
  'id',
  'embedder',
  'offset',
  'limit',
  'attributesToRetrieve',
  'retrieveVectors',
  'filter',
  'showRankingScore',
  'showRankingScoreDetails',
  'showPerformanceDetails',
  'rankingScoreThreshold',
];

function readSimilarQuery(query: ReadonlyMap<string, string>): SimilarRequest {
  demandKnown(query, parameters);
  const required = (name: string): string => {
    const value = query.get(name);
    if (value !== undefined) return value;
    throw new MeiliError('bad_request', `Missing parameter \`${name}\``);
  };
  const attributes = query.get('attributesToRetrieve');
  const off = { otherwise: false } as const;
  return {
    id: required('id'),
    embedder: required('embedder'),
    offset: readCount(query, 'offset', { otherwise: 0, code: 'invalid_similar_offset' }),
    limit: readCount(query, 'limit', { otherwise: 20, code: 'invalid_similar_limit' }),
    filter: readFilter(query.get('filter')),
    attributesToRetrieve:
      attributes === undefined ? null : attributes.split(',').map((one) => one.trim()),
    retrieveVectors: readFlag(query, 'retrieveVectors', {
      ...off,
      code: 'invalid_similar_retrieve_vectors',
    }),
    showRankingScore: readFlag(query, 'showRankingScore', {
      ...off,
      code: 'invalid_similar_show_ranking_score',
    }),
    showRankingScoreDetails: readFlag(query, 'showRankingScoreDetails', {
      ...off,
      code: 'invalid_similar_show_ranking_score_details',
    }),
    showPerformanceDetails: readFlag(query, 'showPerformanceDetails', {
      ...off,
      code: 'invalid_similar_show_performance_details',
    }),
    rankingScoreThreshold: readThreshold(query.get('rankingScoreThreshold')),
  };
}

/** A filter is JSON when it parses as JSON, else the text itself. */
function readFilter(text: string | undefined): JsonValue {
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

function readThreshold(text: string | undefined): number | null {
  if (text === undefined) return null;
  const number = text.trim() === '' ? NaN : Number(text);
  if (number >= 0 && number <= 1) return number;
  throw new MeiliError(
    'invalid_similar_ranking_score_threshold',
    `Invalid value in parameter \`rankingScoreThreshold\`: ${thresholdRange}`,
  );
}
