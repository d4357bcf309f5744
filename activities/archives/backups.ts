import { backupIds, madeAtMs, readManifest, unfinishedIds } from '../../archives/backup-archive';
import { indexBase } from '../../archives/parts';
import { manifestName, manifestVersion } from '../../core/archives/manifest';
import type { BackupManifest } from '../../core/archives/manifest';
import type {
  ArchiveStart,
  ArchivedIndex,
  PartsRef,
  WrittenIndex,
} from '../../core/archives/types';
import type { ActivityTools, Call } from '../tools';
import { depotOf, notFound, withArchives } from './open';
import { readArchived } from './write-parts';

const keysMax = 100_000;

/**
 * Writes the manifest, which makes the parts a backup: it is the last file, so a backup that was
 * interrupted is not taken for one.
 */
export async function writeManifest(
  tools: ActivityTools,
  request: {
    readonly ref: PartsRef;
    readonly start: ArchiveStart;
    readonly indexes: readonly WrittenIndex[];
  },
  call: Call,
): Promise<void> {
  const { ref, start, indexes } = request;
  const { store, clock } = tools;
  await withArchives(async () => {
    const archived: ArchivedIndex[] = [];
    for (const { ordinal } of indexes) {
      archived.push(await readArchived(tools, ref, ordinal));
      call.beat({ ordinal });
    }
    const { epoch, aliases } = await store.fleet.load();
    const manifest: BackupManifest = {
      ...{ format: 'miroir-backup', version: manifestVersion, id: ref.base },
      ...{ startedAt: start.startedAt, finishedAt: new Date(clock.now()).toISOString() },
      ...{ upToTask: start.upToTask, epoch, indexes: archived },
      aliases: aliases.map(({ name, targets }) => ({ name, targets })),
      keys: await store.apiKeys.list({ limit: keysMax }),
      policies: await store.rolloverPolicies.list(),
      canaries: await store.canaries.list(),
      features: (await store.experimentalFeatures.list())
        .filter(({ enabled }) => enabled)
        .map(({ name }) => name),
    };
    const depot = depotOf(tools, ref.place);
    await depot.tidy(`${ref.base}/`);
    const text = Buffer.from(JSON.stringify(manifest), 'utf8');
    await depot.write(`${ref.base}/${manifestName}`, text);
  });
}

/** What has no manifest for so long is under way nowhere any more. */
const unfinishedMsMax = 24 * 3_600_000;

/**
 * Deletes the oldest complete backups beyond `keep`, the manifest first, so that none is half there. Spared
 * are those younger than `keepMs`, and the newest one that a drill has proven: what is newer may not hold.
 * What a run that was ended by hand has left goes, too. Returns the complete ones that it deleted.
 */
export async function retainBackups(
  tools: ActivityTools,
  { keep, keepMs = null }: { readonly keep: number; readonly keepMs?: number | null },
  call: Call,
): Promise<readonly string[]> {
  return await withArchives(async () => {
    const depot = depotOf(tools, 'backups');
    const now = tools.clock.now();
    const ids = await backupIds(depot);
    const proven = await newestProven(tools, ids);
    const youngest = keepMs === null ? Infinity : now - keepMs;
    const doomed = ids
      .slice(0, -keep)
      .filter((id) => id !== proven && (madeAtMs(id) ?? 0) <= youngest);
    for (const id of doomed) {
      await depot.delete(`${id}/${manifestName}`);
      await depot.deleteAll(`${id}/`);
      call.beat({ deleted: id });
    }
    for (const id of await unfinishedIds(depot)) {
      if ((madeAtMs(id) ?? now) > now - unfinishedMsMax) continue;
      await depot.deleteAll(`${id}/`);
      call.beat({ deleted: id });
    }
    return doomed;
  });
}

async function newestProven(
  { store }: ActivityTools,
  ids: readonly string[],
): Promise<string | null> {
  const drills = await store.restoreDrills.list();
  const held = new Set(drills.filter(({ ok }) => ok).map(({ id }) => id));
  return ids.filter((id) => held.has(id)).at(-1) ?? null;
}

/** The newest complete backup; null: there is none. */
export async function newestBackup(tools: ActivityTools): Promise<string | null> {
  return await withArchives(
    async () => (await backupIds(depotOf(tools, 'backups'))).at(-1) ?? null,
  );
}

/** Whether every part of a backup is there as it was written. A reason for each that is not. */
export async function checkBackup(
  tools: ActivityTools,
  { id }: { readonly id: string },
  call: Call,
): Promise<readonly string[]> {
  return await withArchives(async () => {
    const depot = depotOf(tools, 'backups');
    const sizes = new Map((await depot.list(`${id}/`)).map(({ name, bytes }) => [name, bytes]));
    const failures: string[] = [];
    try {
      for (const [ordinal, index] of (await readManifest(depot, id)).indexes.entries()) {
        for (const { name } of index.parts) {
          if (!sizes.has(name)) failures.push(`${index.uid}: ${name} is missing.`);
        }
        call.beat({ checked: indexBase(id, ordinal) });
      }
    } catch (error) {
      if (!notFound(error)) throw error;
      failures.push(`The backup ${id} has no manifest.`);
    }
    return failures;
  });
}
