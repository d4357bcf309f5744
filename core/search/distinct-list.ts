import type { JsonValue } from '../fleet';
import { hiddenRankingRule } from '../hidden-fields';
import { compareDetails } from './details';
import type { Details } from './details';
import { DistinctFilter } from './distinct';
import { mergeFacets } from './facets';
import { FieldReader } from './field-values';
import { distinctField, hitsNeeded, isHiddenField, memberOf } from './fields';
import { splitAnswer } from './hits';
import type { Hit } from './hits';
import { searchKind } from './kind';
import { HitMerger } from './merge-hits';
import { addedFacet } from './rewrite';
import { physicalMaxValuesPerFacet } from '../settings/physical-limits';
import type { ExactCounts, JsonObject, MergeInput, NodeAnswer, SearchRequest } from './types';

/**
 * Totals and facets of a distinct search from the list of all of its matches, which is read where they are
 * few: with their ranks, values and facets in hand the engine's own walk is done again over all nodes.
 *
 * One Meilisearch takes from its candidates what shares a value with a hit that it kept, to the end of
 * that hit's bucket. In page mode it then keeps of each value the document that was inserted first.
 */

/** More matches than this are not listed: each is about half a kilobyte on the way. */
export const listedMax = 10_000;
/** The engine cuts longer values in its index. */
const valueCharsMax = 150;

/** Whether the counts in the nodes' own answers do not suffice, and a list of all matches would. */
export function needsList(input: MergeInput): boolean {
  const { request, settings, answers } = input;
  const field = distinctField(request, settings);
  if (field === null || answers.length < 2 || !canList(request)) return false;
  if (request.paging.mode === 'offset' || (request.facets ?? []).length > 0) return true;
  // Without facets only the number of values is told, which complete lists of them give.
  const cap = physicalMaxValuesPerFacet(settings);
  return answers.some(({ bytes }) => {
    const counts = memberOf(splitAnswer(bytes).rest['facetDistribution'], field);
    return typeof counts === 'object' && counts !== null && Object.keys(counts).length >= cap;
  });
}

const canList = (request: SearchRequest): boolean =>
  request.rankingScoreThreshold === null &&
  searchKind(request) === 'keyword' &&
  request.matchingStrategy !== 'frequency';

/** The search that lists all `count` matches, ranked as the client's, with the fields that are counted. */
export function listRequest(input: MergeInput, count: number): SearchRequest {
  const { request, settings } = input;
  const field = distinctField(request, settings);
  return ownListing(request, [...(field === null ? [] : [field]), ...facetFields(input)], count);
}

/** A search for the first `count` hits with exactly these fields of each, none left out as a duplicate. */
export function ownListing(
  request: SearchRequest,
  fields: readonly string[],
  count: number,
): SearchRequest {
  const body: JsonObject = { ...request.body };
  for (const name of shownOnly) delete body[name];
  return {
    ...request,
    distinct: null,
    facets: null,
    attributesToHighlight: null,
    attributesToCrop: null,
    retrieveVectors: false,
    showMatchesPosition: false,
    countsAll: true,
    ownFields: [...new Set(fields)],
    paging: { mode: 'page', page: 1, hitsPerPage: count },
    body,
  };
}

/** What is of the answer that the client sees only. */
const shownOnly = [
  'distinct',
  'attributesToHighlight',
  'attributesToCrop',
  'showMatchesPosition',
  'showPerformanceDetails',
  'retrieveVectors',
] as const;

/** The facets that some node knows; a node answers for the fields below a facet too. */
function facetFields({ answers, request, settings }: MergeInput): string[] {
  if ((request.facets ?? []).length === 0) return [];
  const omit = addedFacet(request, settings);
  return knownFacets(answers).filter((name) => name !== omit);
}

/** The fields that the answers have facets of. */
export function knownFacets(answers: readonly NodeAnswer[]): string[] {
  const names = answers.flatMap(({ bytes }) => {
    const distribution = splitAnswer(bytes).rest['facetDistribution'];
    return Object.keys(typeof distribution === 'object' ? (distribution ?? {}) : {});
  });
  return [...new Set(names)].filter((name) => !isHiddenField(name));
}

/** The counts of one Meilisearch; null where the list is not all of the matches, or was cut off. */
export function listedCounts(
  input: MergeInput,
  list: readonly NodeAnswer[],
  count: number,
): ExactCounts | null {
  const field = distinctField(input.request, input.settings);
  const hits = field === null ? null : readAll(list);
  if (field === null || hits?.length !== count) return null;
  const needed = hitsNeeded(input.request, input.settings);
  const left = afterWalk(hits, { field, needed });
  const counted = input.request.paging.mode === 'page' ? firstOfEach(left, field) : left;
  const total = counted.length;
  if ((input.request.facets ?? []).length === 0) return { total, facets: null };
  const source = sourceOf(counted, facetFields(input));
  if (source === null) return { total, facets: null };
  const facets = mergeFacets({
    nodes: [{ ...source, total }],
    settings: input.settings,
    total,
    distinct: null,
    omit: null,
  });
  return { total, facets };
}

function readAll(list: readonly NodeAnswer[]): Hit[] | null {
  const merger = new HitMerger(list.map(({ bytes }) => splitAnswer(bytes)));
  const hits: Hit[] = [];
  for (let hit = merger.next(); hit !== null; hit = merger.next()) {
    if (hit.details.some(([rule]) => rule === 'skipped') || placeOf(hit) === null) return null;
    hits.push(hit);
  }
  return hits;
}

const placeOf = ({ details }: Hit): string | null => {
  const place = details.find(([rule]) => rule === hiddenRankingRule)?.[1]['value'];
  return typeof place === 'string' ? place : null;
};

/** What is left of ranked matches when the engine has kept as many as it needs. */
function afterWalk(hits: readonly Hit[], how: { field: string; needed: number }): Hit[] {
  if (how.needed === 0) return [...hits];
  const distinct = new DistinctFilter(how.field);
  const kept = new Set<Hit>();
  let last: Details | null = null;
  for (const hit of hits) {
    const bucket = hit.details.filter(([rule]) => rule !== hiddenRankingRule);
    // Without rules the engine stops at the last hit that it shows, else at the end of its bucket.
    const ended = bucket.length === 0 || (last !== null && compareDetails(last, bucket) !== 0);
    if (kept.size >= how.needed && ended) break;
    if (!distinct.admit(hit)) continue;
    kept.add(hit);
    if (kept.size <= how.needed) last = bucket;
  }
  return hits.filter((hit) => kept.has(hit) || !distinct.hasSeen(hit));
}

/** Of each value the document that was inserted first; all that have none. */
function firstOfEach(hits: readonly Hit[], field: string): Hit[] {
  const distinct = new DistinctFilter(field);
  return inserted(hits).filter((hit) => distinct.admit(hit));
}

/** The codes of places have the order of the numbers. */
const inserted = (hits: readonly Hit[]): Hit[] =>
  hits
    .map((hit) => ({ hit, place: placeOf(hit) ?? '' }))
    .sort((a, b) => (a.place < b.place ? -1 : a.place > b.place ? 1 : 0))
    .map(({ hit }) => hit);

/**
 * The facets of documents, counted from the documents themselves: a value is shown in the spelling of
 * the document that was inserted first. Null for values that the engine cuts.
 */
export function sourceOf(
  hits: readonly Hit[],
  fields: readonly string[],
): { distribution: JsonObject; stats: JsonObject } | null {
  const distribution: JsonObject = {};
  const stats: JsonObject = {};
  const ordered = inserted(hits);
  for (const field of fields) {
    const counts = new Map<string, { shown: string; count: number }>();
    const reader = new FieldReader(field);
    const numbers: number[] = [];
    for (const hit of ordered) {
      for (const [key, { shown, number }] of reader.valuesOf(hit)) {
        if (shown.length > valueCharsMax) return null;
        if (number !== null) numbers.push(number);
        const known = counts.get(key);
        if (known === undefined) counts.set(key, { shown, count: 1 });
        else known.count += 1;
      }
    }
    const members: [string, JsonValue][] = [...counts.values()].map((one) => [
      one.shown,
      one.count,
    ]);
    distribution[field] = Object.fromEntries(members);
    if (numbers.length > 0) {
      stats[field] = {
        min: numbers.reduce((a, b) => Math.min(a, b)),
        max: numbers.reduce((a, b) => Math.max(a, b)),
      };
    }
  }
  return { distribution, stats };
}
