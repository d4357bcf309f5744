import { normalizeClientFilter } from '../../filter/normalize';
import type { JsonValue, Settings } from '../../fleet';
import { slotOfId } from '../../hash';
import { encodeSlot, hiddenField } from '../../hidden-fields';
import { bucketsWalk, countableValues, idOf, inValues } from '../distinct-counts';
import { ownListing, sourceOf } from '../distinct-list';
import { mergeFacets } from '../facets';
import type { FacetSource } from '../facets';
import { FieldReader } from '../field-values';
import { distinctField } from '../fields';
import { documentOf } from '../frequency';
import { splitAnswer } from '../hits';
import type { Hit } from '../hits';
import { HitMerger } from '../merge-hits';
import { nodeTotal } from '../merge';
import { facetSources } from '../numeric-facets';
import type { JsonObject, SearchRequest } from '../types';
import type { Counted } from './count';
import { mergeInput } from './query-list';
import type { IndexAnswer, QueryList } from './query-list';
import { unionRequest } from './union';

/**
 * What the queries of one index match together in a federated search with `distinct`, in offset mode. One
 * Meilisearch takes from the candidates of a query what shares a value with a hit that it kept for it, puts
 * the candidates of all queries together, and takes those out that fell to a better hit of another query:
 *
 *     candidates = what matches some query, without the values of the hits kept for it  (a union)
 *                + the hits kept for some query  - the hits rejected in between
 *
 * The first is counted with filters. The documents of the others are listed, each for each query, to know
 * which of them the union has counted already.
 */
export interface DistinctPlan {
  readonly field: string;
  /** The queries, a hybrid one as its two halves: by words, or by the filter alone. */
  readonly parts: readonly DistinctPart[];
  /** The documents that some query kept. */
  readonly kept: ReadonlySet<string>;
  /** A filter on the slots of these. */
  readonly slots: string | null;
}

export interface DistinctPart {
  readonly request: SearchRequest;
  /** The values whose documents are no candidates of this part but for those kept. */
  readonly values: ReadonlySet<string>;
}

/** No more documents are listed for one part than these. */
export const partListMax = 1_000;

/** Null where the hits that one Meilisearch keeps cannot be told. */
export function planDistinct(lists: readonly QueryList[], settings: Settings): DistinctPlan | null {
  const parts: DistinctPart[] = [];
  const kept = new Set<string>();
  const slots = new Set<string>();
  const [first] = lists;
  const field = first === undefined ? null : distinctField(first.of.asked, settings);
  if (field === null) return null;
  for (const list of lists) {
    const found = partsOf(list, field);
    if (found === null) return null;
    parts.push(...found.parts);
    for (const { id, hit } of found.kept) {
      const key = idOf(hit, list.of.primaryKey);
      if (key === null) return null;
      kept.add(id);
      slots.add(JSON.stringify(encodeSlot(slotOfId(key))));
    }
  }
  return { field, parts, kept, slots: inValues(hiddenField.slot, [...slots]) };
}

interface KeptDocument {
  readonly id: string;
  readonly hit: Hit;
}

function partsOf(
  { of, hits, counted }: QueryList,
  field: string,
): { parts: DistinctPart[]; kept: KeptDocument[] } | null {
  const { asked } = of;
  if (asked.paging.mode !== 'offset' || asked.rankingScoreThreshold !== null) return null;
  if (asked.matchingStrategy === 'frequency' || distinctField(asked, of.settings) !== field) {
    return null;
  }
  const isMerged = of.semantic !== null && counted === of.semantic;
  const keptOf = (answers: readonly IndexAnswer[]): KeptDocument[] | null =>
    bucketsWalk(mergeInput(of, answers), field)?.map(({ hit }) => ({
      hit,
      id: `${answers[hit.source]?.physicalUid ?? ''}/${documentOf(hit, of.primaryKey)}`,
    })) ?? null;
  const reader = new FieldReader(field);
  const valuesOf = (documents: readonly KeptDocument[]): Set<string> =>
    new Set(documents.flatMap(({ hit }) => [...reader.valuesOf(hit).keys()]));
  const own = keptOf(of.answers);
  if (own === null) return null;
  const hasWords = (asked.q ?? '').trim() !== '';
  const byWords = hasWords && (of.semantic !== null || asked.hybrid === null);
  const request = byWords ? wordsOnly(of.query.request) : filterOnly(of.query.request);
  if (!isMerged) return { parts: [{ request, values: valuesOf(own) }], kept: own };
  const vectors = of.semantic === null ? null : keptOf(of.semantic);
  if (vectors === null) return null;
  // The halves' candidates are put together, less all that shares a value with a hit that was taken.
  const taken = valuesOf(hits);
  const left = [...own, ...vectors].filter(
    ({ hit }) => ![...reader.valuesOf(hit).keys()].some((value) => taken.has(value)),
  );
  return {
    parts: [
      { request, values: new Set([...valuesOf(own), ...taken]) },
      { request: filterOnly(asked), values: new Set([...valuesOf(vectors), ...taken]) },
    ],
    kept: [...hits, ...left],
  };
}

const noHits = unionRequest({ filtered: null, keywords: [], facets: null, ranked: 0 });

const filterOnly = ({ filter }: SearchRequest): SearchRequest => ({ ...noHits, filter });

function wordsOnly(request: SearchRequest): SearchRequest {
  const { q, filter, matchingStrategy } = request;
  const body: JsonObject = {};
  for (const name of ['q', 'matchingStrategy', 'attributesToSearchOn', 'locales'] as const) {
    const value = request.body[name];
    if (value !== undefined) body[name] = value;
  }
  return { ...noHits, q, filter, matchingStrategy, body };
}

/** The parts without the values of what they kept, as queries whose union is counted; null: too many. */
export function outsideKept(plan: DistinctPlan): SearchRequest[] | null {
  const requests: SearchRequest[] = [];
  for (const { request, values } of plan.parts) {
    const client = normalizeClientFilter(request.filter);
    const literals = countableValues([...values]);
    if (!client.ok || literals === null) return null;
    const shared = inValues(plan.field, literals);
    const filter: JsonValue =
      shared === null ? request.filter : [...client.parts, `NOT (${shared})`];
    requests.push({ ...request, filter });
  }
  return requests;
}

/** The search that lists the documents of a part that may be among those kept. */
export const partListing = (
  { request }: DistinctPart,
  plan: DistinctPlan,
  fields: readonly string[],
): SearchRequest => ({
  ...ownListing(request, [plan.field, ...fields], partListMax),
  ...(plan.slots === null ? {} : { ownFilter: plan.slots }),
});

export interface DistinctUnion {
  readonly plan: DistinctPlan;
  readonly settings: Settings;
  readonly primaryKey: string | null;
  /** To the union of the parts outside of what was kept. */
  readonly outside: readonly IndexAnswer[];
  /** The lists of the parts, in their order. */
  readonly lists: readonly (readonly IndexAnswer[])[];
  /** Documents that fell to a better hit of another query. */
  readonly rejected: ReadonlySet<string>;
  /** The facets that are counted; null for none. */
  readonly facets: readonly string[] | null;
}

/** Null where a list was cut, or a kept document is not in any. */
export function countDistinctUnion(union: DistinctUnion): Counted | null {
  const { plan, rejected, outside, settings } = union;
  const found = placeDocuments(union);
  if (found === null) return null;
  const added: Hit[] = [];
  const removed: Hit[] = [];
  for (const id of plan.kept) {
    const one = found.get(id);
    if (one === undefined) return null;
    if (rejected.has(id)) {
      if (one.isOutside) removed.push(one.hit);
    } else if (!one.isOutside) added.push(one.hit);
  }
  const sources = facetSources(outside);
  const matches = outside.reduce((sum, { bytes }) => sum + nodeTotal(splitAnswer(bytes).rest), 0);
  const total = matches + added.length - removed.length;
  if (union.facets === null) return { total, facets: null, approximate: [] };
  const fields = union.facets;
  const nodes: FacetSource[] = [...sources];
  for (const [hits, sign] of [
    [added, 1],
    [removed, -1],
  ] as const) {
    if (hits.length === 0) continue;
    const source = sourceOf(hits, fields);
    if (source === null) return null;
    nodes.push({ ...source, total: hits.length, sign, complete: new Set(fields) });
  }
  const facets = mergeFacets({ nodes, settings, total, distinct: null, omit: null });
  // What moves up in a list that was cut is not known.
  if (removed.length > 0 && facets.cut) return null;
  return { total, facets, approximate: facets.approximate };
}

/** Each listed document, and whether the union outside of what was kept has it. */
function placeDocuments({
  plan,
  lists,
  primaryKey,
}: DistinctUnion): Map<string, { hit: Hit; isOutside: boolean }> | null {
  const reader = new FieldReader(plan.field);
  const found = new Map<string, { hit: Hit; isOutside: boolean }>();
  for (const [i, answers] of lists.entries()) {
    const parts = answers.map(({ bytes }) => splitAnswer(bytes));
    const matches = parts.reduce((sum, { rest }) => sum + nodeTotal(rest), 0);
    if (matches > partListMax) return null;
    const merger = new HitMerger(parts);
    for (let hit = merger.next(); hit !== null; hit = merger.next()) {
      const id = `${answers[hit.source]?.physicalUid ?? ''}/${documentOf(hit, primaryKey)}`;
      const values = [...reader.valuesOf(hit).keys()];
      const isOutside = !values.some((value) => plan.parts[i]?.values.has(value) === true);
      const before = found.get(id);
      found.set(id, { hit, isOutside: isOutside || before?.isOutside === true });
    }
  }
  return found;
}
