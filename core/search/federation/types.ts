import type { Paging, SearchRequest } from '../types';

/** One query of a federated search, checked. */
export interface FederatedQuery {
  /** As the client wrote it: an index or an alias. */
  readonly indexUid: string;
  readonly request: SearchRequest;
  /** Place in `queries`. */
  readonly position: number;
  readonly options: FederationOptions | null;
}

/** `federationOptions` of a query. */
export interface FederationOptions {
  /** Multiplies the scores of the query's hits; at least 0. */
  readonly weight: number;
  readonly remote: string | null;
  readonly queryPosition: number | null;
}

/** `federation` of a multi-search. */
export interface Federation {
  readonly paging: Paging;
  /** By index uid; null asks for none, an empty list for an empty answer. */
  readonly facetsByIndex: ReadonlyMap<string, readonly string[] | null>;
  readonly mergeFacets: { readonly maxValuesPerFacet: number | null } | null;
  readonly distinct: string | null;
  readonly showPerformanceDetails: boolean;
  readonly personalize: boolean;
}

/** A multi-search; without `federation` its queries are independent searches. */
export interface MultiSearch {
  readonly queries: readonly FederatedQuery[];
  readonly federation: Federation | null;
}
