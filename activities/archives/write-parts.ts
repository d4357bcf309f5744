import { PartsWriter, indexBase } from '../../archives/parts';
import type {
  ArchiveStart,
  ArchiveTarget,
  ArchivedIndex,
  PartsRef,
  WrittenIndex,
} from '../../core/archives/types';
import type { FleetTaskUid } from '../../core/ids';
import { isRefusal } from '../errors';
import { createPace } from '../sync/pace';
import { entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { withCollected } from './collect';
import { depotOf, withArchives } from './open';

const indexName = 'index.json';
const indexBytesMax = 256 * 1024 * 1024;

/** The point that the archive will be consistent to, and the indexes as they are named at it. */
export async function startArchive(
  { store, clock }: ActivityTools,
  { taskUid }: { readonly taskUid: number | null },
): Promise<ArchiveStart> {
  const upToTask = taskUid ?? (await store.tasks.lastUid()) ?? -1;
  const { indexes } = await store.fleet.load();
  return {
    upToTask,
    startedAt: new Date(clock.now()).toISOString(),
    indexes: indexes
      .map(({ uid, physicalUid }) => ({ uid, physicalUid }))
      .sort((a, b) => (a.uid < b.uid ? -1 : 1)),
  };
}

/** Waits until every task up to the point is over; the archive's own task is not waited for. */
export async function awaitTasks(
  { store, clock }: ActivityTools,
  { upTo, own }: { readonly upTo: number; readonly own: number | null },
  call: Call,
): Promise<void> {
  let pauseMs = 20;
  for (;;) {
    const open = await openUpTo(store.tasks, { upTo, own });
    call.beat({ open: open.length, oldest: open[0] ?? null });
    if (open.length === 0) return;
    await clock.sleep(pauseMs, call.signal);
    pauseMs = Math.min(pauseMs * 2, 1_000);
  }
}

/** Other dumps and exports change no document, and two that waited for each other would never end. */
const readers: ReadonlySet<string> = new Set(['dumpCreation', 'export', 'taskCancelation']);

async function openUpTo(
  tasks: ActivityTools['store']['tasks'],
  { upTo, own }: { readonly upTo: number; readonly own: number | null },
): Promise<FleetTaskUid[]> {
  const found: FleetTaskUid[] = [];
  for (const uid of await tasks.open()) {
    if (uid > upTo || uid === own) continue;
    const task = await tasks.get(uid);
    if (task !== null && !readers.has(task.type)) found.push(uid);
  }
  return found;
}

/**
 * Writes one index as parts, with its settings beside them. Null: it was deleted meanwhile. A second
 * attempt begins again and replaces what the first one wrote.
 */
export async function writeIndexParts(
  tools: ActivityTools,
  request: {
    readonly ref: PartsRef;
    readonly ordinal: number;
    readonly index: ArchiveTarget;
    readonly before: number;
  },
  call: Call,
): Promise<WrittenIndex | null> {
  const { ref, ordinal, index, before } = request;
  const depot = depotOf(tools, ref.place);
  const base = indexBase(ref.base, ordinal);
  const pace = createPace(tools, call, ref.runKey);
  const { physicalUid } = index;
  try {
    const entry = await entryOf(tools, physicalUid);
    return await withArchives(() =>
      withCollected({ tools, physicalUid, call, pace, before }, async (collected) => {
        const writer = new PartsWriter(depot, base);
        for await (const document of collected.inOrder) await writer.add(document);
        const parts = await writer.finish();
        const { primaryKey, createdAt, updatedAt, shardCount, settings, settingsVersion } = entry;
        const { ttl } = entry;
        const archived: ArchivedIndex = {
          ...{ uid: index.uid, primaryKey, createdAt, updatedAt },
          ...{ shardCount, settings, settingsVersion, parts },
          ...(ttl === undefined ? {} : { ttl }),
          documents: collected.documents,
          bytes: parts.reduce((sum, { bytes }) => sum + bytes, 0),
          digest: collected.digest,
        };
        await depot.write(`${base}/${indexName}`, Buffer.from(JSON.stringify(archived)));
        const { documents, bytes, digest } = archived;
        return { ordinal, uid: index.uid, documents, bytes, digest };
      }),
    );
  } catch (error) {
    if (isRefusal(error, 'index-gone')) return null;
    throw error;
  }
}

/** What `writeIndexParts` wrote beside the parts. */
export async function readArchived(
  tools: ActivityTools,
  ref: PartsRef,
  ordinal: number,
): Promise<ArchivedIndex> {
  const name = `${indexBase(ref.base, ordinal)}/${indexName}`;
  const text = await depotOf(tools, ref.place).readAll(name, indexBytesMax);
  return JSON.parse(text.toString('utf8')) as ArchivedIndex;
}

/** Deletes the parts of an archive that is made, or given up. */
export async function dropParts(tools: ActivityTools, ref: PartsRef): Promise<void> {
  await withArchives(() => depotOf(tools, ref.place).deleteAll(`${ref.base}/`));
}
