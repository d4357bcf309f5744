import type { JsonValue, Settings } from '../fleet';
import { physicalMaxValuesPerFacet } from '../settings/physical-limits';
import { isHiddenField, memberOf } from './fields';
import { compareUtf8, facetNumberText, floatText, normalizeFacet } from './rust-text';
import type { ApproximateReason, JsonObject } from './types';

/** Below or at this many candidates the engine orders numeric facet values as texts. */
export const textOrderMax = 3000;

/** `facetDistribution` and `facetStats` of one answer of a node. */
export interface FacetSource {
  readonly distribution: JsonObject;
  readonly stats: JsonObject;
  /** The node's total, which decides how it ordered and cut its numeric values. */
  readonly total: number;
  /** -1 for counts that are to be taken away; 1 if absent. */
  readonly sign?: 1 | -1;
  /** Fields of which the first numbers are all listed, however long the list is. */
  readonly complete?: ReadonlySet<string>;
}

export interface FacetInput {
  readonly nodes: readonly FacetSource[];
  readonly settings: Settings;
  /** The merged total, which decides how one Meilisearch would order them. */
  readonly total: number;
  /** A field whose counts are one a value, since hits are distinct by it. */
  readonly distinct: string | null;
  /** A field that was asked for only by the merge and must not be shown. */
  readonly omit: string | null;
}

export interface MergedFacets {
  /** JSON text; members are in order although some keys look like integers. */
  readonly distribution: string;
  readonly stats: string;
  readonly approximate: readonly ApproximateReason[];
  /** Some node's list of values was as long as it may be, so that values may be missing in it. */
  readonly cut: boolean;
}

interface FacetValue {
  readonly shown: string;
  readonly normal: string;
  readonly number: number | null;
  count: number;
}

interface Range {
  min: number;
  max: number;
}

/**
 * Sums the counts by normalised value, orders and cuts them as one Meilisearch would with the
 * client's `faceting` settings, and joins the stats. A field is shown when any node knows it.
 */
export function mergeFacets(input: FacetInput): MergedFacets {
  const approximate = new Set<ApproximateReason>();
  const takesAway = input.nodes.some(({ sign }) => sign === -1);
  const listed = mergeStats(input);
  const ranges = takesAway ? new Map<string, Range>() : listed;
  const fields = [...new Set(input.nodes.flatMap((node) => Object.keys(node.distribution)))]
    .filter((field) => !isHiddenField(field) && field !== input.omit)
    .sort(compareUtf8);
  const distributions = fields.map((field) => {
    const values = sumValues(input, field, approximate);
    if (takesAway) noteRange(ranges, field, values);
    noteCaps(input, field, values, approximate);
    const shown = orderAndCut(input, field, values);
    noteTies(input, field, shown, approximate);
    return `${JSON.stringify(field)}:${distributionText(shown)}`;
  });
  const stats = [...ranges.entries()]
    .filter(([field]) => !isHiddenField(field) && field !== input.omit)
    .sort(([a], [b]) => compareUtf8(a, b))
    .map(
      ([field, range]) =>
        `${JSON.stringify(field)}:{"min":${floatText(range.min)},"max":${floatText(range.max)}}`,
    );
  return {
    distribution: `{${distributions.join(',')}}`,
    stats: `{${stats.join(',')}}`,
    approximate: [...approximate],
    cut: input.nodes.some(({ distribution, complete }) =>
      Object.entries(distribution).some(
        ([field, counts]) =>
          complete?.has(field) !== true &&
          sizeOf(counts) >= physicalMaxValuesPerFacet(input.settings),
      ),
    ),
  };
}

/** The least and the greatest number that is left when counts were taken away. */
function noteRange(ranges: Map<string, Range>, field: string, values: readonly FacetValue[]): void {
  const numbers = values.flatMap(({ number }) => (number === null ? [] : [number]));
  if (numbers.length === 0) return;
  ranges.set(field, {
    min: numbers.reduce((a, b) => Math.min(a, b)),
    max: numbers.reduce((a, b) => Math.max(a, b)),
  });
}

function mergeStats(input: FacetInput): Map<string, Range> {
  const ranges = new Map<string, Range>();
  for (const { stats } of input.nodes) {
    for (const [field, value] of Object.entries(stats)) {
      const min = Number(memberOf(value, 'min'));
      const max = Number(memberOf(value, 'max'));
      const range = ranges.get(field);
      if (range === undefined) ranges.set(field, { min, max });
      else {
        range.min = Math.min(range.min, min);
        range.max = Math.max(range.max, max);
      }
    }
  }
  return ranges;
}

function sumValues(
  input: FacetInput,
  field: string,
  approximate: Set<ApproximateReason>,
): FacetValue[] {
  const values = new Map<string, FacetValue>();
  for (const { distribution, stats, sign = 1 } of input.nodes) {
    const counts = distribution[field];
    const range = rangeOf(stats[field]);
    if (typeof counts !== 'object' || counts === null || Array.isArray(counts)) continue;
    for (const [shown, listed] of Object.entries(counts)) {
      if (typeof listed !== 'number') continue;
      const count = sign * listed;
      const number = numberOf(shown, range);
      const normal = number === null ? normalizeFacet(shown) : shown;
      const key = kindKey(normal, number);
      const value = values.get(key);
      if (value === undefined) {
        values.set(key, { shown, normal, number, count });
        continue;
      }
      value.count += count;
      // The engine shows the spelling of the document inserted first; the first node's stands for it.
      if (value.shown !== shown) approximate.add('facet-spelling');
    }
  }
  if (field === input.distinct) for (const value of values.values()) value.count = 1;
  return [...values.values()].filter(({ count }) => count > 0);
}

const kindKey = (normal: string, number: number | null): string =>
  `${number === null ? 's' : 'n'}${normal}`;

/** The numbers among the values that one node lists of a field. */
export function numbersOf(counts: JsonObject, stats: JsonValue | undefined): number[] {
  const range = rangeOf(stats);
  return Object.keys(counts)
    .map((shown) => numberOf(shown, range))
    .filter((number) => number !== null);
}

/** The values that one node lists of a field: normalised, each after a letter for its kind. */
export function listedValues(counts: JsonObject, stats: JsonValue | undefined): string[] {
  const range = rangeOf(stats);
  return Object.keys(counts).map((shown) => {
    const number = numberOf(shown, range);
    return kindKey(number === null ? normalizeFacet(shown) : shown, number);
  });
}

function rangeOf(stats: JsonValue | undefined): Range | null {
  const min = memberOf(stats, 'min');
  const max = memberOf(stats, 'max');
  return typeof min === 'number' && typeof max === 'number' ? { min, max } : null;
}

/**
 * The kind of a value is not in the answer. A key is a number when the node's field has numbers, the key is
 * spelled as the engine spells a number, and it lies within the stats.
 */
function numberOf(shown: string, range: Range | null): number | null {
  if (range === null) return null;
  const first = shown.charCodeAt(0);
  if (first !== 0x2d && (first < 0x30 || first > 0x39)) return null;
  const number = Number(shown);
  if (!Number.isFinite(number) || number < range.min || number > range.max) return null;
  return facetNumberText(number) === shown ? number : null;
}

export function facetOrder(settings: Settings, field: string): 'alpha' | 'count' {
  const orders = memberOf(settings['faceting'], 'sortFacetValuesBy');
  const order = memberOf(orders, field) ?? memberOf(orders, '*');
  return order === 'count' ? 'count' : 'alpha';
}

export function maxValuesPerFacet(settings: Settings): number {
  const max = memberOf(settings['faceting'], 'maxValuesPerFacet');
  return typeof max === 'number' ? max : 100;
}

/** Numbers always stand before strings, whichever the order. */
function orderAndCut(input: FacetInput, field: string, values: FacetValue[]): FacetValue[] {
  const byCount = facetOrder(input.settings, field) === 'count';
  const asText = !byCount && input.total <= textOrderMax;
  const numbers = values.filter((value) => value.number !== null);
  const texts = values.filter((value) => value.number === null);
  numbers.sort((a, b) => {
    if (asText) return compareUtf8(a.shown, b.shown);
    const order = (a.number ?? 0) - (b.number ?? 0);
    return byCount ? b.count - a.count || -order : order;
  });
  texts.sort((a, b) => {
    const order = compareUtf8(a.normal, b.normal);
    return byCount ? b.count - a.count || -order : order;
  });
  const max = maxValuesPerFacet(input.settings);
  const keptNumbers = numbers.slice(0, max);
  // Past the text-order bound the engine stops only on reaching the maximum exactly, so numbers that
  // fill it leave the strings uncut.
  const uncut = !asText && numbers.length >= max && max > 0;
  return [...keptNumbers, ...(uncut ? texts : texts.slice(0, max - keptNumbers.length))];
}

const distributionText = (values: readonly FacetValue[]): string => {
  const counts = new Map<string, number>();
  // A number and a string that are spelled alike share one key; the string is written last.
  for (const value of values) counts.set(value.shown, value.count);
  const members = [...counts].map(([shown, count]) => `${JSON.stringify(shown)}:${String(count)}`);
  return `{${members.join(',')}}`;
};

/**
 * A node sends no more values than its own maximum. In alphabetic order the global first values are
 * among each node's first; by count they need not be, and numbers need not be where the node ordered
 * them as texts and one Meilisearch, with more candidates, would order them as numbers.
 */
function noteCaps(
  input: FacetInput,
  field: string,
  values: readonly FacetValue[],
  approximate: Set<ApproximateReason>,
): void {
  if (input.nodes.length < 2) return;
  const cap = physicalMaxValuesPerFacet(input.settings);
  const capped = input.nodes.filter(
    ({ distribution, complete }) =>
      complete?.has(field) !== true && sizeOf(distribution[field]) >= cap,
  );
  if (capped.length === 0) return;
  if (facetOrder(input.settings, field) === 'count') approximate.add('facet-capped');
  else if (
    input.total > textOrderMax &&
    values.some((value) => value.number !== null) &&
    capped.some((node) => node.total <= textOrderMax)
  ) {
    approximate.add('facet-numeric-order');
  }
}

/**
 * By count, equal counts stand in an order that depends on how the engine's facet tree is grouped, and
 * so on all documents. It is said only where the cut or the order could show it.
 */
function noteTies(
  input: FacetInput,
  field: string,
  shown: readonly FacetValue[],
  approximate: Set<ApproximateReason>,
): void {
  if (input.nodes.length < 2 || facetOrder(input.settings, field) !== 'count') return;
  const kinds = shown.map((value) => `${String(value.number === null)}${String(value.count)}`);
  if (new Set(kinds).size < kinds.length) approximate.add('facet-ties');
}

const sizeOf = (value: JsonValue | undefined): number =>
  typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
