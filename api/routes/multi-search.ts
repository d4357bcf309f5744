import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MeiliError, isMeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { parseSearchBody } from '../../core/search/request';
import type { SearchRequest } from '../../core/search/types';
import { BodyReader } from '../../core/search/values';
import { authorize } from '../auth/authorize';
import type { ApiContext } from '../context';
import { runSearch } from '../search/search';
import type { SearchAnswer } from '../search/search';
import { wishOf } from './indexes/search';
import { searchTarget } from './target';

interface Query {
  readonly indexUid: string;
  readonly request: SearchRequest;
}

/** Members of a query beside those of a search. */
const queryMembers = ['indexUid', 'federationOptions'];

/** Searches at one time of one request: a long list must not take every connection to the nodes. */
const parallelMax = 8;

/** `/multi-search`: independent searches, answered in order; the first error fails the whole. */
export function registerMultiSearch(app: FastifyInstance, ctx: ApiContext): void {
  app.post('/multi-search', { onRequest: authorize(ctx, 'search') }, async (request, reply) => {
    const queries = readQueries(request.body as JsonValue);
    const answers = await runAll(ctx, request, queries);
    const parts = answers.flatMap((answer, ordinal) => [
      Buffer.from(ordinal === 0 ? '' : ','),
      answer.bytes,
    ]);
    const bytes = Buffer.concat([Buffer.from('{"results":['), ...parts, Buffer.from(']}')]);
    const headers = Object.assign({}, ...answers.map((answer) => answer.headers)) as Record<
      string,
      string
    >;
    // It differs from query to query and would speak of the last one only.
    delete headers['x-miroir-settings-version'];
    return await reply.headers(headers).type('application/json').send(bytes);
  });
}

function readQueries(body: JsonValue): Query[] {
  const root = new BodyReader('', 'bad_request');
  const object = root.object(body);
  for (const name of Object.keys(object)) {
    if (name !== 'queries' && name !== 'federation') {
      throw root.unknownField(name, ['queries', 'federation']);
    }
  }
  const { queries, federation } = object;
  if (queries === undefined) throw root.missing('queries');
  const list = root.at('.queries').array(queries);
  if (federation !== undefined && federation !== null) {
    throw new MeiliError(
      'miroir_not_supported',
      'Federated multi-search is not served by this version of Miroir; send the queries without `federation`.',
    );
  }
  return list.map((query, ordinal) => readQuery(root.at(`.queries[${ordinal}]`), query));
}

function readQuery(reader: BodyReader, query: JsonValue): Query {
  const { indexUid } = reader.object(query);
  if (indexUid === undefined) throw reader.missing('indexUid', 'missing_index_uid');
  const uid = reader.at('.indexUid', 'invalid_index_uid').text(indexUid);
  const parsed = parseSearchBody(query, reader.path, queryMembers);
  if (!parsed.ok) throw parsed.error;
  return { indexUid: uid, request: parsed.request };
}

async function runAll(
  ctx: ApiContext,
  request: FastifyRequest,
  queries: readonly Query[],
): Promise<SearchAnswer[]> {
  const answers: SearchAnswer[] = [];
  for (let at = 0; at < queries.length; at += parallelMax) {
    const batch = queries.slice(at, at + parallelMax);
    const settled = await Promise.allSettled(batch.map((query) => runQuery(ctx, request, query)));
    settled.forEach((outcome, ordinal) => {
      if (outcome.status === 'fulfilled') answers.push(outcome.value);
      else throw inside(outcome.reason, at + ordinal);
    });
  }
  return answers;
}

async function runQuery(
  ctx: ApiContext,
  request: FastifyRequest,
  query: Query,
): Promise<SearchAnswer> {
  request.caller.demandIndex(query.indexUid);
  return await runSearch(ctx, searchTarget(ctx, query.indexUid), query.request, {
    tenantFilter: request.caller.tenantFilter(query.indexUid),
    wish: wishOf(request),
    indexUid: query.indexUid,
  });
}

/** Meilisearch names the query, and answers 400 where a single search would be 404. */
function inside(error: unknown, ordinal: number): unknown {
  if (!isMeiliError(error)) return error;
  const status = error.code === 'index_not_found' ? 400 : error.status;
  return error.prefixed(`Inside \`.queries[${ordinal}]\`: `, status);
}
