import { manifestName, parseManifest } from '../core/archives/manifest';
import type { BackupManifest } from '../core/archives/manifest';
import type { ArchivedIndex } from '../core/archives/types';
import type { Archive } from './archive';
import { ArchiveError } from './depot';
import type { Depot } from './depot';
import { linesOf } from './lines';
import type { Line } from './lines';
import { readPart } from './parts';

const manifestBytesMax = 256 * 1024 * 1024;

/** Throws ArchiveError: there is none, it is not complete, or it cannot be read. */
export async function readManifest(depot: Depot, id: string): Promise<BackupManifest> {
  const text = (await depot.readAll(`${id}/${manifestName}`, manifestBytesMax)).toString('utf8');
  const read = parseManifest(text);
  if (!read.ok) throw new ArchiveError('corrupt', `${id}: ${read.reason}`);
  return read.manifest;
}

/** The ids of complete backups, oldest first: ids begin with the time at which they were made. */
export async function backupIds(depot: Depot): Promise<string[]> {
  const suffix = `/${manifestName}`;
  const files = await depot.list('');
  return files
    .filter(({ name }) => name.endsWith(suffix) && name.split('/').length === 2)
    .map(({ name }) => name.slice(0, -suffix.length))
    .sort();
}

/** The ids of what was begun and has no manifest: under way, or left by a run that was ended by hand. */
export async function unfinishedIds(depot: Depot): Promise<string[]> {
  const files = await depot.list('');
  const begun = new Set(files.map(({ name }) => name.split('/')[0] ?? ''));
  const complete = new Set(await backupIds(depot));
  return [...begun].filter((id) => madeAtMs(id) !== null && !complete.has(id)).sort();
}

/** When a backup was begun, in milliseconds since 1970, as its id says; null: this is no id of one. */
export function madeAtMs(id: string): number | null {
  const match = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)(\d{3})$/.exec(id);
  if (match === null) return null;
  const [, year, month, day, hour, minute, second, ms] = match.map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, ms);
}

/** A backup of a fleet, which any other fleet can be filled from. */
export function backupArchive(depot: Depot, id: string): Archive {
  let read: Promise<BackupManifest> | null = null;
  const manifest = (): Promise<BackupManifest> => (read ??= readManifest(depot, id));
  return {
    async contents() {
      const { indexes, keys, features, aliases, finishedAt, ...rest } = await manifest();
      const { policies, canaries } = rest;
      return {
        version: `backup ${rest.id}`,
        madeAt: finishedAt,
        indexes: indexes.map((index) => ({
          ...{ uid: index.uid, primaryKey: index.primaryKey, settings: index.settings },
          ...{ createdAt: index.createdAt, updatedAt: index.updatedAt },
          ...{ documents: index.documents, bytes: index.bytes },
          ...(index.ttl === undefined ? {} : { ttl: index.ttl }),
        })),
        ...{ keys, features, aliases, policies, canaries, notes: [] },
      };
    },
    async *documents({ from, lineBytesMax }) {
      for (const index of (await manifest()).indexes) {
        const first = from(index.uid);
        if (first === null) continue;
        yield { uid: index.uid, first, lines: linesFrom(depot, index, { first, lineBytesMax }) };
      }
    },
    close: () => undefined,
  };
}

/** Parts before the first wanted line are not read at all. */
async function* linesFrom(
  depot: Depot,
  { parts }: ArchivedIndex,
  { first, lineBytesMax }: { readonly first: number; readonly lineBytesMax: number },
): AsyncGenerator<readonly Line[]> {
  let before = 0;
  for (const part of parts) {
    const skip = Math.max(0, first - before);
    before += part.documents;
    if (skip >= part.documents) continue;
    const bytes = await readPart(depot, part);
    for await (const lines of linesOf(oneChunk(bytes), lineBytesMax)) {
      yield skip === 0 ? lines : lines.slice(skip);
    }
  }
}

async function* oneChunk(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
