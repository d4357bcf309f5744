import type { RejectedDocument } from '../core/archives/types';
import type { Archive } from './archive';
import { ArchiveError } from './depot';
import type { Depot } from './depot';
import { linesOf, skipLines } from './lines';

const base = (importId: string): string => `imports/${importId}/rejected/`;
const listBytesMax = 256 * 1024 * 1024;

/** Where a batch begins: the index's position in the plan, and a line of it. */
export interface BatchPlace {
  readonly indexAt: number;
  readonly line: number;
}

/**
 * Sets documents of one batch aside. The name says where the batch begins, so a second attempt replaces
 * what the first one wrote.
 */
export async function setAside(
  depot: Depot,
  importId: string,
  { at, documents }: { readonly at: BatchPlace; readonly documents: readonly RejectedDocument[] },
): Promise<void> {
  if (documents.length === 0) return;
  const { indexAt, line } = at;
  const place = `${String(indexAt).padStart(5, '0')}-${String(line).padStart(12, '0')}`;
  const text = documents.map((one) => `${JSON.stringify(one)}\n`).join('');
  await depot.write(`${base(importId)}${place}.jsonl`, Buffer.from(text, 'utf8'));
}

/** All that an import set aside, in the order of the archive, as NDJSON. */
export async function* rejectedText(depot: Depot, importId: string): AsyncGenerator<Buffer> {
  for (const { name } of await depot.list(base(importId))) {
    yield await depot.readAll(name, listBytesMax);
  }
}

export async function rejectedDocuments(
  depot: Depot,
  importId: string,
): Promise<RejectedDocument[]> {
  const found: RejectedDocument[] = [];
  for await (const text of rejectedText(depot, importId)) {
    for (const line of text.toString('utf8').split('\n')) {
      if (line !== '') found.push(JSON.parse(line) as RejectedDocument);
    }
  }
  return found;
}

export const forgetRejected = (depot: Depot, importId: string): Promise<void> =>
  depot.deleteAll(`imports/${importId}/`);

/** What was set aside, to be sent again: documents only, for indexes that are there. */
export function rejectedArchive(depot: Depot, importId: string): Archive {
  const byIndex = async (): Promise<Map<string, RejectedDocument[]>> => {
    const all = new Map<string, RejectedDocument[]>();
    for (const one of await rejectedDocuments(depot, importId)) {
      all.set(one.index, [...(all.get(one.index) ?? []), one]);
    }
    if (all.size === 0) {
      throw new ArchiveError('not-found', `The import ${importId} has set nothing aside.`);
    }
    return all;
  };
  return {
    async contents() {
      const indexes = [...(await byIndex())].map(([uid, documents]) => ({
        ...{ uid, primaryKey: null, settings: null, createdAt: '', updatedAt: '' },
        documents: documents.length,
        bytes: documents.reduce((sum, { document }) => sum + Buffer.byteLength(document), 0),
      }));
      const none = { policies: [], canaries: [] };
      const nothing = { keys: [], features: [], aliases: [], ...none, notes: [] };
      return {
        version: `import ${importId}`,
        madeAt: new Date(0).toISOString(),
        indexes,
        ...nothing,
      };
    },
    async *documents({ from, lineBytesMax }) {
      for (const [uid, documents] of await byIndex()) {
        const first = from(uid);
        if (first === null) continue;
        const text = Buffer.from(documents.map(({ document }) => document).join('\n'), 'utf8');
        yield { uid, first, lines: skipLines(linesOf(chunk(text), lineBytesMax), first) };
      }
    },
    close: () => undefined,
  };
}

async function* chunk(text: Buffer): AsyncGenerator<Buffer> {
  yield text;
}
