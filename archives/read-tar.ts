import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { ArchiveError, readBounded } from './depot';

export interface TarMember {
  readonly path: string;
  readonly bytes: number;
  /** Throws as `tarMembers` does. */
  readonly body: AsyncIterable<Buffer>;
  /** All of it; throws ArchiveError `too-large`. */
  text(bytesMax: number): Promise<string>;
}

/**
 * The files of a gzipped tar in their order, in constant memory. What of a file the caller does not
 * read is skipped. Throws ArchiveError `corrupt` where the archive is broken or ends too early.
 */
export async function* tarMembers(source: Readable): AsyncGenerator<TarMember> {
  const gunzip = createGunzip({ chunkSize: 256 * 1024 });
  const unpack = extract();
  // Errors go down the pipe to the reader, which is the one place where they are told.
  source.on('error', (error) => gunzip.destroy(error));
  gunzip.on('error', (error) => unpack.destroy(error));
  source.pipe(gunzip).pipe(unpack);
  try {
    for await (const entry of unpack) {
      const { name, size = 0, type } = entry.header;
      if (type !== 'file' && type !== 'contiguous-file') {
        entry.resume();
        continue;
      }
      const body = told(entry as AsyncIterable<Buffer>);
      yield {
        path: name,
        bytes: size,
        body,
        text: async (bytesMax) => (await readBounded(body, bytesMax)).toString('utf8'),
      };
      // A file that was read to its end is over; of another the rest is thrown away.
      entry.resume();
    }
  } catch (error) {
    throw asArchiveError(error);
  } finally {
    source.destroy();
    gunzip.destroy();
    unpack.destroy();
  }
}

async function* told(entry: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* entry;
  } catch (error) {
    throw asArchiveError(error);
  }
}

/** What is wrong with the bytes is told as such; what is wrong with their place stays what it is. */
function asArchiveError(error: unknown): unknown {
  if (error instanceof ArchiveError) return error;
  const { code, message } = error as { code?: string; message?: string };
  if (code !== undefined && !/^(Z_|ERR_STREAM)/.test(code)) return error;
  return new ArchiveError('corrupt', `The archive is broken or cut off: ${message ?? 'unknown'}.`);
}
