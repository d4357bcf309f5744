import { hiddenRankingRule } from '../hidden-fields';
import { keyBytes, spanText } from './answer-bytes';
import { compareSortValues } from './details';
import type { Details, RuleDetails } from './details';
import { DistinctFilter } from './distinct';
import { distinctField, hitsNeeded, strings } from './fields';
import { findLast, scoreKey } from './hits';
import type { Hit } from './hits';
import { cutToWindow, finishAnswer, mergeList } from './merge';
import { excludesWords, isSemanticHit, keepsWords, marksWords } from './semantic-half';
import type { ApproximateReason, MergeInput, MergeOutput, NodeAnswer } from './types';

/** A keyword hit this good at ratio 0.5 stands for 0.9: the engine then asks no embedder. */
const goodEnough = 0.45;

/**
 * Whether the keyword half alone is good enough, as the engine decides it: as many hits as the window
 * reaches to, each with a high enough score. Then the semantic half need not be asked.
 * `input.answers` are the answers to the keyword half.
 */
export function keywordIsEnough(input: MergeInput): boolean {
  return isEnough(input, mergeList(input).hits);
}

function isEnough(input: MergeInput, hits: readonly Hit[]): boolean {
  const weight = Math.fround(1 - ratioOf(input));
  if (hits.length < hitsNeeded(input.request, input.settings)) return false;
  return hits.every((hit) => globalScore(hit) * weight >= goodEnough);
}

const ratioOf = (input: MergeInput): number =>
  Math.fround(input.request.hybrid?.semanticRatio ?? 0.5);

/**
 * Merges the two halves of a hybrid search by the engine's own rule, applied to the whole index: nodes
 * that decided alone would each take another share of semantic hits. `input.answers` are the answers to
 * the keyword half; `semantic` those to the semantic half, or null when it was not needed or the query
 * could not be embedded (the engine then answers the keyword hits).
 */
export function mergeHybrid(
  input: MergeInput,
  semantic: readonly NodeAnswer[] | null,
): MergeOutput {
  const keyword = mergeList(input);
  if (semantic === null || isEnough(input, keyword.hits)) {
    return finishAnswer(input, {
      list: keyword,
      shown: cutToWindow(input, keyword.hits),
      semantic: 0,
    });
  }
  const vectors = mergeList({ ...input, answers: semantic }, isSemanticHit);
  const merged = interleave(input, vectors.hits, keyword.hits);
  const shown = cutToWindow(
    input,
    merged.map(({ hit }) => hit),
  );
  const shownSet = new Set(shown);
  const semanticHits = merged.filter((one) => one.semantic && shownSet.has(one.hit)).length;
  // Every document of the filtered index is a candidate of the semantic half, so its totals and
  // facets are those of the union.
  const approximate = new Set<ApproximateReason>([...vectors.approximate, ...keyword.approximate]);
  if (!keepsWords(input.request, input.settings)) {
    if (semanticHits > 0 && marksWords(input.request)) approximate.add('semantic-highlight');
    if (excludesWords(input.request)) approximate.add('semantic-negation');
  }
  return finishAnswer(input, { list: { ...vectors, approximate }, shown, semantic: semanticHits });
}

interface SourcedHit {
  readonly hit: Hit;
  readonly semantic: boolean;
}

/** Takes the better head of both lists, the semantic one when equal; a document is taken once. */
function interleave(
  input: MergeInput,
  vectors: readonly Hit[],
  keywords: readonly Hit[],
): SourcedHit[] {
  const needed = hitsNeeded(input.request, input.settings);
  const field = distinctField(input.request, input.settings);
  const distinct = field === null ? null : new DistinctFilter(field);
  const seen = new Set<string>();
  const merged: SourcedHit[] = [];
  const scores = scorer(input);
  for (let v = 0, k = 0; merged.length < needed;) {
    const vector = vectors[v];
    const keyword = keywords[k];
    const semantic =
      vector !== undefined &&
      (keyword === undefined || compareScores(scores(vector, true), scores(keyword, false)) >= 0);
    const hit = semantic ? vector : keyword;
    if (hit === undefined) break;
    if (semantic) v++;
    else k++;
    const id = identity(hit, input.primaryKey);
    if (seen.has(id) || distinct?.admit(hit) === false) continue;
    seen.add(id);
    merged.push({ hit, semantic });
  }
  return merged;
}

/** The hidden place in the order of insertion names a document; else its primary key does. */
function identity(hit: Hit, primaryKey: string | null): string {
  const seq = hit.details.find(([rule]) => rule === hiddenRankingRule)?.[1]['value'];
  if (typeof seq === 'string') return seq;
  const member =
    primaryKey === null ? null : findLast(hit.bytes, hit.members, keyBytes(primaryKey));
  if (member === null) return `${String(hit.source)}/${String(hit.start)}`;
  return spanText(hit.bytes, member.valueStart, member.valueEnd);
}

function globalScore(hit: Hit): number {
  const member = findLast(hit.bytes, hit.members, scoreKey);
  return member === null ? 0 : Number(spanText(hit.bytes, member.valueStart, member.valueEnd));
}

/** One step of the engine's comparison: a weighted score, or a rule that sorts by value. */
type Step =
  | { readonly kind: 'score'; readonly score: number }
  | { readonly kind: 'sort' | 'geo'; readonly ascending: boolean; readonly details: RuleDetails };

/** Positive when `a` is better. Scores closer than a float's precision are equal. */
function compareScores(a: readonly Step[], b: readonly Step[]): number {
  for (let i = 0; ; i++) {
    const left = a[i];
    const right = b[i];
    if (left === undefined || right === undefined) return left ? 1 : right ? -1 : 0;
    const order = compareSteps(left, right);
    if (order !== 0) return order;
  }
}

function compareSteps(a: Step, b: Step): number {
  if (a.kind === 'score' && b.kind === 'score') {
    return Math.abs(a.score - b.score) <= Number.EPSILON ? 0 : a.score - b.score;
  }
  if (a.kind === 'score') return a.score === 0 ? -1 : 1;
  if (b.kind === 'score') return b.score === 0 ? 1 : -1;
  const member = a.kind === 'geo' ? 'distance' : 'value';
  return -compareSortValues(a.ascending, a.details[member], b.details[member]);
}

function scorer(input: MergeInput): (hit: Hit, semantic: boolean) => Step[] {
  const ratio = ratioOf(input);
  const keywordRatio = Math.fround(1 - ratio);
  const searchable = strings(input.settings['searchableAttributes']);
  const weightMax = searchable.includes('*') ? 0 : Math.max(0, searchable.length - 1);
  return (hit, semantic) =>
    stepsOf(hit, weightMax).map((step) =>
      step.kind === 'score'
        ? { kind: 'score', score: step.score * (semantic ? ratio : keywordRatio) }
        : step,
    );
}

/**
 * Rules that only rank are folded into one score up to the next rule that sorts. A hit whose ranking
 * rules all stand together has its `_rankingScore` there; only where a sort rule parts them is the
 * score of each part built from the details.
 */
function stepsOf(hit: Hit, weightMax: number): Step[] {
  const rules = hit.details.filter(([rule]) => rule !== hiddenRankingRule);
  const groups = rankGroups(rules);
  const whole = groups.filter((group) => group.ranks.length > 0).length === 1;
  return groups.flatMap((group): Step[] => {
    const steps: Step[] = [];
    if (group.ranks.length > 0) {
      const score = whole ? globalScore(hit) : groupScore(group.ranks, termsOf(rules), weightMax);
      steps.push({ kind: 'score', score });
    }
    if (group.end !== null) steps.push(group.end);
    return steps;
  });
}

function rankGroups(rules: Details): { ranks: Details[number][]; end: Step | null }[] {
  const groups: { ranks: Details[number][]; end: Step | null }[] = [];
  let ranks: Details[number][] = [];
  for (const entry of rules) {
    const end = sortStep(entry);
    if (end === null) ranks.push(entry);
    else {
      groups.push({ ranks, end });
      ranks = [];
    }
  }
  return ranks.length > 0 ? [...groups, { ranks, end: null }] : groups;
}

function sortStep([rule, details]: Details[number]): Step | null {
  if (rule === 'vectorSort') {
    const similarity = details['similarity'];
    return { kind: 'score', score: typeof similarity === 'number' ? similarity : 0 };
  }
  if (!/:(?:asc|desc)$/.test(rule)) return null;
  const kind = rule.startsWith('_geoPoint(') ? 'geo' : 'sort';
  return { kind, ascending: rule.endsWith(':asc'), details };
}

const termsOf = (rules: Details): number =>
  numberOf(rules.find(([rule]) => rule === 'words')?.[1]['maxMatchingWords'], 1);

const numberOf = (value: unknown, otherwise: number): number =>
  typeof value === 'number' ? value : otherwise;

/** A rank of `r` of `M` lowers the score by `1 - r/M` of what the rules before it left to tell. */
function groupScore(ranks: Details, terms: number, weightMax: number): number {
  let score = 1;
  let parts = 1;
  for (const [rule, details] of ranks) {
    score -= (1 - numberOf(details['score'], 0)) / parts;
    parts *= rankCount(rule, details, terms, weightMax);
  }
  return score;
}

/** How many ranks a rule can tell apart. */
function rankCount(rule: string, details: RuleDetails, terms: number, weightMax: number): number {
  switch (rule) {
    case 'words':
      return numberOf(details['maxMatchingWords'], 1);
    case 'typo':
      return numberOf(details['maxTypoCount'], 0) + 1;
    case 'proximity':
      return 1 + 3 * Math.max(0, terms - 1);
    case 'attributeRank':
      return 1 + weightMax * terms;
    case 'wordPosition':
      return 1 + 10 * terms;
    case 'attribute':
      return (1 + weightMax * terms) * (1 + 10 * terms);
    case 'exactness':
      return 3 * (numberOf(details['maxMatchingWords'], 0) + 1);
    default:
      return 1;
  }
}
