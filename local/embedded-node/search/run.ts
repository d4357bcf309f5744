/** Runs one search on one index and assembles the answer, members in Meilisearch's order. */
import { performance } from 'node:perf_hooks';
import { ApiError } from '../errors';
import { formatHit, matchesPosition } from '../engine/formatting';
import { float } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import type { EngineHit, EngineQuery, EngineResult } from '../engine/types';
import { computeFacets } from '../facets/distribution';
import type { FacetingSettings } from '../facets/distribution';
import {
  SEARCH_REPORT,
  parseFilter,
  refuseContains,
  refuseVectors,
  runFilter,
} from '../filter/compile';
import type { FilterReport } from '../filter/compile';
import { isFilterable, matchingRule, patternsWith } from '../filter/rules';
import type { IndexStore } from '../index/index-store';
import { selectFields } from '../index/select-fields';
import { checkSortable, parseSort } from '../index/sort-documents';
import { shownVectors } from '../index/vectors';
import { plainSetting } from '../settings/index-settings';
import type { SearchParams } from './params';
import { uuidV7 } from './uuid';

/** The index a search runs on, and what the node allows. */
export interface SearchTarget {
  readonly uid: string;
  readonly index: IndexStore;
  readonly containsFilter: boolean;
  /** Only these documents are searched; all if absent. It takes the place of a filter. */
  readonly among?: ReadonlySet<number>;
  /** How faults of the filter are reported; a search prefixes them and quotes a re-print. */
  readonly report?: FilterReport;
}

interface Page {
  readonly offset: number;
  readonly limit: number;
  /** Page mode: `page` and `hitsPerPage`, and exact totals. */
  readonly paged: { readonly page: number; readonly hitsPerPage: number } | null;
}

function readPage(params: SearchParams): Page {
  const { page, hitsPerPage, offset, limit } = params;
  if (page === null && hitsPerPage === null) return { offset, limit, paged: null };
  const paged = { page: page ?? 1, hitsPerPage: hitsPerPage ?? 20 };
  if (paged.page === 0) return { offset: 0, limit: 0, paged };
  return { offset: (paged.page - 1) * paged.hitsPerPage, limit: paged.hitsPerPage, paged };
}

function checkVector(params: SearchParams, index: IndexStore): void {
  const { hybrid, vector, q } = params;
  if (hybrid === null) {
    if (vector === null) return;
    throw new ApiError(
      'missing_search_hybrid',
      'Invalid request: missing `hybrid` parameter when `vector` or `media` are present.',
    );
  }
  const hasText = q !== null && q.trim() !== '';
  if (vector === null && !hasText) return;
  const embedder = index.embedders[hybrid.embedder];
  if (embedder === undefined) {
    throw new ApiError(
      'invalid_search_embedder',
      `Cannot find embedder with name \`${hybrid.embedder}\`.`,
    );
  }
  if (vector !== null && vector.length !== embedder.dimensions) {
    const message = `Invalid vector dimensions: expected: \`${embedder.dimensions}\`, found: \`${vector.length}\`.`;
    throw new ApiError('invalid_vector_dimensions', message);
  }
  if (vector === null && hybrid.semanticRatio === 1) {
    throw new ApiError(
      'vector_embedding_error',
      `Error while generating embeddings: user error: attempt to embed the following text in a configuration where embeddings must be user provided:\n  - \`${q ?? ''}\``,
    );
  }
}

function checkSort(params: SearchParams, { uid, index }: SearchTarget): void {
  if (params.sort === null || params.sort.length === 0) return;
  const report = { code: 'invalid_search_sort', prefix: `Index \`${uid}\`: ` };
  const criteria = parseSort(params.sort, report.code);
  checkSortable(index, criteria, report);
  if (!plainSetting<string[]>(index.settings, 'rankingRules').includes('sort')) {
    throw new ApiError(
      report.code,
      `${report.prefix}You must specify where \`sort\` is listed in the rankingRules setting to use the sort parameter at search time.`,
    );
  }
}

function checkDistinct(params: SearchParams, { uid, index }: SearchTarget): void {
  if (params.distinct === null) return;
  const rule = matchingRule(params.distinct, index.facets.rules);
  if (rule !== null && isFilterable(rule.features)) return;
  const patterns = patternsWith(index.facets.rules, isFilterable);
  const number = rule?.index;
  const available =
    number !== undefined
      ? `Note: this attribute matches rule #${number} in filterableAttributes, but this rule does not enable filtering.\nHint: enable filtering in rule #${number} by adding appropriate filter features.\nHint: prepend another rule matching ${params.distinct} with filter features before rule #${number}`
      : patterns.length === 0
        ? 'This index does not have configured filterable attributes.'
        : `Available filterable attributes patterns are: \`${patterns.join(', ')}\`.`;
  throw new ApiError(
    'invalid_search_distinct',
    `Index \`${uid}\`: Attribute \`${params.distinct}\` is not filterable and thus, cannot be used as distinct attribute. ${available}`,
  );
}

function checkSearchedAttributes(params: SearchParams, { uid, index }: SearchTarget): void {
  const searchable = plainSetting<string[]>(index.settings, 'searchableAttributes');
  if (params.attributesToSearchOn === null || searchable.includes('*')) return;
  for (const name of params.attributesToSearchOn) {
    const known =
      name === '*' ||
      searchable.some(
        (own) => own === name || name.startsWith(`${own}.`) || own.startsWith(`${name}.`),
      );
    if (known) continue;
    const message = `Index \`${uid}\`: Attribute \`${name}\` is not searchable. Available searchable attributes are: \`${searchable.join(', ')}\`.`;
    throw new ApiError('invalid_search_attributes_to_search_on', message);
  }
}

/** The documents that pass the filter of a search; null for all. Throws invalid_search_filter. */
export function searchCandidates(
  filter: SearchParams['filter'],
  target: SearchTarget,
): ReadonlySet<number> | null {
  const report = target.report ?? { ...SEARCH_REPORT, prefix: `Index \`${target.uid}\`: ` };
  const condition = parseFilter(filter, report.code);
  if (!target.containsFilter) refuseContains(condition);
  refuseVectors(condition);
  if (condition === null) return null;
  return runFilter(condition, target.index.facets, report);
}

function engineQuery(params: SearchParams, target: SearchTarget, page: Page): EngineQuery {
  const { maxTotalHits } = plainSetting<{ maxTotalHits: number }>(
    target.index.settings,
    'pagination',
  );
  const offset = Math.min(page.offset, maxTotalHits);
  return {
    q: params.q,
    candidates: target.among ?? searchCandidates(params.filter, target),
    offset,
    limit: Math.min(page.limit, maxTotalHits - offset),
    exhaustive: page.paged !== null,
    sort: params.sort ?? [],
    distinct: params.distinct,
    matchingStrategy: params.matchingStrategy,
    attributesToSearchOn: params.attributesToSearchOn,
    rankingScoreThreshold: params.rankingScoreThreshold,
    vector: params.vector,
    hybrid: params.hybrid,
    locales: params.locales,
  };
}

/** Checks the parameters against the settings and asks the engine. Throws `ApiError`. */
export function askEngine(params: SearchParams, target: SearchTarget): EngineResult {
  checkVector(params, target.index);
  const query = engineQuery(params, target, readPage(params));
  checkSort(params, target);
  checkDistinct(params, target);
  checkSearchedAttributes(params, target);
  return target.index.engine.search(query);
}

/** The attributes of a hit: those asked for that are displayed. */
function retrieved(params: SearchParams, index: IndexStore, document: JsonObject): JsonObject {
  const displayed = plainSetting<string[]>(index.settings, 'displayedAttributes');
  const visible = displayed.includes('*') ? new Map(document) : selectFields(document, displayed);
  const asked = params.attributesToRetrieve;
  return asked === null || asked.includes('*') ? visible : selectFields(visible, asked);
}

function shownHit(
  params: SearchParams,
  index: IndexStore,
  hit: EngineHit,
  result: EngineResult,
): JsonObject {
  const stored = index.documents.get(hit.docid);
  const document = stored?.document ?? new Map();
  const displayed = plainSetting<string[]>(index.settings, 'displayedAttributes');
  const shown = retrieved(params, index, document);
  if (hit.geoDistance !== undefined && shown.has('_geo'))
    shown.set('_geoDistance', hit.geoDistance);
  if (params.retrieveVectors) {
    shown.set('_vectors', shownVectors(stored?.vectors ?? null, index.embedders));
  }
  if (params.attributesToHighlight !== null || params.attributesToCrop !== null) {
    const formatted = formatHit(document, result.matcher, {
      attributesToRetrieve: params.attributesToRetrieve ?? ['*'],
      attributesToHighlight: params.attributesToHighlight ?? [],
      highlightPreTag: params.highlightPreTag,
      highlightPostTag: params.highlightPostTag,
      attributesToCrop: params.attributesToCrop ?? [],
      cropLength: params.cropLength,
      cropMarker: params.cropMarker,
      displayed,
    });
    if (formatted !== null) shown.set('_formatted', formatted);
  }
  if (params.showMatchesPosition) {
    shown.set('_matchesPosition', matchesPosition(document, result.matcher, displayed));
  }
  if (params.showRankingScore) shown.set('_rankingScore', float(hit.rankingScore));
  if (params.showRankingScoreDetails) shown.set('_rankingScoreDetails', hit.details);
  return shown;
}

function totals(page: Page, total: number): Record<string, number> {
  if (page.paged === null) {
    return { limit: page.limit, offset: page.offset, estimatedTotalHits: total };
  }
  const { page: number, hitsPerPage } = page.paged;
  const totalPages = hitsPerPage === 0 ? 0 : Math.ceil(total / hitsPerPage);
  return { hitsPerPage, page: number, totalPages, totalHits: total };
}

/** The vector, if it was asked for and if the search went on to use it. */
function shownVector(params: SearchParams, result: EngineResult): Json | undefined {
  const { hybrid, q, vector } = params;
  const byVectorAlone = hybrid?.semanticRatio === 1 || q === null || q.trim() === '';
  const wasUsed =
    result.semanticHitCount !== null && (byVectorAlone || result.semanticHitCount > 0);
  if (!params.retrieveVectors || vector === null || !wasUsed) return undefined;
  return vector.map((value) => float(Math.fround(value)));
}

/** The whole answer of a search. Throws `ApiError`. */
export function runSearch(params: SearchParams, target: SearchTarget): Record<string, unknown> {
  const started = performance.now();
  const { index } = target;
  const result = askEngine(params, target);
  const page = readPage(params);
  const hits = result.hits.map((hit) => shownHit(params, index, hit, result));
  const facets =
    params.facets === null || params.facets.length === 0
      ? null
      : computeFacets(
          params.facets,
          index.facets,
          result.candidates,
          plainSetting<FacetingSettings>(index.settings, 'faceting'),
        );
  return {
    hits,
    query: params.q ?? '',
    queryVector: shownVector(params, result),
    processingTimeMs: Math.round(performance.now() - started),
    ...totals(page, result.total),
    facetDistribution: facets?.distribution,
    facetStats: facets?.stats,
    requestUid: uuidV7(),
    performanceDetails: params.showPerformanceDetails ? {} : undefined,
    semanticHitCount: result.semanticHitCount ?? undefined,
  };
}
