/** Documents whose vectors are near to those of one document. */
import { performance } from 'node:perf_hooks';
import { ApiError } from '../errors';
import type { Json } from '../engine/json';
import { toJsonText } from '../http/answer';
import * as check from '../http/validate';
import { idText, invalidId } from '../index/document-id';
import { embeddingsOf } from '../index/vectors';
import { paramsOfBody } from './params';
import { runSearch, searchCandidates } from './run';
import type { SearchTarget } from './run';

const FIELDS: Readonly<Record<string, string>> = {
  id: 'invalid_similar_id',
  offset: 'invalid_similar_offset',
  limit: 'invalid_similar_limit',
  filter: 'invalid_similar_filter',
  embedder: 'invalid_similar_embedder',
  attributesToRetrieve: 'invalid_similar_attributes_to_retrieve',
  retrieveVectors: 'invalid_similar_retrieve_vectors',
  showRankingScore: 'invalid_similar_show_ranking_score',
  showRankingScoreDetails: 'invalid_similar_show_ranking_score_details',
  showPerformanceDetails: 'invalid_similar_show_performance_details',
  rankingScoreThreshold: 'invalid_similar_ranking_score_threshold',
};

/** Runs `POST /indexes/{uid}/similar`. Throws `ApiError`. */
export function runSimilar(sent: Json, target: SearchTarget): Record<string, unknown> {
  const started = performance.now();
  const body = check.asStruct(sent, Object.keys(FIELDS), check.ROOT);
  const id = body.get('id');
  if (id === undefined) throw check.missingField('id', check.ROOT);
  const embedder = body.get('embedder');
  if (embedder === undefined) throw check.missingField('embedder', check.ROOT);
  const name = check.asString(
    embedder,
    check.child(check.ROOT, 'embedder', 'invalid_similar_embedder'),
  );
  const text = idText(id);
  const { index } = target;
  if (index.embedders[name] === undefined) {
    throw new ApiError('invalid_similar_embedder', `Cannot find embedder with name \`${name}\`.`);
  }
  if (text === null) {
    throw check.invalidValue(
      invalidId(id).message,
      check.child(check.ROOT, 'id', 'invalid_similar_id'),
    );
  }
  const found = index.find(text);
  if (found === null) {
    const shown = typeof id === 'string' ? id : toJsonText(id);
    throw new ApiError('not_found_similar_id', `Document \`${shown}\` not found.`);
  }
  const [vector] = embeddingsOf(found.stored.vectors, name) ?? [];
  const report = { code: 'invalid_similar_filter', prefix: '', reprinted: false };
  const own = { ...target, report };
  const others = new Set(
    searchCandidates(body.get('filter') ?? null, own) ?? index.facets.documents,
  );
  others.delete(found.docid);
  const total = others.size;
  for (const docid of others) {
    const near = embeddingsOf(index.documents.get(docid)?.vectors ?? null, name) ?? [];
    if (near.length === 0) others.delete(docid);
  }
  const search = new Map(body);
  for (const field of ['id', 'embedder', 'filter']) search.delete(field);
  const params = paramsOfBody(search, check.ROOT);
  const near = vector === undefined ? new Set<number>() : others;
  const answer = runSearch(
    { ...params, vector: vector ?? null, hybrid: { embedder: name, semanticRatio: 1 } },
    { ...target, among: near },
  );
  return {
    hits: answer['hits'],
    id: text,
    processingTimeMs: Math.round(performance.now() - started),
    limit: params.limit,
    offset: params.offset,
    estimatedTotalHits: total,
  };
}
