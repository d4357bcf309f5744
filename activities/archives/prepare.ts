import { drillPrefix } from '../../core/archives/drill';
import type { ImportPlan, ImportRef } from '../../core/archives/types';
import type { IndexTtl } from '../../core/fleet';
import { createIndex, dropIndexes } from '../index-life';
import { refuse } from '../errors';
import type { ActivityTools, Call } from '../tools';
import { openArchive, withArchives } from './open';

/** Makes the indexes that are not there, with the settings of the archive. */
export async function createImported(
  tools: ActivityTools,
  { ref, plan }: { readonly ref: ImportRef; readonly plan: ImportPlan },
  call: Call,
): Promise<void> {
  const missing = plan.indexes.filter(({ exists }) => !exists);
  if (missing.length === 0) return;
  const archive = openArchive(tools, ref.source);
  try {
    const contents = await withArchives(() =>
      archive.contents((documents) => call.beat({ documents })),
    );
    for (const { from, uid, physicalUid, primaryKey } of missing) {
      const found = contents.indexes.find((one) => one.uid === from);
      if (found === undefined || found.settings === null) {
        throw refuse('archive-refused', `The archive has no index ${from} any more.`);
      }
      const { createdAt, updatedAt, settings } = found;
      const ttl = ttlFor(ref, found.ttl);
      const index = {
        ...{ uid, physicalUid, primaryKey, createdAt, updatedAt, settings },
        ...(ttl === undefined ? {} : { ttl }),
      };
      await createIndex(tools, index, { who: ref.who, why: ref.why, call });
      call.beat({ created: uid });
    }
  } finally {
    archive.close();
  }
}

/** In the scratch of a drill nothing expires: it is compared with what the backup had. */
const ttlFor = ({ prefix }: ImportRef, ttl: IndexTtl | undefined): IndexTtl | undefined =>
  ttl !== undefined && prefix.startsWith(drillPrefix)
    ? { enabled: false, defaultTtlMs: null }
    : ttl;

/** Undoes an import: the indexes that it made go, with what clients wrote to them meanwhile. */
export async function dropImported(
  tools: ActivityTools,
  { ref, plan }: { readonly ref: ImportRef; readonly plan: ImportPlan },
  call: Call,
): Promise<void> {
  const made = plan.indexes.filter(({ exists }) => !exists);
  await dropIndexes(tools, made, { who: ref.who, why: ref.why, call });
}
