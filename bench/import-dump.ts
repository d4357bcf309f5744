import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { tarGz, textFile } from '../archives/write-dump';
import type { TarFile } from '../archives/write-dump';
import { documentsWorkload } from './workloads/documents';

const chunkDocuments = 1_000;
const at = '2026-11-24T00:00:00Z';

/** The documents in chunks of 1,000, the same at each call, so memory holds one chunk. */
export function* documentChunks(count: number): Generator<object[]> {
  for (let from = 0; from < count; from += chunkDocuments) {
    const { text } = documentsWorkload(Math.min(chunkDocuments, count - from), from + 7);
    const documents = JSON.parse(text) as object[];
    yield documents.map((one, place) => ({ ...one, id: `sku-${String(from + place)}` }));
  }
}

function* lines(count: number): Generator<Buffer> {
  for (const chunk of documentChunks(count)) {
    yield Buffer.from(chunk.map((one) => `${JSON.stringify(one)}\n`).join(''));
  }
}

/** Writes a dump of one index. The documents are made twice: a tar says a file's size before its bytes. */
export async function writeBenchDump(file: string, uid: string, count: number): Promise<void> {
  let bytes = 0;
  for (const chunk of lines(count)) bytes += chunk.length;
  const folder = `indexes/${uid}`;
  async function* files(): AsyncGenerator<TarFile | { readonly directory: string }> {
    yield { directory: folder };
    const about = { uid, primaryKey: 'id', createdAt: at, updatedAt: at };
    yield textFile(`${folder}/metadata.json`, JSON.stringify(about));
    yield textFile(`${folder}/settings.json`, '{}');
    yield { path: `${folder}/documents.jsonl`, bytes, content: lines(count) };
    yield textFile('keys.jsonl', '');
    const made = { dumpVersion: 'V6', dbVersion: '1.50.0', dumpDate: at };
    yield textFile('metadata.json', JSON.stringify(made));
  }
  await pipeline(tarGz(files(), new Date(at)), createWriteStream(file));
}
