import type { JsonValue, Settings } from '../../fleet';
import { spanText } from '../answer-bytes';
import { compareSortValues } from '../details';
import { DistinctFilter } from '../distinct';
import { wordsOf } from '../exactness';
import { distinctField, hitsNeeded, strings } from '../fields';
import { documentOf } from '../frequency';
import { findLast, scoreKey } from '../hits';
import type { Hit } from '../hits';
import { keywordIsEnough } from '../hybrid';
import { mergeList } from '../merge';
import type { MergedList } from '../merge';
import { excludesWords, isSemanticHit, keepsWords } from '../semantic-half';
import type { ApproximateReason, MergeInput, NodeAnswer, SearchRequest } from '../types';
import type { FederatedQuery } from './types';
import { matchedWords, weigh } from './weighted-scores';
import type { Weighted, WeightedValue } from './weighted-scores';

/** A node's answer, with the index on the node that it is of: an alias may have several. */
export interface IndexAnswer extends NodeAnswer {
  readonly physicalUid: string;
}

/** One query of a federated search, and what the nodes answered to it. */
export interface AnsweredQuery {
  readonly query: FederatedQuery;
  /** The request that the nodes were asked: with scores, and with the window of the federation. */
  readonly asked: SearchRequest;
  readonly settings: Settings;
  readonly primaryKey: string | null;
  /** Hits show `_miroir_expires_at`, as the number that the client wrote. */
  readonly ttl?: boolean;
  /** To the search, or to its keyword half where it is hybrid. */
  readonly answers: readonly IndexAnswer[];
  /** To the semantic half; null where the search is not hybrid. */
  readonly semantic: readonly IndexAnswer[] | null;
}

export interface FederatedHit {
  readonly of: AnsweredQuery;
  readonly hit: Hit;
  /** The same for the same document of one index, whichever query found it. */
  readonly id: string;
  readonly weighted: Weighted;
}

/** The best hits of one query over the whole fleet, best first. */
export interface QueryList {
  readonly of: AnsweredQuery;
  readonly hits: readonly FederatedHit[];
  /** The answers whose totals and facets are the query's: those of the half that counts. */
  readonly counted: readonly IndexAnswer[];
  readonly approximate: ReadonlySet<ApproximateReason>;
}

/** Throws `AnswerError` for bytes that are no search answer. */
export function queryList(of: AnsweredQuery): QueryList {
  const input = mergeInput(of, of.answers);
  const keyword = mergeList(input);
  const first = toHits(of, of.answers, keyword);
  if (of.semantic === null || keywordIsEnough(input)) {
    const { approximate } = keyword;
    return { of, hits: first, counted: of.answers, approximate };
  }
  const vectors = mergeList(mergeInput(of, of.semantic), isSemanticHit);
  const approximate = new Set([...keyword.approximate, ...vectors.approximate]);
  if (excludesWords(of.asked) && !keepsWords(of.asked, of.settings)) {
    approximate.add('semantic-negation');
  }
  const hits = interleave(of, toHits(of, of.semantic, vectors), first);
  return { of, hits, counted: of.semantic, approximate };
}

/** The members that only a written answer shows are left empty. */
export const mergeInput = (of: AnsweredQuery, answers: readonly NodeAnswer[]): MergeInput => ({
  answers,
  request: of.asked,
  settings: of.settings,
  primaryKey: of.primaryKey,
  processingTimeMs: 0,
  requestUid: '',
});

function toHits(
  of: AnsweredQuery,
  answers: readonly IndexAnswer[],
  list: MergedList,
): FederatedHit[] {
  const weight = of.query.options?.weight ?? 1;
  const typoMax = typosAllowed(list.hits);
  return list.hits.map((hit) => ({
    of,
    hit,
    id: `${answers[hit.source]?.physicalUid ?? ''}/${documentOf(hit, of.primaryKey)}`,
    weighted: weighHit(of, hit, { weight, typoMax }),
  }));
}

/** By number of matched words, the most typos that any node allows for. */
function typosAllowed(hits: readonly Hit[]): Map<number, number> {
  const allowed = new Map<number, number>();
  for (const { details } of hits) {
    const words = matchedWords(details);
    const max = details.find(([rule]) => rule === 'typo')?.[1]['maxTypoCount'];
    if (words === null || typeof max !== 'number') continue;
    allowed.set(words, Math.max(max, allowed.get(words) ?? 0));
  }
  return allowed;
}

function weighHit(
  of: AnsweredQuery,
  hit: Hit,
  how: { readonly weight: number; readonly typoMax: ReadonlyMap<number, number> },
): Weighted {
  const searchable = strings(of.settings['searchableAttributes']);
  return weigh({
    ...how,
    details: hit.details,
    score: scoreOf(hit),
    attributeWeightMax: searchable.includes('*') ? 0 : Math.max(0, searchable.length - 1),
    queryWords: Math.max(1, wordsOf(of.asked.q ?? '').length),
  });
}

function scoreOf(hit: Hit): number {
  const member = findLast(hit.bytes, hit.members, scoreKey);
  return member === null ? 0 : Number(spanText(hit.bytes, member.valueStart, member.valueEnd));
}

/**
 * The engine's rule for a hybrid search over the whole index: the better head of both lists is taken,
 * the semantic one when they are equal, and each document once.
 */
function interleave(
  of: AnsweredQuery,
  vectors: readonly FederatedHit[],
  keywords: readonly FederatedHit[],
): FederatedHit[] {
  const ratio = Math.fround(of.asked.hybrid?.semanticRatio ?? 0.5);
  const typoMax = typosAllowed(keywords.map(({ hit }) => hit));
  const stepsOf = ({ hit }: FederatedHit, share: number): readonly WeightedValue[] =>
    weighHit(of, hit, { weight: share, typoMax }).values;
  const needed = hitsNeeded(of.asked, of.settings);
  const field = distinctField(of.asked, of.settings);
  const distinct = field === null ? null : new DistinctFilter(field);
  const seen = new Set<string>();
  const merged: FederatedHit[] = [];
  for (let v = 0, k = 0; merged.length < needed;) {
    const vector = vectors[v];
    const keyword = keywords[k];
    const takeVector =
      vector !== undefined &&
      (keyword === undefined ||
        compareHybrid(stepsOf(vector, ratio), stepsOf(keyword, Math.fround(1 - ratio))) >= 0);
    const best = takeVector ? vector : keyword;
    if (best === undefined) break;
    if (takeVector) v++;
    else k++;
    if (seen.has(best.id) || distinct?.admit(best.hit) === false) continue;
    seen.add(best.id);
    merged.push(best);
  }
  return merged;
}

/** Unlike between queries, a score is compared with a sorted value: any but 0 is better than it. */
function compareHybrid(a: readonly WeightedValue[], b: readonly WeightedValue[]): number {
  for (let i = 0; ; i++) {
    const left = a[i];
    const right = b[i];
    if (left === undefined || right === undefined) return left ? 1 : right ? -1 : 0;
    const order = compareSteps(left, right);
    if (order !== 0) return order;
  }
}

function compareSteps(a: WeightedValue, b: WeightedValue): number {
  if (a.kind === 'score' && b.kind === 'score') {
    return Math.abs(a.score - b.score) <= Number.EPSILON ? 0 : a.score - b.score;
  }
  if (a.kind === 'score') return a.score === 0 ? -1 : 1;
  if (b.kind === 'score') return b.score === 0 ? 1 : -1;
  return -compareSortValues(a.ascending, sortedBy(a), sortedBy(b));
}

const sortedBy = (step: Exclude<WeightedValue, { kind: 'score' }>): JsonValue =>
  step.kind === 'geo' ? step.distance : step.value;
