import { MeiliError, isMeiliError } from '../errors';
import type { ErrorCode } from '../errors';
import type { JsonValue } from '../fleet';
import { locales } from './locales';
import type { HybridRequest, JsonObject, Paging, SearchRequest } from './types';
import { BodyReader } from './values';

export type ParsedSearch =
  | { readonly ok: true; readonly request: SearchRequest }
  | { readonly ok: false; readonly error: MeiliError };

/** Checks one member that is present; null stands for absent only where `nullable`. */
interface MemberRule {
  readonly code: ErrorCode;
  readonly nullable: boolean;
  readonly check: (reader: BodyReader, value: JsonValue) => void;
}

const rule = (
  code: ErrorCode,
  nullable: boolean,
  check: (reader: BodyReader, value: JsonValue) => void,
): MemberRule => ({ code, nullable, check });

const text = (r: BodyReader, v: JsonValue): void => void r.text(v);
const texts = (r: BodyReader, v: JsonValue): void => void r.texts(v);
const uint = (r: BodyReader, v: JsonValue): void => void r.uint(v);
const bool = (r: BodyReader, v: JsonValue): void => void r.bool(v);
const strategies = ['last', 'all', 'frequency'];

/** Every member of a search body, in the order in which Meilisearch's messages list them. */
export const searchMembers: Readonly<Record<string, MemberRule>> = {
  q: rule('invalid_search_q', true, text),
  offset: rule('invalid_search_offset', false, uint),
  limit: rule('invalid_search_limit', false, uint),
  page: rule('invalid_search_page', true, uint),
  hitsPerPage: rule('invalid_search_hits_per_page', true, uint),
  attributesToRetrieve: rule('invalid_search_attributes_to_retrieve', true, texts),
  attributesToCrop: rule('invalid_search_attributes_to_crop', true, texts),
  cropLength: rule('invalid_search_crop_length', false, uint),
  cropMarker: rule('invalid_search_crop_marker', false, text),
  attributesToHighlight: rule('invalid_search_attributes_to_highlight', true, texts),
  highlightPreTag: rule('invalid_search_highlight_pre_tag', false, text),
  highlightPostTag: rule('invalid_search_highlight_post_tag', false, text),
  showMatchesPosition: rule('invalid_search_show_matches_position', false, bool),
  filter: rule('invalid_search_filter', true, () => undefined),
  sort: rule('invalid_search_sort', true, texts),
  distinct: rule('invalid_search_distinct', true, text),
  facets: rule('invalid_search_facets', true, texts),
  matchingStrategy: rule('invalid_search_matching_strategy', false, (r, v) => {
    r.oneOf(v, strategies);
  }),
  attributesToSearchOn: rule('invalid_search_attributes_to_search_on', true, texts),
  rankingScoreThreshold: rule('invalid_search_ranking_score_threshold', true, (r, v) => {
    unitFloat(r, v, 'rankingScoreThreshold');
  }),
  locales: rule('invalid_search_locales', true, (r, v) => {
    r.array(v).forEach((item, i) => r.at(`[${String(i)}]`).oneOf(item, locales));
  }),
  hybrid: rule('invalid_search_hybrid_query', true, (r, v) => void readHybrid(r, v)),
  vector: rule('invalid_search_vector', true, (r, v) => {
    r.array(v).forEach((item, i) => r.at(`[${String(i)}]`).number(item));
  }),
  retrieveVectors: rule('invalid_search_retrieve_vectors', false, bool),
  media: rule('invalid_search_media', true, () => undefined),
  personalize: rule('invalid_search_personalize', true, (r, v) => void r.object(v)),
  useNetwork: rule('invalid_search_use_network', true, bool),
  showRankingScore: rule('invalid_search_show_ranking_score', false, bool),
  showRankingScoreDetails: rule('invalid_search_show_ranking_score_details', false, bool),
  showPerformanceDetails: rule('invalid_search_show_performance_details', false, bool),
};

/**
 * Checks a search body as Meilisearch does before it looks at an index. `path` is where the body stands
 * (`.queries[0]` in `/multi-search`); `allowed` names members that another route adds to it.
 */
export function parseSearchBody(
  body: JsonValue | undefined,
  path = '',
  allowed: readonly string[] = [],
): ParsedSearch {
  try {
    const root = new BodyReader(path, 'bad_request');
    const object = root.object(body === undefined ? {} : body);
    const checked: JsonObject = {};
    for (const [name, value] of Object.entries(object)) {
      const member = Object.hasOwn(searchMembers, name) ? searchMembers[name] : undefined;
      if (member === undefined) {
        if (allowed.includes(name)) continue;
        throw root.unknownField(name, [...allowed, ...Object.keys(searchMembers)]);
      }
      if (value === null && member.nullable) continue;
      member.check(root.at(`.${name}`, member.code), value);
      checked[name] = value;
    }
    const request = searchRequest(checked);
    refuseLoneVector(request);
    return { ok: true, request };
  } catch (error) {
    if (isMeiliError(error)) return { ok: false, error };
    throw error;
  }
}

function refuseLoneVector(request: SearchRequest): void {
  const media = request.body['media'] !== undefined;
  if (media && request.vector !== null) {
    throw new MeiliError(
      'invalid_search_media_and_vector',
      'Invalid request: both `media` and `vector` parameters are present.',
    );
  }
  if ((media || request.vector !== null) && request.hybrid === null) {
    throw new MeiliError(
      'missing_search_hybrid',
      'Invalid request: missing `hybrid` parameter when `vector` or `media` are present.',
    );
  }
}

export function unitFloat(reader: BodyReader, value: JsonValue, name: string): number {
  const number = reader.number(value);
  if (number >= 0 && number <= 1) return number;
  throw reader.invalid(
    `the value of \`${name}\` is invalid, expected a float between \`0.0\` and \`1.0\`.`,
  );
}

const hybridMembers = ['semanticRatio', 'embedder'];

function readHybrid(reader: BodyReader, value: JsonValue): HybridRequest {
  let embedder: string | null = null;
  let semanticRatio = 0.5;
  for (const [name, item] of Object.entries(reader.object(value))) {
    if (name === 'semanticRatio') {
      const ratio = reader.at('.semanticRatio', 'invalid_search_semantic_ratio');
      semanticRatio = unitFloat(ratio, item, 'semanticRatio');
    } else if (name === 'embedder') {
      embedder = reader.at('.embedder', 'invalid_search_embedder').text(item);
    } else {
      throw reader.unknownField(name, hybridMembers);
    }
  }
  if (embedder === null) throw reader.missing('embedder');
  return { embedder, semanticRatio };
}

/** A request from a body whose members were checked; the defaults are Meilisearch's. */
function searchRequest(body: JsonObject): SearchRequest {
  const list = (name: string): readonly string[] | null =>
    (body[name] as string[] | undefined) ?? null;
  const flag = (name: string): boolean => body[name] === true;
  const hybrid = body['hybrid'];
  const threshold = body['rankingScoreThreshold'];
  const distinct = body['distinct'];
  const reader = new BodyReader('.hybrid', 'invalid_search_hybrid_query');
  return {
    q: typeof body['q'] === 'string' ? body['q'] : null,
    paging: pagingOf(body),
    filter: body['filter'] ?? null,
    sort: list('sort'),
    distinct: typeof distinct === 'string' ? distinct : null,
    facets: list('facets'),
    attributesToRetrieve: list('attributesToRetrieve'),
    attributesToHighlight: list('attributesToHighlight'),
    attributesToCrop: list('attributesToCrop'),
    retrieveVectors: flag('retrieveVectors'),
    showMatchesPosition: flag('showMatchesPosition'),
    showRankingScore: flag('showRankingScore'),
    showRankingScoreDetails: flag('showRankingScoreDetails'),
    rankingScoreThreshold: typeof threshold === 'number' ? threshold : null,
    matchingStrategy: (body['matchingStrategy'] ?? 'last') as SearchRequest['matchingStrategy'],
    hybrid: hybrid === undefined ? null : readHybrid(reader, hybrid),
    vector: (body['vector'] as number[] | undefined) ?? null,
    body,
  };
}

function pagingOf(body: JsonObject): Paging {
  const uint = (name: string, otherwise: number): number =>
    typeof body[name] === 'number' ? body[name] : otherwise;
  if (body['page'] === undefined && body['hitsPerPage'] === undefined) {
    return { mode: 'offset', offset: uint('offset', 0), limit: uint('limit', 20) };
  }
  return { mode: 'page', page: uint('page', 1), hitsPerPage: uint('hitsPerPage', 20) };
}
