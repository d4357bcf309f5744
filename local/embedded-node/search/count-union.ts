import { performance } from 'node:perf_hooks';
import { ApiError } from '../errors';
import type { Json, JsonObject } from '../engine/json';
import { computeFacets } from '../facets/distribution';
import type { FacetAnswer, FacetingSettings } from '../facets/distribution';
import * as check from '../http/validate';
import { plainSetting } from '../settings/index-settings';
import type { SearchParams } from './params';
import { askEngine } from './run';
import type { SearchTarget } from './run';
import { uuidV7 } from './uuid';

export interface UnionQuery {
  readonly uid: string;
  readonly params: SearchParams;
  readonly target: SearchTarget;
}

interface Union {
  readonly target: SearchTarget;
  readonly matched: Set<number>;
}

/**
 * Federation as far as it counts: how many documents of each index match one query or another, and
 * their facets. It ranks nothing across queries, so it shows no hits, whatever limit was asked for.
 */
export function countUnion(
  queries: readonly UnionQuery[],
  federation: JsonObject,
): Record<string, unknown> {
  const started = performance.now();
  const unions = new Map<string, Union>();
  for (const { uid, params, target } of queries) {
    const union = unions.get(uid) ?? { target, matched: new Set<number>() };
    // A score threshold takes part in the matching, and in page mode it is applied to all.
    const exhaustive = { ...params, page: 1, hitsPerPage: Number.MAX_SAFE_INTEGER };
    const asked = params.rankingScoreThreshold === null ? { ...params, limit: 0 } : exhaustive;
    for (const docid of askEngine(asked, target).candidates) union.matched.add(docid);
    unions.set(uid, union);
  }
  const total = [...unions.values()].reduce((sum, { matched }) => sum + matched.size, 0);
  return {
    hits: [],
    processingTimeMs: Math.round(performance.now() - started),
    limit: 0,
    offset: 0,
    estimatedTotalHits: total,
    facetsByIndex: facetsByIndex(unions, federation),
    requestUid: uuidV7(),
  };
}

function facetsByIndex(
  unions: ReadonlyMap<string, Union>,
  federation: JsonObject,
): ReadonlyMap<string, FacetAnswer> | undefined {
  const place = check.child(check.ROOT, 'federation.facetsByIndex');
  const asked = federation.get('facetsByIndex') ?? null;
  if (asked === null) return undefined;
  const answers = new Map<string, FacetAnswer>();
  for (const [uid, names] of check.asObject(asked, place)) {
    const union = unions.get(uid);
    if (union === undefined) throw new ApiError('bad_request', `No query is of index \`${uid}\`.`);
    const list = names === null ? [] : check.asArray(names, place);
    const facets = list.map((name: Json) => check.asString(name, place));
    const { settings, facets: index } = union.target.index;
    const faceting = plainSetting<FacetingSettings>(settings, 'faceting');
    answers.set(uid, computeFacets(facets, index, union.matched, faceting));
  }
  return answers;
}
