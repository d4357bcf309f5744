import type { JsonValue } from '../fleet';
import { compareUtf8 } from './rust-text';

/** The members of one rule of `_rankingScoreDetails`. */
export type RuleDetails = { readonly [member: string]: JsonValue };
/** Rule name and details, by rising `order`. */
export type Details = readonly (readonly [rule: string, details: RuleDetails])[];

/** Turns the object of one hit into a list in the order in which the rules were applied. */
export function detailsList(object: { readonly [rule: string]: RuleDetails }): Details {
  const list = Object.entries(object);
  for (let i = 1; i < list.length; i++) {
    if (orderOf(list[i - 1]) > orderOf(list[i]))
      return list.sort((a, b) => orderOf(a) - orderOf(b));
  }
  return list;
}

const orderOf = (entry: readonly [string, RuleDetails] | undefined): number =>
  number(entry?.[1]['order']);

/**
 * The order of two hits of one logical query, told from their ranking details alone. Negative when
 * `a` comes first, 0 when no rule tells them apart.
 *
 * Rules are compared one by one and never by `_rankingScore`: a score divides by the size of a graph
 * that depends on each node's words, so equal documents get different scores on different nodes.
 * For the same reason typos are compared by count, words and exactness by words matched. Equal ranks
 * print as the same shortest decimal, so floats are compared exactly.
 */
export function compareDetails(a: Details, b: Details): number {
  const length = Math.max(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a[i];
    const right = b[i];
    // The side that was ranked by more rules comes first.
    if (left === undefined || right === undefined) return left ? -1 : right ? 1 : 0;
    if (left[0] === 'skipped' || right[0] === 'skipped') {
      if (left[0] === right[0]) continue;
      return left[0] === 'skipped' ? 1 : -1;
    }
    const order = compareRule(left[0], left[1], right[1]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareRule(rule: string, a: RuleDetails, b: RuleDetails): number {
  switch (rule) {
    case 'words':
      return number(b['matchingWords']) - number(a['matchingWords']);
    case 'typo':
      return number(a['typoCount']) - number(b['typoCount']);
    case 'proximity':
    case 'attributeRank':
    case 'wordPosition':
      return number(b['score']) - number(a['score']);
    case 'attribute':
      return (
        number(b['attributeRankingOrderScore']) - number(a['attributeRankingOrderScore']) ||
        number(b['queryWordDistanceScore']) - number(a['queryWordDistanceScore'])
      );
    case 'exactness':
      return compareExactness(a, b);
    case 'vectorSort':
      return compareNumbers(false, a['similarity'], b['similarity']);
    default: {
      const ascending = rule.endsWith(':asc');
      return rule.startsWith('_geoPoint(')
        ? compareNumbers(ascending, a['distance'], b['distance'])
        : compareSortValues(ascending, a['value'], b['value']);
    }
  }
}

const matchTypes: Readonly<Record<string, number>> = {
  exactMatch: 3,
  matchesStart: 2,
  noExactMatch: 1,
};

function compareExactness(a: RuleDetails, b: RuleDetails): number {
  const kinds = matchType(b) - matchType(a);
  if (kinds !== 0 || a['matchType'] !== 'noExactMatch') return kinds;
  return number(b['matchingWords']) - number(a['matchingWords']);
}

const matchType = (details: RuleDetails): number => matchTypes[String(details['matchType'])] ?? 0;

/** Nulls are last in both directions. */
function compareNumbers(
  ascending: boolean,
  a: JsonValue | undefined,
  b: JsonValue | undefined,
): number {
  if (typeof a !== 'number') return typeof b === 'number' ? 1 : 0;
  if (typeof b !== 'number') return -1;
  return ascending ? a - b : b - a;
}

/**
 * Values of a sort rule. In both directions numbers come before strings and nulls last; strings are
 * already normalised by the node and are compared by their UTF-8 bytes.
 */
export function compareSortValues(
  ascending: boolean,
  a: JsonValue | undefined,
  b: JsonValue | undefined,
): number {
  const kinds = valueKind(a) - valueKind(b);
  if (kinds !== 0) return kinds;
  if (typeof a === 'number' && typeof b === 'number') return ascending ? a - b : b - a;
  if (typeof a === 'string' && typeof b === 'string') {
    const order = compareUtf8(a, b);
    return ascending ? order : -order;
  }
  return 0;
}

const valueKind = (value: JsonValue | undefined): number =>
  typeof value === 'number' ? 0 : typeof value === 'string' ? 1 : 2;

const number = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : 0);
