import type { JsonValue } from '../fleet';
import { physicalMaxValuesPerFacet } from '../settings/physical-limits';
import { facetOrder, maxValuesPerFacet, mergeFacets, numbersOf, textOrderMax } from './facets';
import type { FacetSource, MergedFacets } from './facets';
import { distinctField } from './fields';
import { splitAnswer } from './hits';
import { searchKind } from './kind';
import { nodeTotal } from './merge';
import type { JsonObject, MergeInput, NodeAnswer } from './types';

/**
 * Numbers among alphabetic facets. A node with at most 3,000 candidates orders them as texts and cuts its
 * list, while one Meilisearch with more candidates orders them as numbers: the first of these may be
 * missing in a node's list. The nodes are asked again for the values below one that the global list
 * cannot reach beyond, until no list is cut.
 */
export interface NumbersWanted {
  readonly field: string;
  /** No value above this one is among the first of the whole index. */
  readonly bound: number;
}

/** The lists that stand in for those of the answers, by field and place of the answer. */
export type NumberLists = ReadonlyMap<string, readonly JsonObject[]>;

/** The facets of each answer as the merge takes them. */
export function facetSources(answers: readonly NodeAnswer[]): FacetSource[] {
  return answers.map(({ bytes }) => {
    const { rest } = splitAnswer(bytes);
    return {
      distribution: objectOf(rest['facetDistribution']),
      stats: objectOf(rest['facetStats']),
      total: nodeTotal(rest),
    };
  });
}

/** The facets of which numbers may be missing; none where the counts are not plain sums. */
export function numbersWanted(input: MergeInput): NumbersWanted[] {
  const { request, settings, answers } = input;
  if ((request.facets ?? []).length === 0 || answers.length < 2) return [];
  if (distinctField(request, settings) !== null || searchKind(request) === 'hybrid') return [];
  if (request.rankingScoreThreshold !== null || request.matchingStrategy === 'frequency') return [];
  const sources = facetSources(answers);
  if (totalOf(sources) <= textOrderMax) return [];
  const fields = [...new Set(sources.flatMap(({ distribution }) => Object.keys(distribution)))];
  return fields.flatMap((field) => {
    if (facetOrder(settings, field) === 'count') return [];
    if (!sources.some((one) => isCutAsTexts(input, one, field))) return [];
    // Texts stand after the numbers, and a list that was cut may lack them.
    if (sources.some((one) => hasTexts(one, field))) return [];
    const bound = boundOf(
      input,
      sources.map((one) => objectOf(one.distribution[field])),
    );
    return bound === null ? [] : [{ field, bound }];
  });
}

const totalOf = (sources: readonly FacetSource[]): number =>
  sources.reduce((sum, { total }) => sum + total, 0);

function isCutAsTexts(input: MergeInput, source: FacetSource, field: string): boolean {
  const listed = Object.keys(objectOf(source.distribution[field])).length;
  return source.total <= textOrderMax && listed >= physicalMaxValuesPerFacet(input.settings);
}

function hasTexts(source: FacetSource, field: string): boolean {
  const counts = objectOf(source.distribution[field]);
  return numbersOf(counts, source.stats[field]).length < Object.keys(counts).length;
}

/** The last of the first values of all lists together; null where they do not fill the global list. */
function boundOf(input: MergeInput, lists: readonly JsonObject[]): number | null {
  const known = new Set(lists.flatMap((counts) => Object.keys(counts).map(Number)));
  const ordered = [...known].sort((a, b) => a - b);
  return ordered[maxValuesPerFacet(input.settings) - 1] ?? null;
}

/** What the nodes answered when they were asked for the values below the bound, and for it alone. */
export interface NumbersAnswer {
  readonly below: readonly NodeAnswer[];
  readonly equal: readonly NodeAnswer[];
}

/**
 * Takes over what the nodes said. `next`: a smaller bound to ask for, as some list was cut again; null
 * when all are complete. Null for answers that are not of the nodes that were asked first.
 */
export function takeNumbers(
  input: MergeInput,
  { field, bound }: NumbersWanted,
  { below, equal }: NumbersAnswer,
): { readonly lists: readonly JsonObject[]; readonly next: NumbersWanted | null } | null {
  const nodes = input.answers.map(({ node }) => node);
  const same = (answers: readonly NodeAnswer[]): boolean =>
    answers.length === nodes.length && answers.every(({ node }, i) => node === nodes[i]);
  if (!same(below) || !same(equal)) return null;
  const first = facetSources(input.answers);
  const lower = facetSources(below);
  const atBound = facetSources(equal);
  const cap = physicalMaxValuesPerFacet(input.settings);
  let cut = false;
  const lists = first.map((source, i) => {
    const own = objectOf(source.distribution[field]);
    if (!isCutAsTexts(input, source, field)) return own;
    const found = objectOf(lower[i]?.distribution[field]);
    cut ||= Object.keys(found).length >= cap;
    const last = objectOf(atBound[i]?.distribution[field]);
    return Object.fromEntries([
      ...Object.entries(found).filter(([value]) => Number(value) < bound),
      ...Object.entries(last).filter(([value]) => Number(value) === bound),
    ]);
  });
  if (!cut) return { lists, next: null };
  const smaller = boundOf(input, lists);
  return smaller === null || smaller >= bound ? null : { lists, next: { field, bound: smaller } };
}

/** The merged facets, with the complete lists in the places of those that were cut. */
export function facetsWithNumbers(
  input: MergeInput,
  lists: NumberLists,
): { readonly total: number; readonly facets: MergedFacets } {
  const sources = facetSources(input.answers);
  const total = totalOf(sources);
  const nodes = sources.map((source, i) => ({
    ...source,
    complete: new Set(lists.keys()),
    distribution: {
      ...source.distribution,
      ...Object.fromEntries([...lists].map(([field, all]) => [field, all[i] ?? {}])),
    },
  }));
  const { settings } = input;
  return { total, facets: mergeFacets({ nodes, settings, total, distinct: null, omit: null }) };
}

const objectOf = (value: JsonValue | undefined): JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
