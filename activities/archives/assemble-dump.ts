import { readParts } from '../../archives/parts';
import { tarGz, textFile } from '../../archives/write-dump';
import type { TarFile } from '../../archives/write-dump';
import { keyForDump } from '../../core/archives/keys';
import type { PartsRef, WrittenIndex } from '../../core/archives/types';
import type { ArchivedIndex } from '../../core/archives/types';
import type { JsonValue } from '../../core/fleet';
import type { ActivityTools, Call } from '../tools';
import { depotOf, withArchives } from './open';
import { readArchived } from './write-parts';

/** The engine whose dumps these are; what it cannot read is not written. */
const dbVersion = '1.50.0';
const keysMax = 100_000;

/**
 * Makes of the parts the one file that `meilisearch --import-dump` loads: hidden fields are gone from
 * the parts already, settings are the clients', keys have their uids. Replaces what an earlier attempt
 * left.
 */
export async function assembleDump(
  tools: ActivityTools,
  request: {
    readonly ref: PartsRef;
    readonly file: string;
    readonly startedAt: string;
    readonly indexes: readonly WrittenIndex[];
  },
  call: Call,
): Promise<{ bytes: number }> {
  const { ref, file, startedAt, indexes } = request;
  return await withArchives(async () => {
    const entries = filesOf(tools, { ref, startedAt, indexes }, call);
    const depot = depotOf(tools, ref.place);
    const bytes = await depot.write(file, tarGz(entries, new Date(startedAt)));
    // An attempt before this one may have died while it wrote.
    await depot.tidy(file);
    return { bytes };
  });
}

async function* filesOf(
  tools: ActivityTools,
  {
    ref,
    startedAt,
    indexes,
  }: { ref: PartsRef; startedAt: string; indexes: readonly WrittenIndex[] },
  call: Call,
): AsyncGenerator<TarFile | { readonly directory: string }> {
  const { store } = tools;
  const metadata = { dumpVersion: 'V6', dbVersion, dumpDate: startedAt };
  yield textFile('metadata.json', JSON.stringify(metadata));
  const keys = await store.apiKeys.list({ limit: keysMax });
  yield textFile('keys.jsonl', keys.map((key) => `${JSON.stringify(keyForDump(key))}\n`).join(''));
  const features = await store.experimentalFeatures.list();
  yield textFile('experimental-features.json', JSON.stringify(featuresOf(features)));
  yield { directory: 'tasks' };
  // A fleet's tasks name tasks of nodes that the one Meilisearch has not.
  yield textFile('tasks/queue.jsonl', '');
  yield { directory: 'batches' };
  yield textFile('batches/queue.jsonl', '');
  yield { directory: 'indexes' };
  for (const { ordinal } of indexes) {
    call.signal.throwIfAborted();
    const index = await readArchived(tools, ref, ordinal);
    yield* indexFiles(tools, ref, index);
    call.beat({ assembled: ordinal });
  }
}

async function* indexFiles(
  tools: ActivityTools,
  ref: PartsRef,
  index: ArchivedIndex,
): AsyncGenerator<TarFile | { readonly directory: string }> {
  const { uid, primaryKey, createdAt, updatedAt, settings, bytes } = index;
  const folder = `indexes/${uid}`;
  yield { directory: folder };
  const metadata = { uid, primaryKey, createdAt, updatedAt };
  yield textFile(`${folder}/metadata.json`, JSON.stringify(metadata));
  yield textFile(`${folder}/settings.json`, JSON.stringify(settings));
  const content = readParts(depotOf(tools, ref.place), index);
  yield { path: `${folder}/documents.jsonl`, bytes, content };
}

const featuresOf = (
  features: readonly { readonly name: string; readonly enabled: boolean }[],
): { [name: string]: JsonValue } =>
  Object.fromEntries(features.map(({ name, enabled }) => [name, enabled]));
