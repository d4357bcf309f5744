import type { FilterAst } from '../../filter/types';
import { normalizeClientFilter } from '../../filter/normalize';
import { printFilter } from '../../filter/print';
import type { JsonValue, Settings } from '../../fleet';
import { utf8 } from '../answer-bytes';
import { memberOf } from '../fields';
import { searchKind } from '../kind';
import { nodeSearchBody } from '../rewrite';
import type { JsonObject, SearchRequest } from '../types';

/**
 * How the documents that match at least one of several queries of one index are counted, as a node can
 * only be asked for one query at a time:
 *
 * - queries that match whatever their filter lets through (placeholder and semantic ones) are one
 *   search with their filters ORed;
 * - the keyword queries, each of which excludes what those filters let through, are one federated
 *   search, which counts a document once. Without `sort` they are ranked alike, so the node's hidden
 *   ranking rule does not stand in the way as it does for a client's federated search.
 *
 * The two counts have no document in common and are added.
 */
export interface UnionPlan {
  /** Null: no query matches by its filter alone. The inner null: one of them has no filter. */
  readonly filtered: { readonly any: FilterAst | null } | null;
  readonly keywords: readonly SearchRequest[];
  readonly facets: readonly string[] | null;
  /** Hits that a node must rank for a score threshold to count; 0 without one. */
  readonly ranked: number;
}

export interface CountedQuery {
  readonly request: SearchRequest;
  /** Whether a hybrid search turned out to be answered by its keyword half alone. */
  readonly keywordOnly: boolean;
}

/** Null when a filter is no filter: the queries themselves are then refused. */
export function planUnion(
  queries: readonly CountedQuery[],
  how: { readonly facets: readonly string[] | null; readonly needed: number },
): UnionPlan | null {
  const filters: (FilterAst | null)[] = [];
  const keywords: SearchRequest[] = [];
  for (const { request, keywordOnly } of queries) {
    const filter = normalizeClientFilter(request.filter);
    if (!filter.ok) return null;
    const hasText = (request.q ?? '').trim() !== '';
    if (hasText && (keywordOnly || searchKind(request) === 'keyword')) keywords.push(request);
    else filters.push(filter.ast);
  }
  const anyAll = filters.includes(null);
  const asts = filters.filter((filter) => filter !== null);
  const any: FilterAst | null =
    anyAll || asts.length === 0 ? null : { kind: 'or', parts: asts.map(withoutNotEqual) };
  return {
    filtered: filters.length === 0 ? null : { any },
    // What matches a query without a filter is everything.
    keywords: anyAll ? [] : keywords,
    facets: how.facets,
    ranked: keywords.some((one) => one.rankingScoreThreshold !== null) ? how.needed : 0,
  };
}

/** A node that never saw field `a` answers nothing to `a != b`, so it is asked `NOT a = b`. */
function withoutNotEqual(ast: FilterAst): FilterAst {
  switch (ast.kind) {
    case 'opaque':
      return ast;
    case 'not':
      return { kind: 'not', part: withoutNotEqual(ast.part) };
    case 'and':
    case 'or':
      return { kind: ast.kind, parts: ast.parts.map(withoutNotEqual) };
    case 'condition': {
      const { condition } = ast;
      if (condition.op !== '!=') return ast;
      return { kind: 'not', part: { ...ast, condition: { op: '=', value: condition.value } } };
    }
  }
}

export interface UnionOptions {
  readonly settings: Settings;
  readonly bucketFilter: string | null;
  readonly tenantFilter: JsonValue;
  readonly physicalUid: string;
}

/** The body of a node's `search` for the first part, or null when there is none. */
export function filteredBody(plan: UnionPlan, options: UnionOptions): JsonObject | null {
  if (plan.filtered === null) return null;
  const { any } = plan.filtered;
  return nodeBody(plan, options, any === null ? null : printFilter(any));
}

/** The body of a node's `multi-search` for the second part, or null when there is none. */
export function keywordsBody(plan: UnionPlan, options: UnionOptions): JsonObject | null {
  if (plan.keywords.length === 0) return null;
  const any = plan.filtered?.any ?? null;
  const outside = any === null ? [] : [`NOT (${printFilter(any)})`];
  const queries = plan.keywords.map((request): JsonObject => {
    const client = normalizeClientFilter(request.filter);
    const filter = nodeBody(plan, options, [...outside, ...(client.ok ? client.parts : [])])[
      'filter'
    ];
    const query: JsonObject = { indexUid: options.physicalUid };
    for (const name of keywordMembers) {
      const value = request.body[name];
      if (value !== undefined) query[name] = value;
    }
    return filter === undefined ? query : { ...query, filter };
  });
  const facets = nodeBody(plan, options, null)['facets'];
  const facetsByIndex = facets === undefined ? {} : { [options.physicalUid]: facets };
  return { queries, federation: { offset: 0, limit: plan.ranked, facetsByIndex } };
}

/** The members of a keyword search that decide which documents match. */
const keywordMembers = [
  'q',
  'matchingStrategy',
  'attributesToSearchOn',
  'rankingScoreThreshold',
  'locales',
] as const;

/** A search for no hits with this filter beside the bucket's and the tenant's. */
function nodeBody(
  plan: UnionPlan,
  { settings, bucketFilter, tenantFilter }: UnionOptions,
  filter: JsonValue | readonly (string | string[])[],
): JsonObject {
  return nodeSearchBody(
    { ...emptyRequest, filter: filter as JsonValue, facets: plan.facets },
    { settings: { ...settings, distinctAttribute: null }, bucketFilter, tenantFilter },
  );
}

const emptyRequest: SearchRequest = {
  q: null,
  paging: { mode: 'offset', offset: 0, limit: 0 },
  filter: null,
  sort: null,
  distinct: null,
  facets: null,
  attributesToRetrieve: [],
  attributesToHighlight: null,
  attributesToCrop: null,
  retrieveVectors: false,
  showMatchesPosition: false,
  showRankingScore: false,
  showRankingScoreDetails: false,
  rankingScoreThreshold: null,
  matchingStrategy: 'last',
  hybrid: null,
  vector: null,
  body: {},
};

/** The request with which the counts of a union are merged. */
export const unionRequest = (plan: UnionPlan): SearchRequest => ({
  ...emptyRequest,
  facets: plan.facets,
});

/** A node's answer to the second part in the form of an answer to the first, which can be merged. */
export function asSearchAnswer(bytes: Uint8Array, physicalUid: string): Uint8Array {
  const answer = JSON.parse(Buffer.from(bytes).toString('utf8')) as JsonObject;
  const facets = memberOf(answer['facetsByIndex'], physicalUid);
  return utf8(
    JSON.stringify({
      hits: [],
      query: '',
      estimatedTotalHits: answer['estimatedTotalHits'] ?? 0,
      ...(facets === undefined
        ? {}
        : {
            facetDistribution: memberOf(facets, 'distribution') ?? {},
            facetStats: memberOf(facets, 'stats') ?? {},
          }),
    }),
  );
}
