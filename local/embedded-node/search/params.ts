/** The parameters of a search, from a body or from a query string. */
import { ApiError, featureNotEnabled } from '../errors';
import type { Json, JsonObject } from '../engine/json';
import { LosslessNumber } from '../engine/json';
import type { MatchingStrategy } from '../engine/types';
import type { NodeRequest } from '../http/request';
import { filterOfQuery, readQuery } from '../http/query';
import type { QueryReader } from '../http/query';
import * as check from '../http/validate';
import type { Place } from '../http/validate';
import { LOCALES } from './locales';

export interface SearchParams {
  readonly q: string | null;
  readonly offset: number;
  readonly limit: number;
  readonly page: number | null;
  readonly hitsPerPage: number | null;
  readonly attributesToRetrieve: readonly string[] | null;
  readonly attributesToCrop: readonly string[] | null;
  readonly cropLength: number;
  readonly cropMarker: string;
  readonly attributesToHighlight: readonly string[] | null;
  readonly highlightPreTag: string;
  readonly highlightPostTag: string;
  readonly showMatchesPosition: boolean;
  readonly filter: Json;
  readonly sort: readonly string[] | null;
  readonly distinct: string | null;
  readonly facets: readonly string[] | null;
  readonly matchingStrategy: MatchingStrategy;
  readonly attributesToSearchOn: readonly string[] | null;
  readonly rankingScoreThreshold: number | null;
  readonly locales: readonly string[] | null;
  readonly hybrid: { readonly embedder: string; readonly semanticRatio: number } | null;
  readonly vector: readonly number[] | null;
  readonly retrieveVectors: boolean;
  readonly showRankingScore: boolean;
  readonly showRankingScoreDetails: boolean;
  readonly showPerformanceDetails: boolean;
}

const STRATEGIES = ['last', 'all', 'frequency'];

/** All fields of a search body, in the order in which errors list them, with their error codes. */
const BODY_CODES: Readonly<Record<string, string>> = {
  q: 'invalid_search_q',
  offset: 'invalid_search_offset',
  limit: 'invalid_search_limit',
  page: 'invalid_search_page',
  hitsPerPage: 'invalid_search_hits_per_page',
  attributesToRetrieve: 'invalid_search_attributes_to_retrieve',
  attributesToCrop: 'invalid_search_attributes_to_crop',
  cropLength: 'invalid_search_crop_length',
  cropMarker: 'invalid_search_crop_marker',
  attributesToHighlight: 'invalid_search_attributes_to_highlight',
  highlightPreTag: 'invalid_search_highlight_pre_tag',
  highlightPostTag: 'invalid_search_highlight_post_tag',
  showMatchesPosition: 'invalid_search_show_matches_position',
  filter: 'invalid_search_filter',
  sort: 'invalid_search_sort',
  distinct: 'invalid_search_distinct',
  facets: 'invalid_search_facets',
  matchingStrategy: 'invalid_search_matching_strategy',
  attributesToSearchOn: 'invalid_search_attributes_to_search_on',
  rankingScoreThreshold: 'invalid_search_ranking_score_threshold',
  locales: 'invalid_search_locales',
  hybrid: 'invalid_search_hybrid_query',
  vector: 'invalid_search_vector',
  retrieveVectors: 'invalid_search_retrieve_vectors',
  media: 'invalid_search_media',
  personalize: 'invalid_search_personalize',
  useNetwork: 'invalid_search_use_network',
  showRankingScore: 'invalid_search_show_ranking_score',
  showRankingScoreDetails: 'invalid_search_show_ranking_score_details',
  showPerformanceDetails: 'invalid_search_show_performance_details',
};

const { hybrid: _hybrid, media: _media, personalize: _personalize, ...PLAIN_CODES } = BODY_CODES;

/** The names of a query string: `hybrid` and `personalize` are written flat, `media` is missing. */
const QUERY_CODES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(BODY_CODES).flatMap(([name, code]) => {
    if (name === 'hybrid') {
      return [
        ['hybridEmbedder', 'invalid_search_embedder'],
        ['hybridSemanticRatio', 'invalid_search_semantic_ratio'],
      ];
    }
    if (name === 'media') return [];
    if (name === 'personalize') return [['personalizeUserContext', code]];
    return [[name, code]];
  }),
);

function unitFloat(name: string): (value: Json, place: Place) => number {
  return (value, place) => {
    const number = check.asNumber(value, place);
    if (number >= 0 && number <= 1) return number;
    const expected = 'expected a float between `0.0` and `1.0`';
    throw check.invalidValue(`the value of \`${name}\` is invalid, ${expected}.`, place);
  };
}

function asVector(value: Json, place: Place): number[] {
  return check
    .asArray(value, place)
    .map((item, at) => check.asNumber(item, check.child(place, at)));
}

function asLocales(value: Json, place: Place): string[] {
  return check
    .asArray(value, place)
    .map((item, at) => check.asWord(item, LOCALES, check.child(place, at)));
}

function asHybrid(value: Json, place: Place): SearchParams['hybrid'] {
  const hybrid = check.asStruct(value, ['semanticRatio', 'embedder'], place);
  const embedder = hybrid.get('embedder');
  if (embedder === undefined) throw check.missingField('embedder', place);
  const ratio = hybrid.get('semanticRatio') ?? null;
  const ratioPlace = check.child(place, 'semanticRatio', 'invalid_search_semantic_ratio');
  return {
    embedder: check.asString(embedder, check.child(place, 'embedder', 'invalid_search_embedder')),
    semanticRatio: ratio === null ? 0.5 : unitFloat('semanticRatio')(ratio, ratioPlace),
  };
}

/** Parameters that are known but that the embedded node cannot serve. */
function refuseUnsupported(body: JsonObject): void {
  if (body.get('useNetwork') === true) {
    throw featureNotEnabled('passing `useNetwork` in a search query', 'network', 805);
  }
  if ((body.get('media') ?? null) !== null) {
    throw featureNotEnabled('passing `media` in a search query', 'multimodal', 846);
  }
}

/** Reads a search body (or one query of a multi-search, at `place`). Throws `ApiError`. */
export function paramsOfBody(body: JsonObject, place: Place, isOneOfMany = false): SearchParams {
  const names = Object.keys(BODY_CODES);
  const known = isOneOfMany ? ['indexUid', ...names, 'federationOptions'] : names;
  const object = check.asStruct(body, known, place);
  const read = <T>(name: string, as: (value: Json, at: Place) => T): T | null => {
    const value = object.get(name) ?? null;
    return value === null ? null : as(value, check.child(place, name, BODY_CODES[name]));
  };
  /** Fields that have a default may be absent, but not null. */
  const readOr = <T>(name: string, as: (value: Json, at: Place) => T, fallback: T): T => {
    const value = object.get(name);
    return value === undefined ? fallback : as(value, check.child(place, name, BODY_CODES[name]));
  };
  refuseUnsupported(object);
  return {
    q: read('q', check.asString),
    offset: readOr('offset', check.asUint, 0),
    limit: readOr('limit', check.asUint, 20),
    page: read('page', check.asUint),
    hitsPerPage: read('hitsPerPage', check.asUint),
    attributesToRetrieve: read('attributesToRetrieve', check.asStrings),
    attributesToCrop: read('attributesToCrop', check.asStrings),
    cropLength: readOr('cropLength', check.asUint, 10),
    cropMarker: readOr('cropMarker', check.asString, '…'),
    attributesToHighlight: read('attributesToHighlight', check.asStrings),
    highlightPreTag: readOr('highlightPreTag', check.asString, '<em>'),
    highlightPostTag: readOr('highlightPostTag', check.asString, '</em>'),
    showMatchesPosition: readOr('showMatchesPosition', check.asBoolean, false),
    filter: object.get('filter') ?? null,
    sort: read('sort', check.asStrings),
    distinct: read('distinct', check.asString),
    facets: read('facets', check.asStrings),
    matchingStrategy: readOr(
      'matchingStrategy',
      (value, at) => check.asWord(value, STRATEGIES, at) as MatchingStrategy,
      'last',
    ),
    attributesToSearchOn: read('attributesToSearchOn', check.asStrings),
    rankingScoreThreshold: read('rankingScoreThreshold', unitFloat('rankingScoreThreshold')),
    locales: read('locales', asLocales),
    hybrid: read('hybrid', asHybrid),
    vector: read('vector', asVector),
    retrieveVectors: readOr('retrieveVectors', check.asBoolean, false),
    showRankingScore: readOr('showRankingScore', check.asBoolean, false),
    showRankingScoreDetails: readOr('showRankingScoreDetails', check.asBoolean, false),
    showPerformanceDetails: readOr('showPerformanceDetails', check.asBoolean, false),
  };
}

/** Sort expressions of a query string; the comma of `_geoPoint(a,b)` separates nothing. */
function sortOfQuery(text: string | null): string[] | null {
  return text === null ? null : text.split(/,(?![^(]*\))/);
}

function thresholdOf(query: QueryReader): number | null {
  const text = query.text('rankingScoreThreshold');
  const value = Number(text);
  return text === null || Number.isNaN(value) ? null : value;
}

/** Reads `GET /indexes/{uid}/search`. Throws `ApiError`. */
export function paramsOfQuery(request: NodeRequest): SearchParams {
  const query = readQuery(request, QUERY_CODES);
  const body: JsonObject = new Map();
  const put = (name: string, value: Json): void => {
    if (value !== null) body.set(name, value);
  };
  for (const name of Object.keys(PLAIN_CODES)) {
    if (/^(offset|limit|page|hitsPerPage|cropLength)$/.test(name)) put(name, query.uint(name));
    else if (/^(show|retrieveVectors)/.test(name)) put(name, query.flag(name));
    else if (/^(attributes|facets|locales)/.test(name)) put(name, query.list(name));
    else if (name === 'rankingScoreThreshold') put(name, thresholdOf(query));
    else if (name === 'vector') put(name, query.list(name)?.map(Number) ?? null);
    else if (name === 'filter') put(name, filterOfQuery(query.text(name)));
    else if (name === 'sort') put(name, sortOfQuery(query.text(name)));
    else if (name !== 'useNetwork') put(name, query.text(name));
  }
  const embedder = query.text('hybridEmbedder');
  const semanticRatio = query.float('hybridSemanticRatio');
  if (embedder !== null) {
    const hybrid = new Map<string, Json>([['embedder', embedder]]);
    if (semanticRatio !== null)
      hybrid.set('semanticRatio', new LosslessNumber(String(semanticRatio), semanticRatio));
    body.set('hybrid', hybrid);
  } else if (body.has('vector')) {
    const message = '`hybridEmbedder` is mandatory when `vector` is present';
    throw new ApiError('missing_search_hybrid', message);
  }
  checkQueryValues(query);
  return paramsOfBody(body, check.ROOT);
}

/** Values whose faults are worded otherwise in a query string than in a body. */
function checkQueryValues(query: QueryReader): void {
  const strategy = query.text('matchingStrategy');
  if (strategy !== null && !STRATEGIES.includes(strategy)) {
    const rest = check.expectedOneOf(strategy, STRATEGIES);
    throw new ApiError(
      'invalid_search_matching_strategy',
      `Unknown value \`${strategy}\` for parameter \`matchingStrategy\`: ${rest}`,
    );
  }
  const threshold = query.text('rankingScoreThreshold');
  if (threshold !== null && !(Number(threshold) >= 0 && Number(threshold) <= 1)) {
    const expected = 'expected a float between `0.0` and `1.0`';
    throw query.unparsable(
      'rankingScoreThreshold',
      `the value of \`rankingScoreThreshold\` is invalid, ${expected}.`,
    );
  }
}
