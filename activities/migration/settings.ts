import { createHash } from 'node:crypto';
import type { JsonValue } from '../../core/fleet';
import type { MigratedIndex } from '../../core/migration';
import { isNodeError } from '../../meili/node-error';
import { refuse } from '../errors';
import type { Call } from '../tools';
import { fleetTask, named } from './instances';
import type { Instances } from './instances';

type Settings = { [name: string]: JsonValue };

/** Keys are shown masked; sent back the mask would become the key. */
function withoutMaskedKeys(settings: Settings): Settings {
  const embedders = settings['embedders'];
  if (typeof embedders !== 'object' || embedders === null || Array.isArray(embedders)) {
    return settings;
  }
  const plain = Object.entries(embedders).map(([name, embedder]): [string, JsonValue] => {
    if (typeof embedder !== 'object' || embedder === null || Array.isArray(embedder)) {
      return [name, embedder];
    }
    const { apiKey: _, ...rest } = embedder;
    return [name, rest];
  });
  return { ...settings, embedders: Object.fromEntries(plain) };
}

/**
 * Brings the old index's settings over when they are not those of `known`. Returns their name. Only what
 * differs is sent: every settings task is a pass over all documents.
 */
export async function levelSettings(
  instances: Instances,
  { index, known }: { readonly index: MigratedIndex; readonly known: string | null },
  call: Call,
): Promise<string> {
  const { signal } = call;
  const wanted = withoutMaskedKeys(await instances.old.getSettings(named(index.uid), { signal }));
  const name = createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 16);
  if (name === known) return name;
  const staging = named(index.staging);
  const present = withoutMaskedKeys(await instances.fleet.getSettings(staging, { signal }));
  const changes = Object.entries(wanted).filter(
    ([setting, value]) => JSON.stringify(present[setting] ?? null) !== JSON.stringify(value),
  );
  if (changes.length === 0) return name;
  try {
    const uid = await instances.fleet.updateSettings(staging, Object.fromEntries(changes), {
      signal,
    });
    await fleetTask(instances, uid, call);
  } catch (error) {
    if (!isNodeError(error) || error.status === null || error.status >= 500) throw error;
    throw refuse('migration-refused', `The settings of ${index.uid}: ${error.message}`);
  }
  return name;
}
