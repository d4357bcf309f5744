import { MeiliError } from '../../core/errors';
import type { IndexEntry } from '../../core/fleet';
import { indexUidBytesMax } from '../../core/limits';
import type { ApiContext } from '../context';
import type { SearchTarget } from '../search/search';

/** Throws Meilisearch's `invalid_index_uid`. */
export function demandUid(uid: string): void {
  if (/^[A-Za-z0-9_-]+$/.test(uid) && uid.length <= indexUidBytesMax) return;
  throw new MeiliError(
    'invalid_index_uid',
    `\`${uid}\` is not a valid index uid. Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and can not be more than 512 bytes.`,
  );
}

/**
 * The one index behind a name: an index, or an alias with one target. Throws `miroir_not_supported` for
 * an alias with several: what is asked is a matter of one index.
 */
export function oneIndex(ctx: ApiContext, name: string): IndexEntry {
  demandUid(name);
  const found = ctx.fleet.index(name);
  if (found !== null) return found.entry;
  const targets = ctx.fleet.alias(name)?.targets ?? [];
  if (targets.length < 2) throw notFound(name);
  throw new MeiliError(
    'miroir_not_supported',
    `The alias \`${name}\` has ${targets.length} targets, and this is a matter of one index. Ask one of them: ${targets.map((target) => `\`${target}\``).join(', ')}.`,
  );
}

/** What a search of this name is asked of; the targets of a read alias are asked together. */
export function searchTarget(ctx: ApiContext, name: string): SearchTarget {
  demandUid(name);
  const [newest, ...older] = entriesOf(ctx, name);
  if (newest === undefined) throw notFound(name);
  return { name, entries: [newest, ...older] };
}

/** The indexes behind a name, newest first; none when there is no such index or alias. */
export function entriesOf(ctx: ApiContext, name: string): readonly IndexEntry[] {
  const found = ctx.fleet.index(name);
  if (found !== null) return [found.entry];
  return (ctx.fleet.alias(name)?.targets ?? [])
    .map((target) => ctx.fleet.index(target)?.entry)
    .filter((entry): entry is IndexEntry => entry !== undefined)
    .reverse();
}

function notFound(name: string): MeiliError {
  return new MeiliError('index_not_found', `Index \`${name}\` not found.`);
}
