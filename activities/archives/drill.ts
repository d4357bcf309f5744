import { readManifest } from '../../archives/backup-archive';
import { indexesMatching } from '../../core/archives/drill';
import { physicalUid } from '../../core/ids';
import type { ImportPlan } from '../../core/archives/types';
import { createPace } from '../sync/pace';
import { dropIndexes } from '../index-life';
import type { ActivityTools, Call } from '../tools';
import type { CompareRestoredRequest, DrillRecordRequest } from '../types';
import { withCollected } from './collect';
import { depotOf, withArchives } from './open';

/**
 * Reads back what a drill has restored and compares it with the manifest: as many documents, and the
 * same digest of them. A sentence for each difference.
 */
export async function compareRestored(
  tools: ActivityTools,
  { backup, plan, runKey }: CompareRestoredRequest,
  call: Call,
): Promise<readonly string[]> {
  const manifest = await withArchives(() => readManifest(depotOf(tools, 'backups'), backup));
  const failures: string[] = [];
  let before = 0;
  for (const { from, physicalUid: uid } of plan.indexes) {
    const wanted = manifest.indexes.find((one) => one.uid === from);
    if (wanted === undefined) continue;
    const pace = createPace(tools, call, runKey);
    const found = await withCollected(
      { tools, physicalUid: uid, call, pace, before },
      ({ documents, digest }) => Promise.resolve({ documents, digest }),
    );
    before += found.documents;
    if (found.documents !== wanted.documents) {
      failures.push(
        `${from} has ${String(found.documents)} documents, the backup ${String(wanted.documents)}.`,
      );
    } else if (found.digest !== wanted.digest) {
      failures.push(`${from} has other documents than the backup: their digests differ.`);
    }
  }
  return failures;
}

/** Deletes the scratch of a drill, also what an earlier one left that was ended by hand. */
export async function dropScratch(
  tools: ActivityTools,
  { prefix, plan, who, why }: { prefix: string; plan: ImportPlan | null; who: string; why: string },
  call: Call,
): Promise<void> {
  const { indexes } = await tools.store.fleet.load();
  const planned = plan?.indexes ?? [];
  const left = indexesMatching(indexes, prefix);
  const all = new Map([...planned, ...left].map((one) => [one.physicalUid, one.uid]));
  const going = [...all].map(([uid, name]) => ({ uid: name, physicalUid: physicalUid(uid) }));
  await dropIndexes(tools, going, { who, why, call });
}

/** Keeps the result where metrics, the api and the command line find it. */
export async function recordDrill(
  { store, clock }: ActivityTools,
  { report }: DrillRecordRequest,
): Promise<void> {
  const at = new Date(clock.now()).toISOString();
  const { backup, ok, failures, documents, seconds } = report;
  await store.restoreDrills.put({ id: backup ?? 'none', at, ok, failures, documents, seconds });
  const all = await store.restoreDrills.list();
  const old = all.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(drillsMax);
  for (const { id } of old) await store.restoreDrills.delete(id);
}

const drillsMax = 50;
