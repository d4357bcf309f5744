import type { JsonValue, Settings } from '../fleet';
import type { NodeId } from '../ids';

export type JsonObject = { [member: string]: JsonValue };

/**
 * How a search asks for its window. Either of `page` and `hitsPerPage` selects page mode, in which
 * Meilisearch counts exhaustively and answers `totalHits` and `totalPages`.
 */
export type Paging =
  | { readonly mode: 'offset'; readonly offset: number; readonly limit: number }
  | { readonly mode: 'page'; readonly page: number; readonly hitsPerPage: number };

export interface HybridRequest {
  readonly embedder: string;
  /** 0 = keyword only, 1 = semantic only. */
  readonly semanticRatio: number;
}

/**
 * A checked search. The named members are those that Miroir reads or changes; `body` holds every
 * member the client sent (a GET's parameters are turned into the same form) and is the base of what
 * the nodes are asked, so that members Miroir has no business with pass through.
 */
export interface SearchRequest {
  readonly q: string | null;
  readonly paging: Paging;
  readonly filter: JsonValue;
  readonly sort: readonly string[] | null;
  readonly distinct: string | null;
  readonly facets: readonly string[] | null;
  readonly attributesToRetrieve: readonly string[] | null;
  readonly attributesToHighlight: readonly string[] | null;
  readonly attributesToCrop: readonly string[] | null;
  readonly retrieveVectors: boolean;
  readonly showMatchesPosition: boolean;
  readonly showRankingScore: boolean;
  readonly showRankingScoreDetails: boolean;
  readonly rankingScoreThreshold: number | null;
  readonly matchingStrategy: 'last' | 'all' | 'frequency';
  readonly hybrid: HybridRequest | null;
  readonly vector: readonly number[] | null;
  /** Matches are counted and none is shown or left out as a duplicate, whatever `distinct` says. */
  readonly countsAll?: boolean;
  /** A filter of Miroir's own beside the client's; it may name hidden fields. */
  readonly ownFilter?: string;
  /** Miroir's own listing: exactly these fields of every match, whatever is displayed or may be shown. */
  readonly ownFields?: readonly string[];
  readonly body: JsonObject;
}

/** What one search is, as Meilisearch's `search_kind` decides it. */
export type SearchKind = 'keyword' | 'semantic' | 'hybrid';

/** One node's answer (status 200) to the node's form of the request. */
export interface NodeAnswer {
  readonly node: NodeId;
  readonly bytes: Uint8Array;
}

export interface MergeInput {
  /** One per asked node. Their order is the last tie-break where a hit carries no `_miroir_seq`. */
  readonly answers: readonly NodeAnswer[];
  readonly request: SearchRequest;
  /** The client's settings, not the physical ones. */
  readonly settings: Settings;
  readonly primaryKey: string | null;
  readonly processingTimeMs: number;
  /** A UUID v7 made by the caller. */
  readonly requestUid: string;
  /** Written first in the answer when given (the results of `/multi-search` carry it). */
  readonly indexUid?: string;
  /** Written as `metadata` after `requestUid` when given. */
  readonly metadata?: JsonObject;
  /** What was counted apart for this search; takes the place of the answers' own counts. */
  readonly counts?: ExactCounts;
  /** The index has a TTL: `_miroir_expires_at` is the client's own field, shown as its number. */
  readonly ttl?: boolean;
}

export interface ExactCounts {
  readonly total: number;
  /** JSON texts in order; null where the answers' own must do. */
  readonly facets: { readonly distribution: string; readonly stats: string } | null;
  /** What may still differ of these. */
  readonly approximate?: readonly ApproximateReason[];
}

export interface MergeOutput {
  /** The whole answer as JSON text in UTF-8. */
  readonly bytes: Uint8Array;
  /** Reasons why this answer may differ from one big Meilisearch's, for `X-Miroir-Approximate`. */
  readonly approximate: readonly ApproximateReason[];
  /** Number of hits in the answer. */
  readonly hits: number;
  /** `estimatedTotalHits` or `totalHits`. */
  readonly total: number;
}

/** Short tokens, fit for a header: `X-Miroir-Approximate: distinct-array, skipped-rule`. */
export type ApproximateReason =
  | 'distinct-array'
  | 'distinct-total'
  | 'geo-near'
  | 'skipped-rule'
  | 'facet-capped'
  | 'facet-numeric-order'
  | 'facet-distinct'
  | 'facet-ties'
  | 'facet-spelling'
  | 'semantic-highlight'
  | 'semantic-negation'
  | 'frequency-strategy'
  | 'score-threshold';
