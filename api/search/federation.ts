import { v7 as uuidv7 } from 'uuid';
import type { JsonValue, Settings } from '../../core/fleet';
import { writeFederated } from '../../core/search/federation/answer';
import { firstIncompatible } from '../../core/search/federation/compatibility';
import {
  facetsByIndexText,
  inconsistentOrder,
  mergedFacetsText,
} from '../../core/search/federation/facets';
import { byIndex, federatedWindow, mergeFederation } from '../../core/search/federation/merge';
import { queryList } from '../../core/search/federation/query-list';
import type { AnsweredQuery, QueryList } from '../../core/search/federation/query-list';
import { refuseInFederation, refusePersonalize } from '../../core/search/federation/request';
import type { FederatedQuery, Federation } from '../../core/search/federation/types';
import { distinctField } from '../../core/search/fields';
import { splitAnswer } from '../../core/search/hits';
import { searchKind } from '../../core/search/kind';
import { mergePerformance } from '../../core/search/performance';
import { compareUtf8, floatText } from '../../core/search/rust-text';
import type { SearchRequest } from '../../core/search/types';
import { tenantFilterOf } from '../auth/tenant-filter';
import type { ApiContext } from '../context';
import { searchTarget } from '../routes/target';
import { countIndexes } from './federated-counts';
import type { CountedIndex } from './federated-counts';
import { facetsError, inFacets, inQuery } from './federated-errors';
import { joinHeaders } from './headers';
import { inParallel } from './in-parallel';
import { gather, gatherBest } from './search';
import type { FederationRequest, PlannedQuery, SearchAnswer } from './types';

interface RunQuery {
  readonly planned: PlannedQuery;
  readonly list: QueryList;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * A federated search. It is never forwarded: each query is a plain search of its own over the fleet,
 * and their hits, totals and facets are joined here. Throws MeiliError with Meilisearch's texts: the
 * first error in the order in which Meilisearch works, index by index and query by query.
 */
export async function runFederation(
  ctx: ApiContext,
  request: FederationRequest,
): Promise<SearchAnswer> {
  const begun = performance.now();
  const { federation } = request;
  demandAllowed(request);
  const planned = planQueries(ctx, request);
  const run = await runQueries(ctx, request, planned);
  const lists = run.map(({ list }) => list);
  const merged = mergeFederation({
    lists,
    paging: federation.paging,
    distinct: federation.distinct,
  });
  const { rejectedIds } = merged;
  const counted = await countIndexes(ctx, request, {
    groups: byIndex(lists),
    planned,
    rejectedIds,
  });
  const personalize = refusePersonalize(federation);
  if (personalize !== null) throw personalize;
  const total = counted.reduce((sum, index) => sum + index.total, 0) - merged.rejected;
  const bytes = writeFederated({
    hits: merged.shown,
    paging: federation.paging,
    total: Math.max(0, total),
    processingTimeMs: Math.floor(performance.now() - begun),
    requestUid: uuidv7(),
    queryVectors: queryVectors(lists),
    ...facetTexts(federation, counted, planned),
    metadata: request.metadata ? metadataOf(request.queries, planned) : null,
    semantic: planned.some(({ query }) => searchKind(query.request) !== 'keyword'),
    performanceDetails: performanceOf(federation, lists),
  });
  return { bytes, headers: headersOf(federation, run, { counted, rejected: merged.rejected }) };
}

/** What is refused before any index is looked at. */
function demandAllowed({ queries, federation, caller }: FederationRequest): void {
  for (const query of queries) {
    try {
      caller.demandIndex(query.indexUid);
    } catch (error) {
      throw inQuery(error, query.position);
    }
  }
  for (const query of queries) {
    const refused = refuseInFederation(query, federation);
    if (refused !== null) throw inQuery(refused, query.position);
  }
}

/** In the order in which Meilisearch runs them: by index uid, then as they stand. */
function planQueries(ctx: ApiContext, request: FederationRequest): PlannedQuery[] {
  const ordered = [...request.queries].sort(
    (a, b) => compareUtf8(a.indexUid, b.indexUid) || a.position - b.position,
  );
  const shared = new Set<string>();
  ordered.forEach(({ indexUid }, i) => {
    if (ordered[i - 1]?.indexUid === indexUid) shared.add(indexUid);
  });
  const planned: PlannedQuery[] = [];
  for (const query of ordered) {
    try {
      const target = searchTarget(ctx, query.indexUid);
      const { settings } = target.entries[0];
      const single = !shared.has(query.indexUid);
      planned.push({ query, target, asked: askedRequest(request, query, { settings, single }) });
    } catch (error) {
      throw inQuery(error, query.position);
    }
  }
  return planned;
}

/**
 * What the fleet is asked for one query: scored hits from the first on, as many as the federation may
 * show. The facets of its index ride along where no other query of that index changes their counts.
 */
function askedRequest(
  { federation }: FederationRequest,
  query: FederatedQuery,
  how: { settings: Settings; single: boolean },
): SearchRequest {
  const needed = federatedWindow(federation.paging).end;
  const distinct = federation.distinct ?? query.request.distinct;
  const asked: SearchRequest = {
    ...query.request,
    distinct,
    paging:
      federation.paging.mode === 'page'
        ? { mode: 'page', page: 1, hitsPerPage: needed }
        : { mode: 'offset', offset: 0, limit: needed },
    showRankingScore: true,
    showRankingScoreDetails: true,
    body: {
      ...query.request.body,
      showRankingScore: true,
      ...(distinct === null ? {} : { distinct }),
      ...(federation.showPerformanceDetails ? { showPerformanceDetails: true } : {}),
    },
  };
  // The counts of a distinct search are joined by its values, whatever the number of queries.
  const carries = how.single || distinctField(asked, how.settings) !== null;
  const facets = federation.facetsByIndex.get(query.indexUid) ?? null;
  return { ...asked, facets: carries ? facets : null };
}

/** Runs the queries up to the first that cannot be compared with those before it. */
async function runQueries(
  ctx: ApiContext,
  request: FederationRequest,
  planned: readonly PlannedQuery[],
): Promise<RunQuery[]> {
  const incompatible = firstIncompatible(
    planned.map(({ query, target }) => ({
      request: query.request,
      settings: target.entries[0].settings,
      indexUid: query.indexUid,
      position: query.position,
    })),
  );
  const end = planned.findIndex(({ query }) => query.position === incompatible?.position);
  const running = end < 0 ? planned : planned.slice(0, end);
  const run = await inParallel(running, async (one) => {
    try {
      return await runQuery(ctx, request, one);
    } catch (error) {
      const inside = one.asked.facets === null ? error : facetsError(error, one.query.indexUid);
      throw inQuery(inside, one.query.position);
    }
  });
  if (incompatible !== null) throw inQuery(incompatible.error, incompatible.position);
  return run;
}

async function runQuery(
  ctx: ApiContext,
  request: FederationRequest,
  planned: PlannedQuery,
): Promise<RunQuery> {
  const { query, target, asked } = planned;
  const tenantFilter = tenantFilterOf(ctx, request.caller, query.indexUid);
  const how = {
    tenantFilter,
    wish: request.wish,
    minSettingsVersion: request.minSettingsVersion,
  };
  const isHybrid = searchKind(asked) === 'hybrid';
  const [first, semantic] = await Promise.all([
    gatherBest(ctx, target, asked, { ...how, half: isHybrid ? 'keyword' : undefined }),
    isHybrid ? gather(ctx, target, asked, { ...how, half: 'semantic' }) : null,
  ]);
  const [{ settings, primaryKey }] = target.entries;
  const of: AnsweredQuery = {
    query,
    asked,
    settings,
    primaryKey,
    ttl: target.entries.some(({ ttl }) => ttl !== undefined),
    answers: first.answers,
    semantic: semantic?.answers ?? null,
  };
  return {
    planned,
    list: queryList(of),
    headers: joinHeaders([first.headers, semantic?.headers ?? {}]),
  };
}

function facetTexts(
  federation: Federation,
  counted: readonly CountedIndex[],
  planned: readonly PlannedQuery[],
): {
  facetsByIndex: string | null;
  mergedFacets: { distribution: string; stats: string } | null;
} {
  const indexes = counted.flatMap(({ indexUid, settings, facets }) =>
    facets === null ? [] : [{ indexUid, settings, facets }],
  );
  if (federation.mergeFacets === null) {
    return { facetsByIndex: facetsByIndexText(indexes), mergedFacets: null };
  }
  const inconsistent = inconsistentOrder(indexes);
  if (inconsistent !== null) {
    const first = planned.find(({ query }) => query.indexUid === inconsistent.indexUid);
    const error = inFacets(inconsistent.error, inconsistent.indexUid);
    throw first === undefined ? error : inQuery(error, first.query.position);
  }
  const merged = mergedFacetsText(indexes, federation.mergeFacets.maxValuesPerFacet);
  return { facetsByIndex: null, mergedFacets: merged };
}

/** Null where no query asked for vectors. */
function queryVectors(lists: readonly QueryList[]): Map<number, string> | null {
  const asking = lists.filter(({ of }) => of.query.request.retrieveVectors);
  if (asking.length === 0) return null;
  const vectors = new Map<number, string>();
  for (const { of } of asking) {
    for (const { bytes } of [...of.answers, ...(of.semantic ?? [])]) {
      const vector = splitAnswer(bytes).rest['queryVector'];
      if (!Array.isArray(vector)) continue;
      vectors.set(of.query.position, `[${vector.map((one) => floatText(Number(one))).join(',')}]`);
      break;
    }
  }
  return vectors;
}

/** One entry a query, as they stand in the request. */
function metadataOf(
  queries: readonly FederatedQuery[],
  planned: readonly PlannedQuery[],
): JsonValue {
  return queries.map((query) => {
    const primaryKey = planned.find((one) => one.query === query)?.target.entries[0].primaryKey;
    return {
      ...(query.request.q === null ? {} : { query: query.request.q }),
      queryUid: uuidv7(),
      indexUid: query.indexUid,
      ...(typeof primaryKey === 'string' ? { primaryKey } : {}),
    };
  });
}

function performanceOf(federation: Federation, lists: readonly QueryList[]): string | null {
  if (!federation.showPerformanceDetails) return null;
  const all = lists.flatMap(({ of }) =>
    of.answers.map(({ bytes }) => splitAnswer(bytes).rest['performanceDetails']),
  );
  return mergePerformance(all) ?? '{}';
}

function headersOf(
  federation: Federation,
  run: readonly RunQuery[],
  { counted, rejected }: { counted: readonly CountedIndex[]; rejected: number },
): Record<string, string> {
  const headers = joinHeaders(run.map((one) => one.headers));
  // It differs from index to index and would speak of one only.
  delete headers['x-miroir-settings-version'];
  const exact = new Set(counted.filter((one) => one.isExact).map(({ indexUid }) => indexUid));
  const approximate = new Set<string>([
    ...run.flatMap(({ list, planned }) =>
      [...list.approximate].filter(
        (reason) => reason !== 'distinct-total' || !exact.has(planned.query.indexUid),
      ),
    ),
    ...counted.flatMap((index) => index.approximate),
  ]);
  const isTold = federation.distinct === null || counted.every(({ isExact }) => isExact);
  if (!isTold) approximate.add('distinct-total');
  // The facets of rejected hits are taken from lists that were cut already.
  if ((!isTold || rejected > 0) && counted.some(({ facets }) => facets !== null)) {
    approximate.add('facet-distinct');
  }
  if (approximate.size > 0) headers['x-miroir-approximate'] = [...approximate].join(', ');
  return headers;
}
