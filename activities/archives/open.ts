import type { Archive } from '../../archives/archive';
import { backupArchive } from '../../archives/backup-archive';
import { ArchiveError, isArchiveError } from '../../archives/depot';
import type { Depot } from '../../archives/depot';
import { dumpArchive } from '../../archives/dump-archive';
import { rejectedArchive } from '../../archives/rejected';
import { uploadStream } from '../../archives/uploads';
import type { ArchiveSource } from '../../core/archives/types';
import { refuse, tryAgain } from '../errors';
import type { ActivityTools } from '../tools';

/** The depot that a setting names; refused where it is switched off. */
export function depotOf({ archives }: ActivityTools, place: 'dumps' | 'backups'): Depot {
  const depot = archives[place];
  if (depot !== null) return depot;
  throw refuse('archive-refused', `The worker was given no ${place}.location.`);
}

export function openArchive(tools: ActivityTools, source: ArchiveSource): Archive {
  switch (source.kind) {
    case 'upload':
      return dumpArchive(() => uploadStream(depotOf(tools, 'dumps'), source));
    case 'file':
      return dumpArchive(() => depotOf(tools, 'dumps').read(source.name));
    case 's3': {
      const { depot, name } = splitUrl(tools, source.url);
      return dumpArchive(
        () => depot.read(name),
        () => depot.close(),
      );
    }
    case 'backup':
      return backupArchive(depotOf(tools, 'backups'), source.id);
    case 'rejected':
      return rejectedArchive(depotOf(tools, 'dumps'), source.importId);
  }
}

function splitUrl({ archives }: ActivityTools, url: string): { depot: Depot; name: string } {
  const slash = url.lastIndexOf('/');
  return { depot: archives.open(url.slice(0, slash)), name: url.slice(slash + 1) };
}

/** What retrying cannot cure becomes final; storage that does not answer is asked again. */
export function archiveFailure(error: unknown): unknown {
  if (!isArchiveError(error)) return error;
  const { code, message } = error;
  if (code === 'unreachable') return tryAgain('storage-unreachable', message);
  return refuse('archive-refused', message);
}

/** Runs what reads or writes archives, with its failures told apart. */
export async function withArchives<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw archiveFailure(error);
  }
}

export const notFound = (error: unknown): boolean =>
  error instanceof ArchiveError && error.code === 'not-found';
