import type { ArchivedKey } from '../core/archives/keys';
import type { IndexTtl, Settings } from '../core/fleet';
import type { Line } from './lines';

/** One index of an archive, without its documents. Settings hold secrets. */
export interface IndexContents {
  readonly uid: string;
  readonly primaryKey: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Null: the archive has documents only, for an index that must be there. */
  readonly settings: Settings | null;
  readonly documents: number;
  readonly bytes: number;
  /** Of a backup whose index has documents that expire. */
  readonly ttl?: IndexTtl;
}

export interface ArchiveContents {
  readonly version: string;
  /** RFC 3339. */
  readonly madeAt: string;
  /** In the order in which `documents` gives them. */
  readonly indexes: readonly IndexContents[];
  readonly keys: readonly ArchivedKey[];
  readonly features: readonly string[];
  readonly aliases: readonly { readonly name: string; readonly targets: readonly string[] }[];
  /** Records of a fleet's own; a dump has none. */
  readonly policies: readonly object[];
  readonly canaries: readonly object[];
  /** What of the archive is not read, one sentence each. */
  readonly notes: readonly string[];
}

/** The documents of one index from line `first` on; empty lines count, so that lines stay the same. */
export interface IndexDocuments {
  readonly uid: string;
  readonly first: number;
  readonly lines: AsyncIterable<readonly Line[]>;
}

export interface ArchiveReading {
  /** From which line on an index's documents are wanted; null: not at all. */
  readonly from: (uid: string) => number | null;
  readonly lineBytesMax: number;
}

/** Something that can be imported: read as often as needed, from its beginning, in constant memory. */
export interface Archive {
  /** Reads all of it once, so that one that is cut off is known before anything is changed. */
  contents(onBytes: (documents: number) => void): Promise<ArchiveContents>;
  documents(reading: ArchiveReading): AsyncGenerator<IndexDocuments>;
  close(): void;
}
