/** Merges a keyword ranking and a semantic ranking by their weighted scores. */
import { Bitset } from './bitset';
import type { RankedDocument, Ranking } from './bucket-sort';
import type { Distinct } from './distinct';
import {
  compareSortValues,
  globalScore,
  type ScoreDetail,
  type ScoreValue,
  scoreValues,
} from './score-details';

/** With a ratio of a half, keyword scores of 0.9 are good enough to stop there. */
const GOOD_ENOUGH = 0.45;

export interface HybridOptions {
  /** How many hits of the merged ranking are wanted, from the first on. */
  readonly length: number;
  readonly semanticRatio: number;
  readonly distinct: Distinct | null;
}

export interface HybridRanking extends Ranking {
  /** For each hit, whether it came from the semantic ranking. */
  readonly isSemantic: readonly boolean[];
}

/** Whether the keyword search alone fills the page with good hits. */
export function isGoodEnough(keyword: Ranking, options: HybridOptions): boolean {
  if (keyword.hits.length < options.length) return false;
  const weight = Math.fround(1 - Math.fround(options.semanticRatio));
  return keyword.hits.every(({ details }) => globalScore(details) * weight >= GOOD_ENOUGH);
}

/** Positive if the left value is better, as Rust orders them. */
function compareValues(
  left: ScoreValue,
  right: ScoreValue,
  [lw, rw]: readonly [number, number],
): number {
  if (left.kind === 'score' && right.kind === 'score') {
    const difference = left.score * lw - right.score * rw;
    return Math.abs(difference) <= Number.EPSILON ? 0 : difference;
  }
  if (left.kind === 'score') return left.score === 0 ? -1 : 1;
  if (right.kind === 'score') return right.score === 0 ? 1 : -1;
  if (left.kind === 'sort' && right.kind === 'sort') {
    return -compareSortValues(left.value, right.value, left.ascending);
  }
  if (left.kind === 'geo' && right.kind === 'geo') {
    return -compareSortValues(left.distance, right.distance, left.ascending);
  }
  return 0;
}

function compareDetails(
  left: readonly ScoreDetail[],
  right: readonly ScoreDetail[],
  weights: readonly [number, number],
): number {
  const [a, b] = [scoreValues(left), scoreValues(right)];
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) {
    const [x, y] = [a[i], b[i]];
    if (!x || !y) return x ? 1 : -1;
    const order = compareValues(x, y, weights);
    if (order !== 0) return order;
  }
  return 0;
}

interface Sourced {
  readonly hit: RankedDocument;
  readonly isSemantic: boolean;
}

/** Both lists keep their order; of equal heads the semantic one comes first. */
function* interleave(
  semantic: readonly RankedDocument[],
  keyword: readonly RankedDocument[],
  ratio: number,
): Generator<Sourced> {
  const semanticWeight = Math.fround(ratio);
  const weights = [semanticWeight, Math.fround(1 - semanticWeight)] as const;
  let [s, k] = [0, 0];
  for (;;) {
    const [left, right] = [semantic[s], keyword[k]];
    if (!left && !right) return;
    if (left && (!right || compareDetails(left.details, right.details, weights) >= 0)) {
      yield { hit: left, isSemantic: true };
      s += 1;
    } else if (right) {
      yield { hit: right, isSemantic: false };
      k += 1;
    }
  }
}

/** The first hits of both rankings together, each document once. */
export function mergeRankings(
  semantic: Ranking,
  keyword: Ranking,
  options: HybridOptions,
): HybridRanking {
  const seen = new Bitset(new Uint32Array(keyword.candidates.words.length));
  const hits: RankedDocument[] = [];
  const isSemantic: boolean[] = [];
  const merged = interleave(semantic.hits, keyword.hits, options.semanticRatio);
  for (const next of merged) {
    if (hits.length >= options.length) break;
    const { docid } = next.hit;
    if (seen.has(docid)) continue;
    seen.add(docid);
    options.distinct?.excludeLike(docid, seen);
    hits.push(next.hit);
    isSemantic.push(next.isSemantic);
  }
  const candidates = semantic.candidates.clone();
  candidates.addAll(keyword.candidates);
  if (options.distinct) {
    candidates.removeAll(seen);
    for (const { docid } of hits) candidates.add(docid);
  }
  return { hits, candidates, isSemantic };
}
