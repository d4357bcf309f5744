/**
 * What the engine takes and gives. The caller has checked that sort, distinct and attribute names are
 * allowed.
 */
import type { JsonObject } from './json';
import type { Matcher } from './matcher';
import type { MatchingStrategy } from './settings';

export * from './settings';

export interface EngineQuery {
  readonly q: string | null;
  /** Docids that pass the filter; null means all documents. */
  readonly candidates: ReadonlySet<number> | null;
  readonly offset: number;
  readonly limit: number;
  /** Page mode: totals are exact also with distinct and with a score threshold. */
  readonly exhaustive: boolean;
  /** `field:asc`, `field:desc`, `_geoPoint(lat, lng):asc`. */
  readonly sort: readonly string[];
  /** Overrides the setting `distinctAttribute`. */
  readonly distinct: string | null;
  readonly matchingStrategy: MatchingStrategy;
  readonly attributesToSearchOn: readonly string[] | null;
  readonly rankingScoreThreshold: number | null;
  /** With `hybrid` null it is ignored; with `semanticRatio` 1, or without `q`, it alone ranks. */
  readonly vector: readonly number[] | null;
  readonly hybrid: { readonly embedder: string; readonly semanticRatio: number } | null;
  /** Accepted for completeness: the tokenizer treats all languages alike. */
  readonly locales: readonly string[] | null;
}

export interface EngineHit {
  readonly docid: number;
  readonly rankingScore: number;
  /** The JSON of `_rankingScoreDetails`; members in Meilisearch's order. */
  readonly details: JsonObject;
  /** Metres, rounded as in Meilisearch's `_geoDistance`; only with a `_geoPoint` sort. */
  readonly geoDistance?: number;
}

export interface EngineResult {
  /** At most `limit` hits, from rank `offset` on. */
  readonly hits: readonly EngineHit[];
  readonly total: number;
  /** The documents that facets count. */
  readonly candidates: ReadonlySet<number>;
  /** Null when the search was not semantic or hybrid. */
  readonly semanticHitCount: number | null;
  readonly matcher: Matcher;
}

/** What `formatHit` needs; names are as in the search request, crops may carry `:length`. */
export interface FormatOptions {
  readonly attributesToRetrieve: readonly string[];
  readonly attributesToHighlight: readonly string[];
  readonly highlightPreTag: string;
  readonly highlightPostTag: string;
  readonly attributesToCrop: readonly string[];
  readonly cropLength: number;
  readonly cropMarker: string;
  /** The setting `displayedAttributes`. */
  readonly displayed: readonly string[];
}
