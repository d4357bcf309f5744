import type { IndexTtl, JsonValue } from '../fleet';
import type { IndexUid, PhysicalUid } from '../ids';
import type { Origin } from '../operations';

/**
 * The data of dumps, backups, imports and restores. Types only: workflows import them, and what stands
 * here stands in histories, so no settings, keys or documents do.
 */

/** Where an archive is read from. */
export type ArchiveSource =
  /** Chunks of a dump that were uploaded to the dumps location. */
  | { readonly kind: 'upload'; readonly id: string; readonly parts: number }
  /** A dump in the dumps location, by its file name. */
  | { readonly kind: 'file'; readonly name: string }
  /** A dump anywhere in S3-compatible storage, `s3://bucket/key`. */
  | { readonly kind: 's3'; readonly url: string }
  /** A backup in the backups location. */
  | { readonly kind: 'backup'; readonly id: string }
  /** What another import set aside. */
  | { readonly kind: 'rejected'; readonly importId: string };

/** Names an import to its activities: constant through all of its runs and retries. */
export interface ImportRef extends Origin {
  /** Names its list of documents set aside, and its writes. */
  readonly id: string;
  /** The workflow id: pause and throttle are read from its view. */
  readonly runKey: string;
  readonly source: ArchiveSource;
  /** Only these indexes of the archive; null: all. */
  readonly indexes: readonly string[] | null;
  /** Put before the name of each index. */
  readonly prefix: string;
  /** What to do with an index that is there: refuse, or add the documents to it. */
  readonly existing: 'refuse' | 'merge';
  readonly keys: boolean;
  /** Experimental features of the archive that a fleet serves are switched on. */
  readonly features: boolean;
  /** Aliases of a backup are made; a dump has none. */
  readonly aliases: boolean;
  /** Rollover policies and canaries of a backup are made, where its indexes keep their names. */
  readonly policies?: boolean;
  readonly batch: { readonly documents: number; readonly bytes: number };
  /** An import with more documents set aside stops and waits for the operator. */
  readonly rejectedMax: number;
}

export interface ImportInput extends Omit<ImportRef, 'runKey'> {
  /** Only say what would be imported. */
  readonly dryRun: boolean;
  readonly documentsPerSecond: number | null;
  /** An activity that was not heard of for this long is started again; 10 s by default. */
  readonly heartbeatTimeoutMs?: number;
}

export interface PlannedImport {
  /** The index's name in the archive. */
  readonly from: string;
  readonly uid: IndexUid;
  /** Decided once, so that a second try makes the same index. */
  readonly physicalUid: PhysicalUid;
  readonly primaryKey: string | null;
  readonly documents: number;
  /** The index was there before: its documents are added to, its settings stay. */
  readonly exists: boolean;
}

/** In the order in which the archive has the documents. */
export interface ImportPlan {
  /** The engine's version that made the archive. */
  readonly version: string;
  readonly madeAt: string;
  readonly indexes: readonly PlannedImport[];
  readonly documents: number;
  readonly bytes: number;
  readonly keys: number;
  readonly aliases: number;
  /** Rollover policies and canaries that will be made where there are none of their names. */
  readonly policies?: number;
  /** What will not be as in the archive, one sentence each. */
  readonly notes: readonly string[];
}

/** How far an import got: all lines below `line` of the index at `indexAt`, and all indexes before. */
export interface ImportCursor {
  readonly indexAt: number;
  readonly line: number;
  readonly documents: number;
  readonly setAside: number;
}

export interface ImportStep {
  readonly cursor: ImportCursor;
  /** `paused`: by the operator. `too-many`: more were set aside than `rejectedMax`. */
  readonly outcome: 'done' | 'paused' | 'too-many';
}

export interface ImportReport {
  readonly outcome: 'done' | 'dry-run' | 'canceled';
  readonly plan: ImportPlan;
  readonly documents: number;
  readonly setAside: number;
  readonly keys: number;
  /** Rollover policies and canaries that were made. */
  readonly policies?: number;
}

/** A document set aside, as it is stored and downloaded: one JSON object a line. */
export interface RejectedDocument {
  /** Its index in the archive, and its line there, from 0. */
  readonly index: string;
  readonly line: number;
  readonly error: { readonly code: string; readonly message: string };
  /** The line as it was in the archive; cut when it was too long to be read. */
  readonly document: string;
  readonly cut: boolean;
}

/** One piece of an index in an archive of ours, in the order of insertion. */
export interface ArchivePart {
  readonly name: string;
  readonly documents: number;
  /** Of its NDJSON before compression. */
  readonly bytes: number;
  /** Hexadecimal, of the compressed bytes. */
  readonly sha256: string;
}

/** What is written beside the parts of one index. Settings hold secrets, so it never leaves storage. */
export interface ArchivedIndex {
  readonly uid: string;
  readonly primaryKey: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly shardCount: number;
  readonly settings: { readonly [name: string]: JsonValue };
  readonly settingsVersion: number;
  /** How its documents expire; absent: they do not. */
  readonly ttl?: IndexTtl;
  readonly documents: number;
  readonly bytes: number;
  /** Of all documents without hidden fields, in whatever order; 16 hexadecimal digits. */
  readonly digest: string;
  readonly parts: readonly ArchivePart[];
}

/** What a run may know of an index that was written. */
export interface WrittenIndex {
  readonly ordinal: number;
  readonly uid: string;
  readonly documents: number;
  readonly bytes: number;
  readonly digest: string;
}

export interface ArchiveTarget {
  readonly uid: IndexUid;
  readonly physicalUid: PhysicalUid;
}

/** The point that an archive is consistent to, and what will be in it. */
export interface ArchiveStart {
  /** Every fleet task up to this one is applied. */
  readonly upToTask: number;
  readonly startedAt: string;
  readonly indexes: readonly ArchiveTarget[];
}

/** A set of parts below one name in one place. */
export interface PartsRef {
  readonly place: 'dumps' | 'backups';
  readonly base: string;
  /** The workflow id: pause and throttle are read from its view. */
  readonly runKey: string;
}

export interface DumpInput extends Origin {
  /** The fleet task of `POST /dumps`; null for a dump that an operator asked for. */
  readonly taskUid: number | null;
  readonly heartbeatTimeoutMs?: number;
}

export interface DumpReport {
  readonly dumpUid: string;
  readonly file: string;
  readonly upToTask: number;
  readonly indexes: readonly WrittenIndex[];
  readonly bytes: number;
}

export interface BackupInput extends Origin {
  /** Older backups beyond so many are deleted afterwards; null: none. */
  readonly keep: number | null;
  /** A backup younger than this is not deleted, whatever `keep` says; null or absent: `keep` alone decides. */
  readonly keepMs?: number | null;
  readonly heartbeatTimeoutMs?: number;
}

export interface BackupReport {
  readonly id: string;
  readonly upToTask: number;
  readonly indexes: readonly WrittenIndex[];
  readonly deleted: readonly string[];
}

export interface DrillInput extends Origin {
  /** Null: the newest complete one. */
  readonly backup: string | null;
  readonly batch: ImportRef['batch'];
  readonly heartbeatTimeoutMs?: number;
}

export interface DrillReport {
  readonly backup: string | null;
  readonly ok: boolean;
  readonly failures: readonly string[];
  readonly documents: number;
  readonly seconds: number;
}

export type ArchiveScheduleName = 'backup' | 'drill';

/** What an operator said of a schedule; it wins over the configuration until it is deleted. */
export interface ArchiveSchedule {
  readonly name: ArchiveScheduleName;
  readonly enabled: boolean;
  /** Milliseconds; null: as configured, or as is usual for `everyMs`. */
  readonly everyMs: number | null;
  readonly jitterMs: number | null;
  readonly catchUpMs: number | null;
  /** Of backups: so many are kept; null: as configured. */
  readonly keep: number | null;
  /** Why it is paused. */
  readonly pauseNote?: string;
  readonly updatedAt: string;
}
