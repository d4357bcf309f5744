import { tarGz, textFile } from '../../archives/write-dump';
import type { TarFile } from '../../archives/write-dump';

export interface DumpedIndex {
  readonly uid: string;
  readonly primaryKey: string | null;
  readonly settings?: object;
  /** NDJSON. */
  readonly documents: string;
}

const at = '2026-01-01T00:00:00Z';

/** A dump as a real Meilisearch lays it out: documents come before what they need, as they may. */
export async function dumpOf(
  indexes: readonly DumpedIndex[],
  keys: readonly object[] = [],
  metadata: object = { dumpVersion: 'V6', dbVersion: '1.50.0', dumpDate: at },
): Promise<Buffer> {
  async function* files(): AsyncGenerator<TarFile | { readonly directory: string }> {
    yield textFile('keys.jsonl', keys.map((key) => `${JSON.stringify(key)}\n`).join(''));
    for (const { uid, primaryKey, settings = {}, documents } of indexes) {
      yield { directory: `indexes/${uid}` };
      yield textFile(`indexes/${uid}/documents.jsonl`, documents);
      const about = { uid, primaryKey, createdAt: at, updatedAt: at };
      yield textFile(`indexes/${uid}/metadata.json`, JSON.stringify(about));
      yield textFile(`indexes/${uid}/settings.json`, JSON.stringify(settings));
    }
    yield textFile('metadata.json', JSON.stringify(metadata));
  }
  const chunks: Buffer[] = [];
  for await (const chunk of tarGz(files(), new Date(at))) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
