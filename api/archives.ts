import type { Depot } from '../archives/depot';
import { isArchiveError } from '../archives/depot';
import { openDepot } from '../archives/open-depot';
import type { Config } from '../config/config';
import { MeiliError } from '../core/errors';

/** Where this pod finds archives. Null: switched off. */
export interface Archives {
  readonly dumps: Depot | null;
  readonly backups: Depot | null;
  close(): void;
}

export function openArchives({ dumps, backups, s3 }: Config): Archives {
  const open = (location: string | null): Depot | null =>
    location === null ? null : openDepot(location, s3);
  const archives = { dumps: open(dumps.location), backups: open(backups.location) };
  return {
    ...archives,
    close() {
      archives.dumps?.close();
      archives.backups?.close();
    },
  };
}

/** Refused with the setting that switches it on. */
export function demandDepot(
  { archives }: { readonly archives: Archives },
  place: 'dumps' | 'backups',
): Depot {
  const depot = archives[place];
  if (depot !== null) return depot;
  throw new MeiliError(
    'miroir_not_supported',
    `There are no ${place} here: the setting \`${place}.location\` says where they are.`,
  );
}

/** What an archive or its place cannot give, in the words of the api. */
export async function withDepot<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isArchiveError(error)) throw error;
    const { code, message } = error;
    if (code === 'not-found') throw new MeiliError('miroir_not_found', message);
    if (code === 'unreachable' || code === 'refused') {
      throw new MeiliError('miroir_storage_unavailable', message);
    }
    throw new MeiliError('bad_request', message);
  }
}
