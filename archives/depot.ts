import type { Readable } from 'node:stream';

/**
 * Thrown for what is wrong with an archive or its place; retrying cures only `unreachable`. `refused`: the
 * place is there, but its bucket, credentials or rights are not as they must be.
 */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  constructor(
    readonly code: 'not-found' | 'corrupt' | 'too-large' | 'bad-name' | 'refused' | 'unreachable',
    message: string,
  ) {
    super(message);
  }
}

export const isArchiveError = (error: unknown): error is ArchiveError =>
  error instanceof Error && error.name === 'ArchiveError';

export interface DepotEntry {
  readonly name: string;
  readonly bytes: number;
}

/**
 * A place for files: a directory, or a prefix in S3-compatible storage. Names are relative, with `/`
 * between, of letters, digits and `-_.=~`. A file is seen whole or not at all.
 */
export interface Depot {
  /** For people, without credentials. */
  readonly url: string;
  /** Throws ArchiveError `not-found`. */
  read(name: string): Promise<Readable>;
  readAll(name: string, bytesMax: number): Promise<Buffer>;
  /** Creates or replaces; returns its size. */
  write(name: string, content: Readable | Uint8Array): Promise<number>;
  /** All files below `prefix`, sorted by name. */
  list(prefix: string): Promise<DepotEntry[]>;
  /** No error where there is none. */
  delete(name: string): Promise<void>;
  /** Everything below `prefix`, which ends with `/`, also what was never finished. */
  deleteAll(prefix: string): Promise<void>;
  /**
   * Takes away what writes of names that begin with `prefix` have left that nobody will finish, because
   * their process died. Whoever calls it is the only writer of these names.
   */
  tidy(prefix: string): Promise<void>;
  close(): void;
}

const nameBytesMax = 900;
const segment = /^[A-Za-z0-9_.=~-]+$/;

/** Refuses names that could leave the place or hide in it. */
export function demandName(name: string): void {
  const segments = name.split('/');
  const bad = segments.some((one) => !segment.test(one) || /^\.+$/.test(one));
  if (bad || name.length > nameBytesMax) {
    throw new ArchiveError('bad-name', `\`${name}\` cannot be the name of an archive.`);
  }
}

/** Reads all of a stream that may not be long. */
export async function readBounded(
  stream: AsyncIterable<Buffer>,
  bytesMax: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop ends the stream.
  for await (const bytes of stream) {
    size += bytes.length;
    if (size > bytesMax) {
      throw new ArchiveError('too-large', `More than ${String(bytesMax)} bytes.`);
    }
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size);
}
