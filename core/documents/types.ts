import type { ShardId } from '../ids';

/** The bytes `[start, end)` of one JSON object. */
export interface DocSpan {
  readonly start: number;
  readonly end: number;
}

export type DocumentFormat = 'json' | 'ndjson' | 'csv';

/** A payload whose syntax is known to be right, cut into documents. */
export interface ParsedDocuments {
  readonly documents: readonly DocSpan[];
  /** What the spans point into: the payload itself, or for CSV the JSON made of it. */
  readonly bytes: Uint8Array;
  readonly format: DocumentFormat;
}

export interface PreparedDocument {
  /** The normalised id: the string form, also of an integer. */
  readonly id: string;
  readonly slot: number;
  readonly shard: ShardId;
  readonly bytesStart: number;
  readonly bytesEnd: number;
  /** Milliseconds since 1970, where the client gave `_miroir_expires_at`; null: it said `null`, never. */
  readonly expiresAt?: number | null;
}

/** Why a payload cannot be taken. `sync`: answered at once, not by a failed task. */
export interface DocumentError {
  readonly code: string;
  readonly message: string;
  readonly sync?: boolean;
}

export interface PrepareInput {
  readonly parsed: ParsedDocuments;
  readonly primaryKey: string;
  readonly shardCount: number;
  /** Whether clients may set `_miroir_expires_at`. */
  readonly ttl: boolean;
  /** The client's name of the index, for the texts that begin with it. */
  readonly indexUid?: string;
  /** Whether `_geo` is filterable or sortable: only then does the engine look at its shape. */
  readonly geo?: boolean;
  /** Dimensions of each embedder of the index; null where only the engine knows them. */
  readonly embedders?: ReadonlyMap<string, number | null>;
}

export type PrepareResult =
  | { readonly ok: true; readonly documents: readonly PreparedDocument[] }
  | { readonly ok: false; readonly error: DocumentError };
