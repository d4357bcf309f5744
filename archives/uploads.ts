import { Readable } from 'node:stream';
import type { Depot } from './depot';

/** A dump that was sent in chunks; each chunk is a file, so that it can be sent again. */
export interface Upload {
  readonly id: string;
  readonly parts: number;
}

export const uploadBase = (id: string): string => `uploads/${id}/`;

/** `ordinal` counts from 0. */
export const chunkName = (id: string, ordinal: number): string =>
  `${uploadBase(id)}${String(ordinal).padStart(6, '0')}`;

/** The chunks one after another. Throws ArchiveError `not-found` when the first is missing. */
export async function uploadStream(depot: Depot, { id, parts }: Upload): Promise<Readable> {
  const first = await depot.read(chunkName(id, 0));
  return Readable.from(chunks(depot, { id, parts }, first), { objectMode: false });
}

async function* chunks(
  depot: Depot,
  { id, parts }: Upload,
  first: Readable,
): AsyncGenerator<Buffer> {
  for (let ordinal = 0; ordinal < parts; ordinal += 1) {
    const chunk = ordinal === 0 ? first : await depot.read(chunkName(id, ordinal));
    for await (const bytes of chunk) yield bytes as Buffer;
  }
}
