/** `facetDistribution` and `facetStats` of a search. */
import { ApiError } from '../errors';
import { compareUtf8 } from '../engine/fields';
import { float } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import type { FacetField, FacetIndex } from '../filter/facet-index';
import {
  isFilterable,
  isWithin,
  matchField,
  matchPattern,
  matchRule,
  matchingRule,
  patternsWith,
} from '../filter/rules';
import type { FilterableRule } from '../filter/rules';

export type FacetOrder = 'alpha' | 'count';

export interface FacetingSettings {
  readonly maxValuesPerFacet: number;
  readonly sortFacetValuesBy: Readonly<Record<string, FacetOrder>>;
}

/** Up to so many candidates Meilisearch counts document by document, and sorts numbers as text. */
const COUNTED_ONE_BY_ONE = 3000;

/** A number as Rust prints it: without exponent, `1` for 1.0. */
export function displayNumber(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  if (!text.includes('e')) return text;
  if (Math.abs(value) >= 1) return BigInt(value).toString();
  const [mantissa = '', exponent = '0'] = text.replace(/^-/, '').split('e-');
  const digits = `${'0'.repeat(Number(exponent) - 1)}${mantissa.replace('.', '')}`;
  return `${value < 0 ? '-' : ''}0.${digits}`;
}

interface Counted {
  readonly shown: string;
  readonly count: number;
}

interface Counts {
  readonly numbers: Map<number, number>;
  /** By normalised value; the spelling is that of the lowest docid. */
  readonly strings: Map<string, Counted>;
}

function countValues(field: FacetField, candidates: ReadonlySet<number>): Counts {
  const numbers = new Map<number, number>();
  const strings = new Map<string, Counted & { count: number; docid: number; shown: string }>();
  const few = candidates.size < field.byDocument.size ? candidates : field.byDocument.keys();
  for (const docid of few) {
    const facets = candidates.has(docid) ? field.byDocument.get(docid) : undefined;
    if (facets === undefined) continue;
    for (const value of facets.numbers) numbers.set(value, (numbers.get(value) ?? 0) + 1);
    for (const [normalized, original] of facets.strings) {
      const found = strings.get(normalized);
      if (found === undefined) strings.set(normalized, { shown: original, count: 1, docid });
      else {
        found.count += 1;
        if (docid < found.docid) [found.docid, found.shown] = [docid, original];
      }
    }
  }
  return { numbers, strings };
}

/** Values in alphabetical order; numbers first, as text where there are few candidates. */
function alphabetical(counts: Counts, max: number, few: boolean): Map<string, number> {
  const numbers = [...counts.numbers].sort(([left], [right]) =>
    few ? compareUtf8(displayNumber(left), displayNumber(right)) : left - right,
  );
  const strings = [...counts.strings].sort(([left], [right]) => compareUtf8(left, right));
  return cut(
    numbers.map(([value, count]) => ({ shown: displayNumber(value), count })),
    strings.map(([, counted]) => counted),
    { max, few },
  );
}

/** Values by count, the highest first; ties by value, descending. Numbers first. */
function byCount(counts: Counts, max: number): Map<string, number> {
  const numbers = [...counts.numbers].sort(
    ([left, leftCount], [right, rightCount]) => rightCount - leftCount || right - left,
  );
  const strings = [...counts.strings].sort(
    ([left, a], [right, b]) => b.count - a.count || compareUtf8(right, left),
  );
  return cut(
    numbers.map(([value, count]) => ({ shown: displayNumber(value), count })),
    strings.map(([, counted]) => counted),
    { max, few: false },
  );
}

/**
 * The first `max` values. With many candidates Meilisearch tests the limit only after each value,
 * so numbers that fill it exactly leave the strings without a limit.
 */
function cut(
  numbers: readonly Counted[],
  strings: readonly Counted[],
  { max, few }: { readonly max: number; readonly few: boolean },
): Map<string, number> {
  const result = new Map<string, number>();
  if (few) {
    for (const { shown, count } of numbers.slice(0, max)) result.set(shown, count);
    for (const { shown, count } of strings.slice(0, Math.max(0, max - result.size))) {
      result.set(shown, count);
    }
    return result;
  }
  for (const list of [numbers, strings]) {
    for (const { shown, count } of list) {
      result.set(shown, count);
      if (result.size === max) break;
    }
  }
  return result;
}

/** Whether what a facet names and what a rule names have something in common. */
function overlaps(rule: FilterableRule, facet: string): boolean {
  return rule.patterns.some((pattern) => {
    if (matchPattern(facet, pattern) !== 'none') return true;
    if (rule.isField) return matchField(facet, pattern) !== 'none';
    return matchPattern(pattern, facet) !== 'none';
  });
}

/** Refuses facets that may not be asked for. Throws invalid_search_facets. */
function checkFacets(facets: readonly string[], index: FacetIndex): void {
  for (const facet of facets) {
    const refusing = index.rules.findIndex((rule) =>
      isFilterable(rule.features) ? overlaps(rule, facet) : matchRule(rule, facet) === 'match',
    );
    const rule = index.rules[refusing];
    if (rule !== undefined && isFilterable(rule.features)) continue;
    const reason =
      rule === undefined ? unknownFacet(facet, index) : forbiddenFacet(facet, refusing);
    throw new ApiError('invalid_search_facets', `Invalid facet distribution: ${reason}`);
  }
}

function forbiddenFacet(facet: string, rule: number): string {
  return [
    `Attribute \`${facet}\` matched rule #${rule} in filterableAttributes, but this rule does not enable filtering.`,
    `Hint: enable filtering in rule #${rule} by modifying the features.filter object`,
    `Hint: prepend another rule matching \`${facet}\` with appropriate filter features before rule #${rule}`,
  ].join('\n');
}

function unknownFacet(facet: string, index: FacetIndex): string {
  const patterns = patternsWith(index.rules, isFilterable);
  if (patterns.length === 0) {
    return `Pattern \`${facet}\` is not filterable. This index does not have configured filterable attributes.`;
  }
  return `Pattern \`${facet}\` is not filterable. Available filterable attributes patterns are: \`${patterns.join(', ')}\`.`;
}

export interface FacetAnswer {
  readonly distribution: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly stats: JsonObject;
}

/** Counts the values of the asked facets (names or patterns) among the candidates. Throws `ApiError`. */
export function computeFacets(
  facets: readonly string[],
  index: FacetIndex,
  candidates: ReadonlySet<number>,
  settings: FacetingSettings,
): FacetAnswer {
  checkFacets(facets, index);
  const defaultOrder = settings.sortFacetValuesBy['*'] ?? 'alpha';
  const isKnown = (name: string): boolean => {
    const rule = matchingRule(name, index.rules);
    return rule !== null && isFilterable(rule.features);
  };
  const known = [...index.fields.keys()].filter(isKnown).sort(compareUtf8);
  const named = new Set(
    known.filter((name) => facets.some((facet) => matchPattern(facet, name) === 'match')),
  );
  const names = known.filter((name) => [...named].some((parent) => isWithin(name, parent)));
  const distribution = new Map<string, ReadonlyMap<string, number>>();
  const stats = new Map<string, Json>();
  for (const name of names) {
    const field = index.fields.get(name);
    if (field === undefined) continue;
    const counts = countValues(field, candidates);
    const order = (named.has(name) ? settings.sortFacetValuesBy[name] : undefined) ?? defaultOrder;
    const max = settings.maxValuesPerFacet;
    distribution.set(
      name,
      order === 'count'
        ? byCount(counts, max)
        : alphabetical(counts, max, candidates.size <= COUNTED_ONE_BY_ONE),
    );
    if (counts.numbers.size > 0) stats.set(name, minAndMax([...counts.numbers.keys()]));
  }
  return { distribution, stats };
}

function minAndMax(values: readonly number[]): Json {
  let [min, max] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return new Map<string, Json>([
    ['min', float(min)],
    ['max', float(max)],
  ]);
}
