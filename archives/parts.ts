import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { ArchivedIndex, ArchivePart } from '../core/archives/types';
import { ArchiveError } from './depot';
import type { Depot } from './depot';

const compress = promisify(gzip);
const expand = promisify(gunzip);

/** A part is read and checked whole, so both bounds are bounds of memory. */
const partDocumentsMax = 10_000;
const partBytesMax = 16 * 1024 * 1024;
/** One document may be larger than a part should be. */
const readBytesMax = 512 * 1024 * 1024;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const newline = Buffer.from('\n');

export const indexBase = (base: string, ordinal: number): string =>
  `${base}/index-${String(ordinal).padStart(5, '0')}`;

/** Writes documents, in the order given, as compressed NDJSON parts below `base`. */
export class PartsWriter {
  readonly #parts: ArchivePart[] = [];
  #pieces: Uint8Array[] = [];
  #documents = 0;
  #bytes = 0;

  constructor(
    private readonly depot: Depot,
    private readonly base: string,
  ) {}

  async add(document: Uint8Array): Promise<void> {
    this.#pieces.push(document, newline);
    this.#documents += 1;
    this.#bytes += document.length + 1;
    if (this.#documents >= partDocumentsMax || this.#bytes >= partBytesMax) await this.#flush();
  }

  async finish(): Promise<readonly ArchivePart[]> {
    if (this.#documents > 0) await this.#flush();
    return this.#parts;
  }

  async #flush(): Promise<void> {
    const compressed = await compress(Buffer.concat(this.#pieces, this.#bytes));
    const ordinal = String(this.#parts.length).padStart(6, '0');
    const name = `${this.base}/part-${ordinal}.jsonl.gz`;
    await this.depot.write(name, compressed);
    this.#parts.push({
      ...{ name, documents: this.#documents, bytes: this.#bytes, sha256: sha256(compressed) },
    });
    this.#pieces = [];
    this.#documents = 0;
    this.#bytes = 0;
  }
}

/** The NDJSON of a part. Throws ArchiveError `corrupt` when it is not what was written. */
export async function readPart(depot: Depot, part: ArchivePart): Promise<Buffer> {
  const compressed = await depot.readAll(part.name, readBytesMax);
  if (sha256(compressed) !== part.sha256) {
    throw new ArchiveError('corrupt', `${part.name} is not what was written: its sha256 differs.`);
  }
  return expand(compressed);
}

/** The documents of an index, part by part. */
export async function* readParts(
  depot: Depot,
  { parts }: Pick<ArchivedIndex, 'parts'>,
): AsyncGenerator<Buffer> {
  for (const part of parts) yield await readPart(depot, part);
}
