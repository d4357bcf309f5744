/** A ranking rule cuts the documents it is given into buckets, best first. */
import type { Bitset } from '../bitset';
import type { QueryGraph } from '../query-graph';
import type { ScoreDetail } from '../score-details';

export interface Bucket {
  readonly docids: Bitset;
  readonly detail: ScoreDetail;
  /** The readings of the query that are left for the next rule; null in searches without a query. */
  readonly graph: QueryGraph | null;
}

/** One run of a rule over one bucket of the rule before it. */
export interface BucketSource {
  /** `universe`: what has not been given out yet. Null when there is nothing more to say. */
  next(universe: Bitset): Bucket | null;
}

export interface RankingRule {
  start(universe: Bitset, graph: QueryGraph | null): BucketSource;
}
