import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import type { Dirent } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ArchiveError, demandName, readBounded } from './depot';
import type { Depot, DepotEntry } from './depot';

/** Archives hold the settings' secrets: they are for the process that makes them. */
const fileMode = 0o600;
const partial = '.partial-';

const isMissing = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT';

/** A depot in a directory, made when something is first written. */
export function directoryDepot(path: string): Depot {
  const root = resolve(path);
  const at = (name: string): string => {
    demandName(name);
    return join(root, ...name.split('/'));
  };
  const depot: Depot = {
    url: root,
    async read(name) {
      const file = at(name);
      // Opening tells what is wrong here and not in the middle of a pipeline.
      const handle = await open(file, 'r').catch((error: unknown) => {
        if (isMissing(error))
          throw new ArchiveError('not-found', `There is no ${name} in ${root}.`);
        throw error;
      });
      return createReadStream('', { fd: handle, highWaterMark: 256 * 1024 });
    },
    async readAll(name, bytesMax) {
      return readBounded(await depot.read(name), bytesMax);
    },
    async write(name, content) {
      const file = at(name);
      await mkdir(dirname(file), { recursive: true });
      const temporary = join(dirname(file), partialFor(file));
      try {
        const source = content instanceof Uint8Array ? Readable.from([content]) : content;
        await pipeline(source, createWriteStream(temporary, { mode: fileMode, flush: true }));
        const { size } = await stat(temporary);
        await rename(temporary, file);
        return size;
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    async list(prefix) {
      return (await filesBelow(root)).filter(({ name }) => name.startsWith(prefix));
    },
    async delete(name) {
      await rm(at(name), { force: true });
    },
    async deleteAll(prefix) {
      await rm(at(prefix.replace(/\/$/, '')), { recursive: true, force: true });
    },
    async tidy(prefix) {
      for (const entry of await entriesBelow(root)) {
        const written = partialOf(entry.name);
        if (!entry.isFile() || written === null) continue;
        const name = nameIn(root, join(entry.parentPath, written));
        if (name.startsWith(prefix)) await rm(join(entry.parentPath, entry.name), { force: true });
      }
    },
    close: () => undefined,
  };
  return depot;
}

/** What is not whole yet is named for the file that it will be, so that leftovers can be told. */
const partialFor = (file: string): string =>
  `${partial}${basename(file).slice(0, partialNameMax)}-${randomBytes(6).toString('hex')}`;
const partialOf = (name: string): string | null =>
  /^\.partial-(.+)-[0-9a-f]{12}$/.exec(name)?.[1] ?? null;
/** A file system takes 255 bytes. */
const partialNameMax = 200;

const nameIn = (root: string, path: string): string => relative(root, path).split(sep).join('/');

async function entriesBelow(root: string): Promise<Dirent[]> {
  return await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

async function filesBelow(root: string): Promise<DepotEntry[]> {
  const found: DepotEntry[] = [];
  for (const entry of await entriesBelow(root)) {
    if (!entry.isFile() || entry.name.startsWith(partial)) continue;
    const path = join(entry.parentPath, entry.name);
    // It may be deleted between the listing and the look at it.
    const size = await stat(path).then(
      (one) => one.size,
      () => null,
    );
    if (size === null) continue;
    found.push({ name: nameIn(root, path), bytes: size });
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}
