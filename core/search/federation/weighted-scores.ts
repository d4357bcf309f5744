import type { JsonValue } from '../../fleet';
import { hiddenRankingRule } from '../../hidden-fields';
import { compareSortValues } from '../details';
import type { Details, RuleDetails } from '../details';

/** One step by which hits of different queries are compared. */
export type WeightedValue =
  | { readonly kind: 'score'; readonly score: number }
  | { readonly kind: 'sort'; readonly ascending: boolean; readonly value: JsonValue }
  | { readonly kind: 'geo'; readonly ascending: boolean; readonly distance: number | null };

/** A hit's values in the order of its rules, and its `_rankingScore` times the query's weight. */
export interface Weighted {
  readonly values: readonly WeightedValue[];
  readonly global: number;
}

/** A place among `max` places, `max` being the best. */
interface Rank {
  readonly rank: number;
  readonly max: number;
}

export interface WeighInput {
  readonly details: Details;
  /** `_rankingScore` as the node computed it. */
  readonly score: number;
  readonly weight: number;
  /** Number of searchable attributes less one, 0 when all are searchable alike. */
  readonly attributeWeightMax: number;
  /** Words of the query, where no rule tells how many were matched. */
  readonly queryWords: number;
  /** By number of matched words, the greatest `maxTypoCount` that any node told. */
  readonly typoMax: ReadonlyMap<number, number>;
}

/**
 * Rules that only rank are folded into one score up to the next rule that sorts by a value. Where all
 * of them stand together their score is the node's `_rankingScore`. Where a sort parts them, the score
 * of each part is made from the details, in which the number of places of `proximity` and of the
 * attribute rules must be taken from the number of words.
 *
 * A node allows for fewer typos than one Meilisearch would, where none of its documents has two words of
 * the query joined; its score is then made anew with what another node allows for.
 */
export function weigh(input: WeighInput): Weighted {
  const told = input.details.filter(([rule]) => rule !== hiddenRankingRule);
  const terms = matchedWords(told) ?? input.queryWords;
  const rules = allowTypos(told, input.typoMax.get(terms) ?? 0);
  const groups = groupRules(rules);
  const whole = rules === told && groups.filter(isRanks).length === 1;
  const fold = (group: Rules): number =>
    foldRanks(group.flatMap((rule) => ranksOf(rule, terms, input.attributeWeightMax)));
  const values = groups.map((group): WeightedValue => {
    if (!isRanks(group)) {
      return group.kind === 'score' ? { ...group, score: group.score * input.weight } : group;
    }
    const score = whole ? input.score : fold(group);
    return { kind: 'score', score: score * input.weight };
  });
  const global = rules === told ? input.score : fold(groups.filter(isRanks).flat());
  return { values, global: global * input.weight };
}

/** How many words of the query the document matches, by which the later rules count. */
export function matchedWords(rules: Details): number | null {
  for (const [name, member] of [
    ['words', 'matchingWords'],
    ['exactness', 'maxMatchingWords'],
  ]) {
    const value = rules.find(([rule]) => rule === name)?.[1][member ?? ''];
    if (typeof value === 'number') return value;
  }
  return null;
}

/** The same list where the node allows for as many typos as any. */
function allowTypos(rules: Details, typoMax: number): Details {
  const typo = rules.find(([rule]) => rule === 'typo')?.[1];
  if (typo === undefined || numberOf(typo['maxTypoCount'], 0) >= typoMax) return rules;
  return rules.map((entry) =>
    entry[0] === 'typo' ? ['typo', { ...typo, maxTypoCount: typoMax }] : entry,
  );
}

type Rules = Details[number][];

const isRanks = (group: Rules | WeightedValue): group is Rules => Array.isArray(group);

function groupRules(rules: Details): (Rules | WeightedValue)[] {
  const groups: (Rules | WeightedValue)[] = [];
  let ranks: Rules | null = null;
  for (const entry of rules) {
    const value = valueOf(entry);
    if (value !== null) {
      groups.push(value);
      ranks = null;
    } else if (ranks === null) {
      ranks = [entry];
      groups.push(ranks);
    } else {
      ranks.push(entry);
    }
  }
  return groups;
}

/** Null for a rule that only ranks. */
function valueOf([rule, details]: Details[number]): WeightedValue | null {
  if (rule === 'vectorSort') {
    return { kind: 'score', score: numberOf(details['similarity'], 0) };
  }
  if (!/:(?:asc|desc)$/.test(rule)) return null;
  const ascending = rule.endsWith(':asc');
  if (!rule.startsWith('_geoPoint(')) {
    return { kind: 'sort', ascending, value: details['value'] ?? null };
  }
  const distance = details['distance'];
  return { kind: 'geo', ascending, distance: typeof distance === 'number' ? distance : null };
}

const numberOf = (value: JsonValue | undefined, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise;

/** The engine counts in 32 bits and lets the product overflow; so does this, to give its score. */
function foldRanks(ranks: readonly Rank[]): number {
  let rank = 1;
  let max = 1;
  for (const inner of ranks) {
    rank = (Math.imul(Math.max(0, rank - 1), inner.max) + inner.rank) >>> 0;
    max = Math.imul(max, inner.max) >>> 0;
  }
  return rank / max;
}

function ranksOf(
  [rule, details]: Details[number],
  terms: number,
  attributeWeightMax: number,
): Rank[] {
  const scored = (max: number, member = 'score'): Rank => ({
    rank: Math.round(numberOf(details[member], 0) * max),
    max,
  });
  switch (rule) {
    case 'words':
      return [
        {
          rank: numberOf(details['matchingWords'], 1),
          max: numberOf(details['maxMatchingWords'], 1),
        },
      ];
    case 'typo': {
      const max = numberOf(details['maxTypoCount'], 0) + 1;
      return [{ rank: Math.max(0, max - numberOf(details['typoCount'], 0)), max }];
    }
    case 'proximity':
      return [scored(1 + 3 * Math.max(0, terms - 1))];
    case 'attributeRank':
      return [scored(1 + attributeWeightMax * terms)];
    case 'wordPosition':
      return [scored(1 + 10 * terms)];
    case 'attribute':
      return [
        scored(1 + attributeWeightMax * terms, 'attributeRankingOrderScore'),
        scored(1 + 10 * terms, 'queryWordDistanceScore'),
      ];
    case 'exactness':
      return exactnessRanks(details, terms);
    case 'skipped':
      return [{ rank: 0, max: 1 }];
    default:
      return [];
  }
}

const exactMatches: Readonly<Record<string, number>> = { exactMatch: 3, matchesStart: 2 };

function exactnessRanks(details: RuleDetails, terms: number): Rank[] {
  const kind = exactMatches[String(details['matchType'])];
  const max = 1 + numberOf(details['maxMatchingWords'], terms);
  // The words are shown only where nothing matches exactly; all match in the other two kinds.
  const matching = kind === undefined ? 1 + numberOf(details['matchingWords'], 0) : max;
  return [
    { rank: kind ?? 1, max: 3 },
    { rank: matching, max },
  ];
}

/**
 * Positive when `a` is better, 0 when nothing tells them apart. Where two steps cannot be compared,
 * the hit with more steps left is better, then the one with the greater global score.
 *
 * The engine compares distances without looking at the direction, so that of two indexes sorted by
 * rising distance it shows the farthest hit first. Here the direction counts.
 */
export function compareWeighted(a: Weighted, b: Weighted): number {
  for (let i = 0; ; i++) {
    const left = a.values[i];
    const right = b.values[i];
    if (left === undefined || right === undefined) return left ? 1 : right ? -1 : 0;
    const order = compareValues(left, right);
    if (order === null) {
      return a.values.length - b.values.length || a.global - b.global;
    }
    if (order !== 0) return order;
  }
}

/** Null when the two steps are of different kinds or directions. */
function compareValues(a: WeightedValue, b: WeightedValue): number | null {
  if (a.kind === 'score' && b.kind === 'score') return near(a.score, b.score);
  if (a.kind === 'sort' && b.kind === 'sort' && a.ascending === b.ascending) {
    return -compareSortValues(a.ascending, a.value, b.value);
  }
  if (a.kind === 'geo' && b.kind === 'geo' && a.ascending === b.ascending) {
    if (a.distance === null || b.distance === null) {
      return Number(a.distance !== null) - Number(b.distance !== null);
    }
    return a.ascending ? near(b.distance, a.distance) : near(a.distance, b.distance);
  }
  return null;
}

/** Scores closer than a float's precision are equal, as the engine has it. */
const near = (a: number, b: number): number => (Math.abs(a - b) <= Number.EPSILON ? 0 : a - b);
