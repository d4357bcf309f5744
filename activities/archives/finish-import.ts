import { forgetRejected } from '../../archives/rejected';
import { uploadBase } from '../../archives/uploads';
import type { ArchivedKey } from '../../core/archives/keys';
import type { ImportPlan, ImportRef } from '../../core/archives/types';
import type { FleetOp, Store } from '../../store/types';
import { indexUid } from '../../core/ids';
import { servedFeatures } from '../../core/served-features';
import type { ActivityTools, Call } from '../tools';
import { enableFeatures } from './client-api';
import { depotOf, openArchive, withArchives } from './open';
import { restoreRecords, restoresRecords } from './restore-records';

/**
 * What makes the imported indexes reachable as they were: keys of the same uids, so that their texts,
 * which are derived from the master key, go on being valid; features; aliases; policies and canaries.
 * Then what the import no longer needs goes.
 */
export async function finishImport(
  tools: ActivityTools,
  { ref, plan }: { readonly ref: ImportRef; readonly plan: ImportPlan },
  call: Call,
): Promise<{ keys: number; policies: number }> {
  const { source } = ref;
  let keys = 0;
  let policies = 0;
  if (plan.keys > 0 || plan.aliases > 0 || (plan.policies ?? 0) > 0 || ref.features) {
    const archive = openArchive(tools, source);
    try {
      const contents = await withArchives(() =>
        archive.contents((documents) => call.beat({ documents })),
      );
      if (ref.features) {
        const served = contents.features.filter((name) => servedFeatures.includes(name));
        await enableFeatures(tools, served, call);
      }
      if (ref.aliases) await setAliases(tools, ref, contents.aliases);
      // After the aliases, which policies work on.
      if (restoresRecords(ref)) policies = await restoreRecords(tools, contents, call);
      if (ref.keys) keys = await putKeys(tools.store, ref, contents.keys);
    } finally {
      archive.close();
    }
  }
  const depot = depotOf(tools, 'dumps');
  if (source.kind === 'upload') await depot.deleteAll(uploadBase(source.id));
  if (source.kind === 'rejected') await forgetRejected(depot, source.importId);
  return { keys, policies };
}

/** A key that is there keeps its name and description: they may have been changed since. */
async function putKeys(
  store: Store,
  { who, why }: ImportRef,
  keys: readonly ArchivedKey[],
): Promise<number> {
  for (const key of keys) await store.apiKeys.create(key);
  // Every pod loads the keys anew before it acknowledges the next epoch.
  await raiseEpoch(store, { who, why, what: 'import api keys' });
  return keys.length;
}

async function raiseEpoch(
  store: Store,
  audit: { readonly who: string; readonly why: string; readonly what: string },
): Promise<void> {
  for (;;) {
    const { ok } = await store.fleet.change(await store.fleet.epoch(), [], audit);
    if (ok) return;
  }
}

/** An alias that is there stays as it is. */
async function setAliases(
  { store }: ActivityTools,
  { who, why, prefix }: ImportRef,
  aliases: readonly { readonly name: string; readonly targets: readonly string[] }[],
): Promise<void> {
  await store.fleet.update({ who, why, what: 'import aliases' }, (fleet) => {
    const taken = new Set<string>([
      ...fleet.aliases.map(({ name }) => name),
      ...fleet.indexes.map(({ uid }) => uid),
    ]);
    const ops = aliases
      .map(({ name, targets }) => ({
        name: indexUid(`${prefix}${name}`),
        targets: targets.map((target) => indexUid(`${prefix}${target}`)),
      }))
      .filter(
        ({ name, targets }) => !taken.has(name) && targets.every((target) => taken.has(target)),
      )
      .map((alias): FleetOp => ({ op: 'set-alias', alias: { ...alias, history: [] } }));
    return ops.length === 0 ? null : ops;
  });
}
