/**
 * Runs the rules one inside the other: each bucket of a rule is ordered by the next one, until as
 * many hits are found as were asked for. Documents equal for all rules stand in order of docid.
 */
import type { Bitset } from './bitset';
import type { Distinct } from './distinct';
import type { QueryGraph } from './query-graph';
import type { RankingRule } from './rules/rule';
import { globalScore, type ScoreDetail } from './score-details';

export interface RankedDocument {
  readonly docid: number;
  readonly details: readonly ScoreDetail[];
}

export interface Ranking {
  readonly hits: readonly RankedDocument[];
  /** What totals and facets count: the universe less what distinct and the threshold removed. */
  readonly candidates: Bitset;
}

export interface BucketSortQuery {
  readonly rules: readonly RankingRule[];
  readonly graph: QueryGraph | null;
  readonly universe: Bitset;
  readonly length: number;
  readonly distinct: Distinct | null;
  readonly scoreThreshold: number | null;
  /** Look at every document, so that the threshold is applied to all. */
  readonly exhaustive: boolean;
}

class BucketSort {
  private readonly hits: RankedDocument[] = [];
  private readonly candidates: Bitset;
  /** What each running rule has not given out yet. */
  private readonly universes: Bitset[] = [];
  private readonly details: ScoreDetail[] = [];
  private readonly target: number;

  constructor(private readonly query: BucketSortQuery) {
    this.candidates = query.universe.clone();
    const looksAtAll = query.exhaustive && query.scoreThreshold !== null;
    this.target = looksAtAll ? Infinity : query.length;
  }

  run(): Ranking {
    const { rules, universe, graph } = this.query;
    if (rules.length === 0) this.withoutRules();
    else this.descend(0, universe.clone(), graph);
    return { hits: this.hits, candidates: this.candidates };
  }

  private withoutRules(): void {
    const { universe, length, distinct } = this.query;
    const excluded = universe.clone();
    excluded.clear();
    for (const docid of universe) {
      if (this.hits.length >= length) break;
      if (excluded.has(docid)) continue;
      distinct?.excludeLike(docid, excluded);
      this.hits.push({ docid, details: [] });
    }
    this.candidates.removeAll(excluded);
    for (const { docid } of this.hits) this.candidates.add(docid);
  }

  private descend(level: number, universe: Bitset, graph: QueryGraph | null): void {
    const rule = this.query.rules[level];
    if (!rule) return;
    this.universes[level] = universe;
    if (this.hits.length >= this.target) return;
    const source = rule.start(universe.clone(), graph);
    const isLast = level === this.query.rules.length - 1;
    while (this.hits.length < this.target && !universe.isEmpty()) {
      const bucket = source.next(universe);
      if (!bucket) break;
      this.details.push(bucket.detail);
      universe.removeAll(bucket.docids);
      if (this.isBelowThreshold()) {
        this.candidates.removeAll(bucket.docids);
        this.candidates.removeAll(universe);
      } else if (isLast) {
        this.add(bucket.docids);
      } else if (!bucket.docids.isEmpty()) {
        this.descend(level + 1, bucket.docids.clone(), bucket.graph);
        this.universes.length = level + 1;
      }
      this.details.pop();
    }
  }

  private isBelowThreshold(): boolean {
    const { scoreThreshold } = this.query;
    return scoreThreshold !== null && globalScore(this.details) < scoreThreshold;
  }

  private add(bucket: Bitset): void {
    let docids = bucket;
    if (this.query.distinct) {
      const { kept, excluded } = this.query.distinct.apply(bucket);
      for (const universe of this.universes) universe.removeAll(excluded);
      this.candidates.removeAll(excluded);
      docids = kept;
    }
    this.candidates.addAll(docids);
    const details = [...this.details];
    for (const docid of docids) {
      if (this.hits.length >= this.query.length) return;
      this.hits.push({ docid, details });
    }
  }
}

/** Ranks `universe` and returns its first `length` documents. */
export function bucketSort(query: BucketSortQuery): Ranking {
  return new BucketSort(query).run();
}
