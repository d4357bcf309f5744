import { findEngine } from '../../local/engines';
import { startNodeProcess } from '../../local/node-process';
import type { PartContext } from '../../local/part';
import { digestDocument } from '../../core/digest';
import { removeMembers } from '../../core/json/members';
import { scanArrayItems, scanObject } from '../../core/json/scan';

/** Whether a real Meilisearch is at hand. */
export const realEngine = (process.env['MEILISEARCH_BIN'] ?? '') !== '';

/** A real Meilisearch that has loaded a dump. */
export async function loadDump(
  context: PartContext,
  options: { readonly id: string; readonly masterKey: string; readonly dump: string },
): Promise<{ readonly url: string; readonly key: string }> {
  const engine = await findEngine(process.env, 'auto');
  const { id, masterKey, dump } = options;
  const withDump: typeof engine = {
    ...engine,
    launch: (node) => {
      const launched = engine.launch(node);
      return { ...launched, args: [...launched.args, '--import-dump', dump] };
    },
  };
  const { url } = await startNodeProcess(context, withDump, { id, group: 0, masterKey, port: 0 });
  return { url, key: masterKey };
}

/** One Meilisearch or one fleet: both speak the same language. */
export interface Server {
  readonly url: string;
  readonly key: string;
}

export async function ask(server: Server, path: string, body?: object): Promise<Buffer> {
  const response = await fetch(new URL(path, server.url), {
    headers: {
      authorization: `Bearer ${server.key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(`${path}: ${String(response.status)} ${bytes.toString()}`);
  return bytes;
}

export async function askJson<T>(server: Server, path: string): Promise<T> {
  return JSON.parse((await ask(server, path)).toString()) as T;
}

/**
 * Every document of an index, in the order of the listing, each as the digest of its bytes with its
 * members sorted: nodes show members in the order in which they first saw the names.
 */
export async function documentsOf(server: Server, uid: string): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    const body = { offset: found.length, limit: 1_000, retrieveVectors: true };
    const bytes = await ask(server, `/indexes/${uid}/documents/fetch`, body);
    const before = found.length;
    scanObject(bytes, 0, (name, start) => {
      if (name !== 'results') return;
      scanArrayItems(bytes, start, (from, end) => {
        found.push(digestDocument(withoutEmptyVectors(bytes, from, end)));
      });
    });
    if (found.length === before) return found;
  }
}

/** An empty `_vectors` says that there are none; a dump leaves it out. */
function withoutEmptyVectors(bytes: Buffer, from: number, end: number): Uint8Array {
  let empty = false;
  scanObject(bytes, from, (name, start, to) => {
    if (name === '_vectors') empty = bytes.subarray(start, to).toString() === '{}';
  });
  return removeMembers(bytes, from, end, (name) => empty && name === '_vectors');
}

export interface KeyView {
  readonly uid: string;
  readonly key: string;
}

export async function keysOf(server: Server): Promise<KeyView[]> {
  const { results } = await askJson<{ results: KeyView[] }>(server, '/keys?limit=100');
  return results;
}
