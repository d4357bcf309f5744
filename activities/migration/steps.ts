import type { MigratedIndex, MigrationSource } from '../../core/migration';
import type { Verdict } from '../../core/operations';
import { refuse } from '../errors';
import type { ActivityTools, Call } from '../tools';
import { ask, fleetTask, named, withInstances } from './instances';
import { keyText, listIndexes, listKeys } from './plan';
import type { OldKey } from './plan';

interface OfIndexes {
  readonly source: MigrationSource;
  readonly indexes: readonly MigratedIndex[];
}

/** Makes the indexes under their staging names. Settings come before documents, with the first look. */
export async function prepareStaging(
  tools: ActivityTools,
  { source, indexes }: OfIndexes,
  call: Call,
): Promise<void> {
  await withInstances(tools, source, async (instances) => {
    for (const { uid, staging } of indexes) {
      if ((await instances.fleet.getIndex(named(staging), { signal: call.signal })) !== null)
        continue;
      const found = await instances.old.getIndex(named(uid), { signal: call.signal });
      const primaryKey = found?.primaryKey ?? null;
      const options = { signal: call.signal };
      await fleetTask(
        instances,
        await instances.fleet.createIndex(named(staging), primaryKey, options),
        call,
      );
    }
  });
}

/** Indexes that the old instance got since the plan was made, when all of them were asked for. */
export async function newIndexes(
  tools: ActivityTools,
  { source, indexes }: OfIndexes,
  call: Call,
): Promise<readonly string[]> {
  return withInstances(tools, source, async ({ old }) => {
    const known = new Set<string>(indexes.map(({ uid }) => uid));
    return (await listIndexes(old, call)).map(({ uid }) => uid).filter((uid) => !known.has(uid));
  });
}

/**
 * Makes the old instance's API keys in the fleet, by their uids, so that their texts stay. Returns those
 * that it made: an undo takes away no other. Keys that have run out can be made nowhere.
 */
export async function copyKeys(
  tools: ActivityTools,
  { source }: { readonly source: MigrationSource },
  call: Call,
): Promise<readonly string[]> {
  const masterKey = tools.clientApi?.key ?? null;
  return withInstances(tools, source, async ({ old, fleet }) => {
    const made: string[] = [];
    for (const key of await listKeys(old, call)) {
      if (key.expiresAt !== null && Date.parse(key.expiresAt) <= tools.clock.now()) continue;
      if (masterKey === null || keyText(masterKey, key.uid) !== key.key) {
        throw refuse('migration-refused', 'The master keys differ, so the API keys would, too.');
      }
      const { status, body } = await ask(
        fleet,
        { method: 'POST', path: '/keys', body: shown(key) },
        call,
      );
      if (status < 300) made.push(key.uid);
      else if (body['code'] !== 'api_key_already_exists') {
        throw refuse('migration-refused', `The key ${key.uid}: ${String(body['code'])}`);
      }
    }
    return made;
  });
}

function shown({ uid, name, description, actions, indexes, expiresAt }: OldKey): object {
  return { uid, name, description, actions, indexes, expiresAt };
}

/** All indexes get their names in one step of the catalogue. Said again it finds that done. */
export async function publishIndexes(
  tools: ActivityTools,
  { source, indexes }: OfIndexes,
  call: Call,
): Promise<Verdict> {
  return withInstances(tools, source, async (instances) => {
    const has = async (uid: string): Promise<boolean> =>
      (await instances.fleet.getIndex(named(uid), { signal: call.signal })) !== null;
    const left: MigratedIndex[] = [];
    for (const index of indexes) if (await has(index.staging)) left.push(index);
    if (left.length === 0) return { ok: true };
    const body = left.map(({ staging, uid }) => ({ indexes: [staging, uid], rename: true }));
    const answer = await ask(
      instances.fleet,
      { method: 'POST', path: '/swap-indexes', body },
      call,
    );
    if (answer.status >= 400) return { ok: false, reason: String(answer.body['message']) };
    try {
      await fleetTask(instances, answer.body['taskUid'], call);
    } catch (error) {
      if ((error as { type?: unknown }).type !== 'migration-refused') throw error;
      return { ok: false, reason: (error as Error).message };
    }
    return { ok: true };
  });
}

/** Before the cut over only: takes away what the migration has made. */
export async function undoMigration(
  tools: ActivityTools,
  { source, indexes, keys }: OfIndexes & { readonly keys: readonly string[] },
  call: Call,
): Promise<void> {
  await withInstances(tools, source, async (instances) => {
    for (const { staging } of indexes) {
      if ((await instances.fleet.getIndex(named(staging), { signal: call.signal })) === null)
        continue;
      const uid = await instances.fleet.deleteIndex(named(staging), { signal: call.signal });
      await fleetTask(instances, uid, call);
    }
    for (const uid of keys) {
      await ask(instances.fleet, { method: 'DELETE', path: `/keys/${uid}` }, call);
    }
  });
}
