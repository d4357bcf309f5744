import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';

/** A file of a tar; its size stands before its content, so it must be known. */
export interface TarFile {
  readonly path: string;
  readonly bytes: number;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

export const textFile = (path: string, text: string): TarFile => {
  const bytes = Buffer.from(text, 'utf8');
  return { path, bytes: bytes.length, content: [bytes] };
};

const fileMode = 0o644;

/** A gzipped tar of the files and directories, made while it is read. */
export function tarGz(
  entries: AsyncIterable<TarFile | { readonly directory: string }>,
  mtime: Date,
): Readable {
  const tar = pack();
  const gzip = createGzip({ chunkSize: 256 * 1024 });
  const out = new PassThrough();
  fill(tar, entries, mtime).then(
    () => tar.finalize(),
    (error: unknown) => out.destroy(error as Error),
  );
  tar.on('error', (error) => out.destroy(error));
  gzip.on('error', (error) => out.destroy(error));
  out.on('close', () => {
    tar.destroy();
    gzip.destroy();
  });
  tar.pipe(gzip).pipe(out);
  return out;
}

async function fill(
  tar: Pack,
  entries: AsyncIterable<TarFile | { readonly directory: string }>,
  mtime: Date,
): Promise<void> {
  for await (const entry of entries) {
    if ('directory' in entry) tar.entry({ name: entry.directory, type: 'directory', mtime });
    else await writeFile(tar, entry, mtime);
  }
}

function writeFile(tar: Pack, { path, bytes, content }: TarFile, mtime: Date): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry = tar.entry({ name: path, size: bytes, mode: fileMode, mtime }, (error) =>
      error ? reject(error) : resolve(),
    );
    const write = async (): Promise<void> => {
      for await (const chunk of content) {
        if (entry.write(chunk)) continue;
        // The tar is closed when nobody reads it any more, and then nothing drains.
        await new Promise<void>((go) => {
          // Each takes the other away: a large file waits here thousands of times.
          const goOn = (): void => {
            entry.off('drain', goOn).off('close', goOn);
            go();
          };
          entry.on('drain', goOn).on('close', goOn);
        });
        if (entry.destroyed) throw new Error('The archive is not written any more.');
      }
      entry.end(Buffer.alloc(0));
    };
    write().catch(reject);
  });
}
