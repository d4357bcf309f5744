import type { JsonValue } from '../fleet';
import type { IndexUid, PhysicalUid } from '../ids';
import type { Origin } from '../operations';

/**
 * The data of exports. What workflows are given stands in histories, so the url, the key and the filters
 * are in the task alone.
 */

/** What the client asked for of the indexes that match a pattern. */
export interface ExportChoice {
  /** An index's name, or the beginning of names and `*`. */
  readonly pattern: string;
  /** As the client wrote it. */
  readonly filter: JsonValue;
  readonly overrideSettings: boolean;
}

/** What an open task of an export carries; dropped when the task is over. */
export interface ExportOrder {
  /** Without a slash at its end. */
  readonly url: string;
  /** The other side's key, sealed; null: it needs none. */
  readonly sealedKey: string | null;
  readonly payloadBytes: number;
  readonly choices: readonly ExportChoice[];
}

export interface ExportTarget {
  /** The name at the other side. */
  readonly uid: IndexUid;
  readonly physicalUid: PhysicalUid;
  readonly pattern: string;
}

export interface ExportInput extends Origin {
  readonly taskUid: number;
  /** An activity that was not heard of for this long is started again; 10 s by default. */
  readonly heartbeatTimeoutMs?: number;
}

export interface ExportRequest {
  readonly taskUid: number;
  readonly target: ExportTarget;
}

export interface SentIndex {
  readonly uid: IndexUid;
  readonly pattern: string;
  readonly documents: number;
}

/** Null: the index was deleted meanwhile. */
export type ExportedIndex = SentIndex | null;

export interface ExportReport {
  readonly upToTask: number;
  readonly indexes: readonly { readonly uid: IndexUid; readonly documents: number }[];
}
