/** Routes that search. */
import { performance } from 'node:perf_hooks';
import { ApiError } from '../errors';
import type { Json, JsonObject } from '../engine/json';
import type { TypoTolerance } from '../engine/types';
import type { FacetingSettings } from '../facets/distribution';
import { checkFacetSearchable, searchFacetValues } from '../facets/facet-search';
import { ok } from '../http/answer';
import type { Answer } from '../http/answer';
import { jsonBody } from '../http/request';
import type { Router } from '../http/router';
import * as check from '../http/validate';
import { uidFault } from '../node';
import type { EmbeddedNode } from '../node';
import { countUnion } from '../search/count-union';
import { paramsOfBody, paramsOfQuery } from '../search/params';
import type { SearchParams } from '../search/params';
import { askEngine, runSearch } from '../search/run';
import type { SearchTarget } from '../search/run';
import { runSimilar } from '../search/similar';
import { plainSetting } from '../settings/index-settings';

/** The fields of a search that a facet search obeys; it ignores all others. */
const FACET_SEARCH_FIELDS = [
  'q',
  'vector',
  'hybrid',
  'filter',
  'matchingStrategy',
  'attributesToSearchOn',
  'rankingScoreThreshold',
  'locales',
];

function targetOf(node: EmbeddedNode, uid: string): SearchTarget {
  return { uid, index: node.index(uid), containsFilter: node.features['containsFilter'] === true };
}

function facetSearch(node: EmbeddedNode, sent: Json, uid: string): Answer {
  const started = performance.now();
  const body = check.asObject(sent, check.ROOT);
  const facetName = body.get('facetName');
  if (facetName === undefined) {
    throw check.missingField('facetName', check.ROOT, 'missing_facet_search_facet_name');
  }
  const facet = check.asString(
    facetName,
    check.child(check.ROOT, 'facetName', 'invalid_facet_search_facet_name'),
  );
  const sentQuery = body.get('facetQuery') ?? null;
  const queryPlace = check.child(check.ROOT, 'facetQuery', 'invalid_facet_search_query');
  const query = sentQuery === null ? null : check.asString(sentQuery, queryPlace);
  const search: JsonObject = new Map(
    [...body].filter(([name]) => FACET_SEARCH_FIELDS.includes(name)),
  );
  const params = { ...paramsOfBody(search, check.ROOT), limit: 0 };
  const report = { code: 'invalid_search_filter', prefix: '', reprinted: false };
  const target = { ...targetOf(node, uid), report };
  const { settings, facets } = target.index;
  if (settings.get('facetSearch') !== true) {
    throw new ApiError('facet_search_disabled', 'The facet search is disabled for this index');
  }
  checkFacetSearchable(facet, facets);
  const faceting = plainSetting<FacetingSettings>(settings, 'faceting');
  const facetHits = searchFacetValues(facets, {
    facet,
    query,
    candidates: askEngine(params, target).candidates,
    maxValues: faceting.maxValuesPerFacet,
    order: faceting.sortFacetValuesBy[facet] ?? faceting.sortFacetValuesBy['*'] ?? 'alpha',
    typos: plainSetting<TypoTolerance>(settings, 'typoTolerance'),
  });
  return ok({
    facetHits,
    facetQuery: query,
    processingTimeMs: Math.round(performance.now() - started),
  });
}

/** One query of a multi-search, checked. */
function readQuery(
  item: Json,
  at: number,
  federated: boolean,
): { uid: string; params: SearchParams } {
  const place = check.child(check.child(check.ROOT, 'queries'), at);
  const query = check.asObject(item, place);
  const sentUid = query.get('indexUid');
  if (sentUid === undefined) throw check.missingField('indexUid', place, 'missing_index_uid');
  const uidPlace = check.child(place, 'indexUid', 'invalid_index_uid');
  const uid = check.asString(sentUid, uidPlace);
  const fault = uidFault(uid);
  if (fault !== null) throw check.invalidValue(fault, uidPlace);
  const params = paramsOfBody(query, place, true);
  if (!federated && (query.get('federationOptions') ?? null) !== null) {
    const hint =
      'Hint: remove `federationOptions` from the query or add `federation` to the request.';
    throw new ApiError(
      'invalid_multi_search_federation_options',
      `Inside \`.queries[${at}]\`: Using \`federationOptions\` is not allowed in a non-federated search.\n - ${hint}`,
    );
  }
  return { uid, params };
}

/** Errors of a query name it, and a missing index is 400 there. */
function inQuery<T>(at: number, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const status = error.code === 'index_not_found' ? 400 : error.status;
    throw new ApiError(error.code, `Inside \`.queries[${at}]\`: ${error.message}`, status);
  }
}

function multiSearch(node: EmbeddedNode, sent: Json): Answer {
  const body = check.asStruct(sent, ['queries', 'federation'], check.ROOT);
  const queries = body.get('queries');
  if (queries === undefined) throw check.missingField('queries', check.ROOT);
  const list = check.asArray(queries, check.child(check.ROOT, 'queries'));
  const federation = body.get('federation') ?? null;
  const read = list.map((item, at) => readQuery(item, at, federation !== null));
  if (federation === null) {
    return ok({
      results: read.map(({ uid, params }, at) =>
        inQuery(at, () => ({ indexUid: uid, ...runSearch(params, targetOf(node, uid)) })),
      ),
    });
  }
  const asked = read.map((one, at) =>
    inQuery(at, () => ({ ...one, target: targetOf(node, one.uid) })),
  );
  const place = check.child(check.ROOT, 'federation');
  return ok(countUnion(asked, check.asObject(federation, place)));
}

export function addSearchRoutes(router: Router, node: EmbeddedNode): void {
  router.add('POST', '/indexes/:uid/search', (request, { uid = '' }) => {
    const params = paramsOfBody(check.asObject(jsonBody(request), check.ROOT), check.ROOT);
    return ok(runSearch(params, targetOf(node, uid)));
  });
  router.add('GET', '/indexes/:uid/search', (request, { uid = '' }) =>
    ok(runSearch(paramsOfQuery(request), targetOf(node, uid))),
  );
  router.add('POST', '/indexes/:uid/facet-search', (request, { uid = '' }) =>
    facetSearch(node, jsonBody(request), uid),
  );
  router.add('POST', '/indexes/:uid/similar', (request, { uid = '' }) =>
    ok(runSimilar(jsonBody(request), targetOf(node, uid))),
  );
  router.add('POST', '/multi-search', (request) => multiSearch(node, jsonBody(request)));
}
