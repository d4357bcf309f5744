import type { IndexEntry, JsonValue } from '../../core/fleet';
import type { IndexAnswer } from '../../core/search/federation/query-list';
import type { FederatedQuery, Federation } from '../../core/search/federation/types';
import type { JsonObject, SearchRequest } from '../../core/search/types';
import type { Caller } from '../auth/caller';

/** What a search is asked of: one index, or the several targets of a read alias, newest first. */
export interface SearchTarget {
  /** As the client wrote it. */
  readonly name: string;
  readonly entries: readonly [IndexEntry, ...IndexEntry[]];
}

export interface SearchOptions {
  /** Filter of the tenant token for this name; null when there is none. */
  readonly tenantFilter: JsonValue;
  /** What the request's header says of missing shards; undefined: as configured. */
  readonly wish: 'partial' | 'error' | undefined;
  /** The header `X-Miroir-Min-Settings-Version`; null or absent: any version will do. */
  readonly minSettingsVersion?: number | null | undefined;
  /** Written first in the answer (the results of a multi-search carry it). */
  readonly indexUid?: string;
  readonly metadata?: JsonObject;
}

export interface SearchAnswer {
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

export type Half = 'keyword' | 'semantic';

export interface Gathered {
  readonly answers: readonly IndexAnswer[];
  readonly headers: Readonly<Record<string, string>>;
}

export interface FederationRequest {
  readonly queries: readonly FederatedQuery[];
  readonly federation: Federation;
  readonly caller: Caller;
  readonly wish: 'partial' | 'error' | undefined;
  readonly minSettingsVersion?: number | null | undefined;
  /** The header `Meili-Include-Metadata`. */
  readonly metadata: boolean;
}

/** A query with the indexes it is asked of. */
export interface PlannedQuery {
  readonly query: FederatedQuery;
  readonly target: SearchTarget;
  readonly asked: SearchRequest;
}
