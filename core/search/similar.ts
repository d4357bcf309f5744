import { documentId } from '../documents/identity';
import { MeiliError } from '../errors';
import type { ErrorCode } from '../errors';
import type { JsonValue, Settings } from '../fleet';
import { hiddenField } from '../hidden-fields';
import { AnswerError, keyBytes, objectMembers, spanText, utf8 } from './answer-bytes';
import { maxTotalHits, memberOf } from './fields';
import { HitReader, findLast, splitAnswer } from './hits';
import type { AnswerParts, Hit } from './hits';
import { nodeTotal } from './merge';
import { mergePerformance } from './performance';
import { projectHit, projectionOf } from './project';
import { nodeSearchBody } from './rewrite';
import type { JsonObject, SearchRequest } from './types';
import { BodyReader } from './values';

/** A checked request for documents that are similar to one. */
export interface SimilarRequest {
  /** Any JSON value; `similarId` tells whether it can be an id. */
  readonly id: JsonValue;
  readonly embedder: string;
  readonly offset: number;
  readonly limit: number;
  readonly filter: JsonValue;
  readonly attributesToRetrieve: readonly string[] | null;
  readonly retrieveVectors: boolean;
  readonly showRankingScore: boolean;
  readonly showRankingScoreDetails: boolean;
  readonly showPerformanceDetails: boolean;
  readonly rankingScoreThreshold: number | null;
}

const members = [
  'id',
  'offset',
  'limit',
  'filter',
  'embedder',
  'attributesToRetrieve',
  'retrieveVectors',
  'showRankingScore',
  'showRankingScoreDetails',
  'showPerformanceDetails',
  'rankingScoreThreshold',
];

/** Reads the body of `POST …/similar`. Throws MeiliError with Meilisearch's texts. */
export function readSimilarBody(body: JsonValue): SimilarRequest {
  const root = new BodyReader('', 'bad_request');
  const object = root.object(body);
  for (const name of Object.keys(object)) {
    if (!members.includes(name)) throw root.unknownField(name, members);
  }
  const { id, embedder } = object;
  const read = <T>(
    name: string,
    code: ErrorCode,
    how: { otherwise: T; nullable?: boolean; read: (reader: BodyReader, value: JsonValue) => T },
  ): T => {
    const value = object[name];
    if (value === undefined || (value === null && how.nullable === true)) return how.otherwise;
    return how.read(root.at(`.${name}`, code), value);
  };
  const flag = (name: string, code: ErrorCode): boolean =>
    read(name, code, { otherwise: false, read: (r, v) => r.bool(v) });
  if (id === undefined) throw root.missing('id');
  if (embedder === undefined) throw root.missing('embedder');
  const uint = (r: BodyReader, v: JsonValue): number => r.uint(v);
  return {
    id,
    offset: read('offset', 'invalid_similar_offset', { otherwise: 0, read: uint }),
    limit: read('limit', 'invalid_similar_limit', { otherwise: 20, read: uint }),
    filter: object['filter'] ?? null,
    embedder: root.at('.embedder', 'invalid_similar_embedder').text(embedder),
    attributesToRetrieve: read<string[] | null>(
      'attributesToRetrieve',
      'invalid_similar_attributes_to_retrieve',
      { otherwise: null, nullable: true, read: (r, v) => r.texts(v) },
    ),
    retrieveVectors: flag('retrieveVectors', 'invalid_similar_retrieve_vectors'),
    showRankingScore: flag('showRankingScore', 'invalid_similar_show_ranking_score'),
    showRankingScoreDetails: flag(
      'showRankingScoreDetails',
      'invalid_similar_show_ranking_score_details',
    ),
    showPerformanceDetails: flag(
      'showPerformanceDetails',
      'invalid_similar_show_performance_details',
    ),
    rankingScoreThreshold: read<number | null>(
      'rankingScoreThreshold',
      'invalid_similar_ranking_score_threshold',
      { otherwise: null, nullable: true, read: unitFloat },
    ),
  };
}

export const thresholdRange =
  'the value of `rankingScoreThreshold` is invalid, expected a float between `0.0` and `1.0`.';

function unitFloat(reader: BodyReader, value: JsonValue): number {
  const number = reader.number(value);
  if (number >= 0 && number <= 1) return number;
  throw reader.invalid(thresholdRange);
}

/** The id as documents have it. Throws Meilisearch's `invalid_similar_id`. */
export function similarId(id: JsonValue): string {
  const read = documentId(utf8(JSON.stringify(id)));
  if (read.ok) return read.id;
  throw new MeiliError('invalid_similar_id', `Invalid value at \`.id\`: ${read.message}`);
}

export const similarNotFound = (id: string): MeiliError =>
  new MeiliError('not_found_similar_id', `Document \`${id}\` not found.`);

/** Throws Meilisearch's error for an embedder that the index does not have. */
export function demandEmbedder(settings: Settings, embedder: string): void {
  if (memberOf(settings['embedders'], embedder) !== undefined) return;
  throw new MeiliError(
    'invalid_similar_embedder',
    `Cannot find embedder with name \`${embedder}\`.`,
  );
}

export interface SimilarNode {
  readonly settings: Settings;
  readonly bucketFilter: string | null;
  readonly tenantFilter: JsonValue;
}

/**
 * What the node that has the document is asked at its own route. Each hit brings its hidden place in
 * the order of insertion, by which hits of equal similarity are ordered.
 */
export function ownerBody(request: SimilarRequest, node: SimilarNode): JsonObject {
  const search = searchBody(request, node);
  const body: JsonObject = {
    id: request.id,
    embedder: request.embedder,
    offset: 0,
    limit: request.offset + request.limit,
    showRankingScoreDetails: true,
  };
  for (const name of passed) {
    const value = search[name];
    if (value !== undefined) body[name] = value;
  }
  return body;
}

const passed = [
  'filter',
  'attributesToRetrieve',
  'retrieveVectors',
  'showRankingScore',
  'showPerformanceDetails',
  'rankingScoreThreshold',
] as const;

/**
 * What every other node is asked: a semantic search with the document's vector, or without a vector a
 * search that only counts.
 */
export function neighbourBody(
  request: SimilarRequest,
  node: SimilarNode,
  vector: readonly number[] | null,
): JsonObject {
  const body = searchBody(request, node);
  if (vector === null) return { ...body, limit: 0 };
  return { ...body, vector: [...vector], hybrid: { embedder: request.embedder, semanticRatio: 1 } };
}

function searchBody(request: SimilarRequest, node: SimilarNode): JsonObject {
  const settings = { ...node.settings, distinctAttribute: null };
  const body = nodeSearchBody(searchRequest(request), { ...node, settings });
  // The window is not cut at `maxTotalHits` here, as it is in a search.
  body['limit'] = request.offset + request.limit;
  const retrieved = body['attributesToRetrieve'];
  if (Array.isArray(retrieved) && !retrieved.includes('*')) {
    body['attributesToRetrieve'] = [...retrieved, hiddenField.seq];
  }
  return body;
}

/** The same as a search, for what both have in common. */
function searchRequest(request: SimilarRequest): SearchRequest {
  const body: JsonObject = {};
  if (request.retrieveVectors) body['retrieveVectors'] = true;
  if (request.showRankingScore) body['showRankingScore'] = true;
  if (request.showPerformanceDetails) body['showPerformanceDetails'] = true;
  if (request.rankingScoreThreshold !== null) {
    body['rankingScoreThreshold'] = request.rankingScoreThreshold;
  }
  return {
    q: null,
    paging: { mode: 'offset', offset: 0, limit: request.offset + request.limit },
    filter: request.filter,
    sort: null,
    distinct: null,
    facets: null,
    attributesToRetrieve: request.attributesToRetrieve,
    attributesToHighlight: null,
    attributesToCrop: null,
    retrieveVectors: request.retrieveVectors,
    showMatchesPosition: false,
    showRankingScore: request.showRankingScore,
    showRankingScoreDetails: request.showRankingScoreDetails,
    rankingScoreThreshold: request.rankingScoreThreshold,
    matchingStrategy: 'last',
    hybrid: null,
    vector: null,
    body,
  };
}

/** The document's vectors for one embedder, from its `_vectors`; several where it has several. */
export function vectorsOf(document: JsonValue, embedder: string): number[][] {
  const entry = memberOf(memberOf(document, '_vectors'), embedder);
  const embeddings = memberOf(entry, 'embeddings');
  if (!Array.isArray(embeddings)) return [];
  return embeddings.filter((one): one is number[] => Array.isArray(one));
}

export interface SimilarAnswers {
  readonly id: string;
  readonly request: SimilarRequest;
  readonly settings: Settings;
  /** Hits show `_miroir_expires_at`, as the number that the client wrote. */
  readonly ttl?: boolean;
  /** Of the owner and of the other nodes alike. */
  readonly answers: readonly Uint8Array[];
  readonly processingTimeMs: number;
}

/** Merges by similarity, then by place of insertion. Throws `AnswerError` for bytes of another form. */
export function mergeSimilar(input: SimilarAnswers): Uint8Array {
  const { request, settings } = input;
  const parts = input.answers.map(splitSimilar);
  const hits = parts.flatMap(readHits).sort(compareSimilar);
  const shown = hits.slice(request.offset, request.offset + request.limit);
  const projection = projectionOf(
    searchRequest(request),
    { ...settings, distinctAttribute: null },
    input.ttl ?? false,
  );
  const pieces: Uint8Array[] = [utf8('{"hits":[')];
  shown.forEach(({ hit }, i) => {
    if (i > 0) pieces.push(utf8(','));
    projectHit(hit, projection, pieces);
  });
  const total = parts.reduce((sum, { rest }) => sum + nodeTotal(rest), 0);
  const details = mergePerformance(parts.map(({ rest }) => rest['performanceDetails']));
  pieces.push(
    utf8(
      `],"id":${JSON.stringify(input.id)},"processingTimeMs":${String(input.processingTimeMs)}` +
        `,"limit":${String(request.limit)},"offset":${String(request.offset)}` +
        `,"estimatedTotalHits":${String(Math.min(total, maxTotalHits(settings)))}` +
        `${details === null ? '' : `,"performanceDetails":${details}`}}`,
    ),
  );
  return Buffer.concat(pieces);
}

/** The owner's answer has another end than a search's, so its members are walked. */
function splitSimilar(bytes: Uint8Array): AnswerParts {
  const { members: all } = objectMembers(bytes, 0);
  const hits = all[0];
  if (hits === undefined || spanText(bytes, hits.keyStart, hits.keyEnd) !== 'hits') {
    return splitAnswer(bytes);
  }
  if (bytes[hits.valueStart] !== 0x5b) throw new AnswerError('The answer has no hits.');
  const rest = all
    .slice(1)
    .map((member) => spanText(bytes, member.keyStart - 1, member.valueEnd))
    .join(',');
  return {
    bytes,
    hitsStart: hits.valueStart + 1,
    hitsEnd: hits.valueEnd - 1,
    rest: JSON.parse(`{${rest}}`) as JsonObject,
  };
}

interface SimilarHit {
  readonly hit: Hit;
  readonly similarity: number;
  readonly seq: string;
}

/** Documents without a vector are neighbours of none. */
function readHits(parts: AnswerParts, source: number): SimilarHit[] {
  const reader = new HitReader(parts, source);
  const hits: SimilarHit[] = [];
  for (let hit = reader.next(); hit !== null; hit = reader.next()) {
    const similarity = hit.details.find(([rule]) => rule === 'vectorSort')?.[1]['similarity'];
    if (typeof similarity !== 'number') continue;
    const seq = findLast(hit.bytes, hit.members, keyBytes(hiddenField.seq));
    hits.push({
      hit,
      similarity,
      seq: seq === null ? '' : spanText(hit.bytes, seq.valueStart, seq.valueEnd),
    });
  }
  return hits;
}

/** The symbols of a place are ordered as the numbers they stand for, also in UTF-16. */
function compareSimilar(a: SimilarHit, b: SimilarHit): number {
  if (a.similarity !== b.similarity) return b.similarity - a.similarity;
  return a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0;
}

/** Whether the nodes' semantic search ranks by more than similarity, as `similar` never does. */
export function ranksOtherwise(settings: Settings): boolean {
  const rules = settings['rankingRules'];
  const first = Array.isArray(rules) ? rules.find((rule) => rule !== 'sort') : undefined;
  return (
    settings['distinctAttribute'] !== null ||
    (typeof first === 'string' && /:(?:asc|desc)$/.test(first))
  );
}
