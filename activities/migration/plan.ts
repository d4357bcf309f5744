import { createHmac } from 'node:crypto';
import type { Fleet, JsonValue } from '../../core/fleet';
import { indexUid } from '../../core/ids';
import type {
  MigratedIndex,
  MigrationInput,
  MigrationPlan,
  SourceMark,
} from '../../core/migration';
import type { NodeClient } from '../../meili/types';
import { refuse } from '../errors';
import type { ActivityTools, Call } from '../tools';
import { ask, isForbidden, withInstances } from './instances';

/** Documents a second through the api, before anything was measured: checked, routed and indexed. */
const defaultDocumentsPerSecond = 1_500;
const pageMax = 1_000;
const uidMax = 400;

/** What an index is called while it is being filled; nobody can search the name by accident. */
export const stagingOf = (uid: string): string => `miroir-migrating-${uid}`;

export interface OldKey {
  readonly uid: string;
  readonly key: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly actions: readonly string[];
  readonly indexes: readonly string[];
  readonly expiresAt: string | null;
}

/** All pages of a list of the old instance. */
async function listAll<T>(client: NodeClient, path: string, call: Call): Promise<T[]> {
  const found: T[] = [];
  for (;;) {
    const query = `offset=${String(found.length)}&limit=${String(pageMax)}`;
    const { status, body } = await ask(client, { method: 'GET', path: `${path}?${query}` }, call);
    if (status >= 400) {
      const text = typeof body['message'] === 'string' ? body['message'] : 'no message';
      throw refuse('migration-refused', `The old instance answered ${path}: ${text}`);
    }
    const page = body['results'] as unknown as T[];
    found.push(...page);
    if (page.length < pageMax) return found;
  }
}

export const listKeys = (client: NodeClient, call: Call): Promise<OldKey[]> =>
  listAll<OldKey>(client, '/keys', call);

export const listIndexes = (client: NodeClient, call: Call) =>
  listAll<{ uid: string; primaryKey: string | null }>(client, '/indexes', call);

/** What would be brought over, and why it might not be. Nothing is changed. */
export async function planMigration(
  tools: ActivityTools,
  input: MigrationInput,
  call: Call,
): Promise<MigrationPlan> {
  return withInstances(tools, input.source, async ({ old }) => {
    try {
      return await makePlan(tools, input, { old, call });
    } catch (error) {
      if (!isForbidden(error)) throw error;
      throw refuse('migration-refused', 'The old instance refuses the key: use its master key.');
    }
  });
}

async function makePlan(
  tools: ActivityTools,
  input: MigrationInput,
  { old, call }: { readonly old: NodeClient; readonly call: Call },
): Promise<MigrationPlan> {
  const { pkgVersion } = await old.version({ signal: call.signal });
  const stats = await old.allStats({ signal: call.signal });
  const present = (await listIndexes(old, call)).map(({ uid }) => uid).sort();
  const wanted = input.indexes ?? present;
  const fleet = await tools.store.fleet.load();
  const refused = wanted.flatMap((uid) => objections(fleet, uid, present.includes(uid)));
  const indexes = wanted
    .filter((uid) => present.includes(uid))
    .map((uid): MigratedIndex => {
      const { numberOfDocuments = 0, avgDocumentSize = 0 } = stats.indexes[uid] ?? {};
      const bytes = Math.round(numberOfDocuments * avgDocumentSize);
      const names = { uid: indexUid(uid), staging: indexUid(stagingOf(uid)) };
      return { ...names, documents: numberOfDocuments, bytes };
    });
  const keys = input.keys ? await listKeys(old, call) : [];
  refused.push(...keyObjections(tools.clientApi?.key ?? null, keys));
  const notes: string[] = [];
  for (const { uid } of indexes) notes.push(...(await notesOf(old, uid, call)));
  const documents = indexes.reduce((sum, one) => sum + one.documents, 0);
  return {
    ...{ kind: 'migration', epoch: fleet.epoch, source: new URL(input.source.url).origin },
    ...{ version: pkgVersion, indexes, keys: keys.length, documents, notes, refused },
    bytes: indexes.reduce((sum, one) => sum + one.bytes, 0),
    minutes: documents / defaultDocumentsPerSecond / 60,
  };
}

function objections(fleet: Fleet, uid: string, present: boolean): string[] {
  const named = (name: string): boolean =>
    fleet.indexes.some((entry) => entry.uid === indexUid(name)) ||
    fleet.aliases.some((alias) => alias.name === indexUid(name));
  const staging = stagingOf(uid);
  return [
    ...(present ? [] : [`the old instance has no index ${uid}`]),
    ...(named(uid) ? [`the fleet has an index or alias ${uid} already`] : []),
    ...(named(staging) ? [`${staging} is left of an earlier migration: delete it first`] : []),
    ...(staging.length > uidMax ? [`the name ${uid} is too long to be filled under another`] : []),
  ];
}

/**
 * A key's text follows from the master key and its uid. Under another master key clients would need new
 * keys, which is for the operator to decide: `keys: false`.
 */
function keyObjections(masterKey: string | null, keys: readonly OldKey[]): string[] {
  if (keys.length === 0) return [];
  if (masterKey === null) return ['the fleet has no master key, so it can have no API keys'];
  const differs = keys.some(({ uid, key }) => keyText(masterKey, uid) !== key);
  if (!differs) return [];
  return [
    'the fleet has another master key than the old instance, so its API keys would have other texts: ' +
      'give the fleet that master key, or leave the keys out',
  ];
}

export const keyText = (masterKey: string, uid: string): string =>
  createHmac('sha256', masterKey).update(uid).digest('hex');

async function notesOf(old: NodeClient, uid: string, call: Call): Promise<string[]> {
  const settings = await old.getSettings(uid as never, { signal: call.signal });
  return Object.entries((settings['embedders'] ?? {}) as { [name: string]: JsonValue })
    .filter(([, embedder]) => hasKey(embedder))
    .map(
      ([name]) =>
        `the embedder ${name} of ${uid} has a key, which Meilisearch does not tell: set it again ` +
        'after the cut over; documents bring their vectors along',
    );
}

const hasKey = (embedder: JsonValue): boolean =>
  typeof embedder === 'object' &&
  embedder !== null &&
  !Array.isArray(embedder) &&
  typeof embedder['apiKey'] === 'string';

/** The newest write of these indexes, swaps included, which Meilisearch lists under no index. */
export async function markSource(
  tools: ActivityTools,
  {
    source,
    indexes,
  }: { readonly source: MigrationInput['source']; readonly indexes: readonly string[] },
  call: Call,
): Promise<SourceMark> {
  return withInstances(tools, source, async ({ old }) => {
    const { signal } = call;
    const open = { statuses: ['enqueued', 'processing'] as const, limit: 1, signal };
    const queries = [{ indexUids: indexes }, { types: ['indexSwap'] }];
    let newest: SourceMark = { newest: -1, busy: false, what: 'nothing' };
    for (const query of queries) {
      const [task] = (await old.tasks({ ...query, limit: 1, signal })).results;
      const busy = newest.busy || (await old.tasks({ ...query, ...open })).results.length > 0;
      newest = { ...newest, busy };
      if (task !== undefined && task.uid > newest.newest) {
        const what = `${task.type} of ${task.indexUid ?? 'several indexes'}`;
        newest = { newest: task.uid, busy, what };
      }
    }
    return newest;
  });
}
