/**
 * Goal: an export sends the documents of all nodes once, byte for byte, without hidden fields and in the
 * order of insertion; settings where they are wanted; nothing where a filter is wrong; and a side that
 * does not answer, refuses or takes little at a time is met as a client would expect.
 *
 * Method: the activities on embedded nodes (and real ones where they are at hand), with the shards on two
 * of them, and a third node or a small server as the other side.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { ExportOrder, ExportTarget } from '../../core/export/types';
import type { JsonValue } from '../../core/fleet';
import { fleetTaskUid, indexUid } from '../../core/ids';
import type { FleetTask } from '../../store/task-types';
import { seal } from '../../store/sealed';
import { draft } from '../store/support';
import { waitFor } from '../support/wait-for';
import { products, productsUid, shardCount, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';
import { engines, startNodes } from './nodes-for-test';

jest.setTimeout(60_000);

const remoteKey = 'the-key-of-the-other-side';
const taskUid = 7;
const target: ExportTarget = { uid: productsUid, physicalUid: products, pattern: 'prod*' };

let fleet: TestFleet;
let closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(closing.map((close) => close()));
  closing = [];
  await fleet.close();
});

async function give(order: Partial<ExportOrder> & { url: string }): Promise<void> {
  const choices = [{ pattern: 'prod*', filter: null, overrideSettings: false }];
  const run = {
    ...{ sealedKey: seal(fleet.masterKey, remoteKey), payloadBytes: 300, choices },
    ...order,
  };
  const task: FleetTask = {
    ...draft({ physicalUid: null, indexUid: null }),
    ...{ uid: fleetTaskUid(taskUid), type: 'export', status: 'enqueued', nodeTasks: [] },
    details: { url: order.url },
    extra: { run: run as unknown as JsonValue },
  } as FleetTask;
  await fleet.store.tasks.save(task);
}

const send = (exists: boolean) =>
  fleet.run('exportIndex', { taskUid, target, exists, before: 0, runKey: 'export/7' });

const only = (filter: JsonValue, overrideSettings = false) => ({
  choices: [{ pattern: 'prod*', filter, overrideSettings }],
});

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly key: string | undefined;
  readonly body: string;
}

/** Another side that notes what it is sent and answers as it is told. */
async function listener(
  answer: (seen: Seen) => { status: number; body?: object } | null,
): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const zipped = request.headers['content-encoding'] === 'gzip';
    const one: Seen = {
      ...{ method: request.method ?? '', url: request.url ?? '' },
      key: request.headers.authorization,
      body: (zipped ? gunzipSync(bytes) : bytes).toString(),
    };
    seen.push(one);
    const said = answer(one);
    if (said === null) return void request.socket.destroy();
    response.writeHead(said.status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(said.body ?? { taskUid: seen.length }));
  };
  const server: Server = createServer((request, response) => void take(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  );
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, seen };
}

const lines = (seen: readonly Seen[]): string[] =>
  seen
    .filter(({ url }) => url.endsWith('/documents'))
    .flatMap(({ body }) => body.split('\n').filter((line) => line !== ''));

/** Documents with odd numbers and keys; half of the shards are on each node. */
async function fill(): Promise<string[]> {
  for (let shard = 0; shard < shardCount; shard += 2) await fleet.setRow(shard, 'meili-1:in-sync');
  const ready = fleet.client(1);
  await ready.waitForTask(await ready.createIndex(products, 'id'));
  const settings = await fleet.client(0).getSettings(products);
  await ready.waitForTask(await ready.updateSettings(products, settings));
  const documents = Array.from({ length: 60 }, (_, i) => ({
    ...{ id: 60 - i, large: 9_007_199_254_740_991, title: `"t\\u00e9 ${String(i)}` },
    10: i % 2 === 0 ? 'even' : null,
  }));
  for (let at = 0; at < 60; at += 20) await fleet.write(documents.slice(at, at + 20));
  await fleet.documents(0);
  await fleet.documents(1);
  return documents.map(({ id }) => String(id));
}

const idOf = (line: string): string => String((JSON.parse(line) as { id: number }).id);

describe.each(engines)('from %s nodes', (kind) => {
  beforeEach(async () => {
    fleet = await startFleet(2, { kind });
  });

  test('every document is sent once, in the order of insertion, without hidden fields', async () => {
    const ids = await fill();
    const { url, seen } = await listener(() => ({ status: 202 }));
    await give({ url });
    expect(await send(false)).toEqual({ uid: 'products', pattern: 'prod*', documents: 60 });
    expect(seen.slice(0, 2).map(({ method, url: path }) => `${method} ${path}`)).toEqual([
      'POST /indexes',
      'PATCH /indexes/products/settings',
    ]);
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ uid: 'products', primaryKey: 'id' });
    expect(seen.every(({ key }) => key === `Bearer ${remoteKey}`)).toBe(true);
    expect(JSON.stringify(seen)).not.toContain('_miroir_');
    expect(lines(seen).map(idOf)).toEqual(ids);
    expect(lines(seen)[0]).toContain('9007199254740991');
    const payloads = seen.slice(2).map(({ body }) => body.length);
    expect(payloads.length).toBeGreaterThan(5);
    expect(Math.max(...payloads)).toBeLessThanOrEqual(301);
  });

  test('another Meilisearch has the same documents and settings afterwards', async () => {
    await fill();
    const { nodes, close } = await startNodes(1, kind, remoteKey);
    closing.push(close);
    const { url = '' } = nodes[0] ?? {};
    await give({ url, payloadBytes: 1_000_000 });
    expect(await fleet.run('inspectRemote', { taskUid, target })).toEqual({ exists: false });
    await send(false);
    const headers = { authorization: `Bearer ${remoteKey}` };
    const get = async <T>(path: string): Promise<T> =>
      (await (await fetch(`${url}${path}`, { headers })).json()) as T;
    interface Tasks {
      results: { uid: number; status: string; error: object | null }[];
    }
    const open = '/tasks?statuses=enqueued,processing';
    await waitFor(async () => (await get<Tasks>(open)).results.length === 0, {
      ...{ what: 'the tasks of the other side', deadlineMs: 30_000 },
    });
    expect((await get<Tasks>('/tasks?statuses=failed')).results).toEqual([]);
    const { total, results } = await get<{ total: number; results: object[] }>(
      '/indexes/products/documents?limit=1',
    );
    expect([total, results]).toEqual([60, [expect.objectContaining({ id: 60, 10: 'even' })]]);
    expect(await fleet.run('inspectRemote', { taskUid, target })).toEqual({ exists: true });
  });

  test('a wrong filter is told in the words of the engine, before anything is sent', async () => {
    await fill();
    const { url, seen } = await listener(() => ({ status: 202 }));
    const plan = async (filter: JsonValue): Promise<string> => {
      await give({ url, ...only(filter) });
      return fleet.run('planExport', { taskUid }).then(
        () => 'taken',
        (error: Error & { type: string }) => `${error.type}: ${error.message}`,
      );
    };
    expect(await plan('genre = a')).toBe(
      'export-filter: Index `products`: Attribute `genre` is not filterable. This index does not have configured filterable attributes.\n1:6 genre = a',
    );
    expect(await plan('_miroir_bucket EXISTS')).toMatch(/`_miroir_bucket` is not filterable/);
    expect(await plan('(((')).toMatch(
      /^export-filter: Index `products`: Was expecting an operation/,
    );
    expect(await plan(5)).toMatch(/`expected String, Array, found: 5`\.$/);
    expect(await plan('id > 3')).toMatch(/not filterable/);
    expect(await plan([])).toBe('taken');
    expect(seen).toEqual([]);
  });
});

describe('to another side', () => {
  beforeEach(async () => {
    fleet = await startFleet(1);
    await fleet.write([{ id: 1 }, { id: 2 }]);
    await fleet.documents(0);
  });

  const failure = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (error: Error & { type: string }) => `${error.type}: ${error.message}`,
    );

  test('an index that is there keeps its settings unless they are to be replaced', async () => {
    const { url, seen } = await listener(() => ({ status: 202 }));
    await give({ url });
    await send(true);
    expect(seen.map(({ url: path }) => path)).toEqual(['/indexes/products/documents']);
    await give({ url, ...only(null, true) });
    await send(true);
    expect(seen.slice(1).map(({ method, url: path }) => `${method} ${path}`)).toEqual([
      'PATCH /indexes/products',
      'PATCH /indexes/products/settings',
      'POST /indexes/products/documents',
    ]);
  });

  test('what it refuses fails the export with its reason, and without its key', async () => {
    const body = { message: 'Wrong.', code: 'invalid_api_key', type: 'auth', link: 'x' };
    const { url } = await listener(() => ({ status: 403, body }));
    await give({ url });
    expect(await failure(fleet.run('inspectRemote', { taskUid, target }))).toBe(
      'export-refused: Failed to export documents to remote server invalid_api_key (auth): Wrong. <x>',
    );
  });

  test('what may pass is waited out: no answer, 503, 429', async () => {
    let asked = 0;
    const { url, seen } = await listener(() => {
      asked += 1;
      if (asked === 1) return null;
      return { status: asked === 2 ? 503 : asked === 3 ? 429 : 202 };
    });
    await give({ url });
    expect(await send(true)).toMatchObject({ documents: 2 });
    expect(new Set(seen.map(({ body }) => body)).size).toBe(1);
  });

  test('it is given up after the configured time, without a word of documents or keys', async () => {
    const { url } = await listener(() => ({ status: 503, body: {} }));
    await give({ url });
    const said = await failure(send(true));
    expect(said).toBe(
      'export-refused: Failed to export documents to remote server: it answered 503 without a reason.',
    );
  });

  test('a url that is not allowed is not called, nor is where it redirects to', async () => {
    await give({ url: 'http://169.254.169.254' });
    expect(await failure(send(true))).toMatch(/the url is not called: .*link-local/);
    const inner = await listener(() => ({ status: 202 }));
    const server = createServer((_request, response) => {
      response.writeHead(307, { location: inner.url }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => server.close(() => resolve())));
    await give({ url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` });
    expect(await failure(send(true))).toMatch(/answered 307 without a reason/);
    expect(inner.seen).toEqual([]);
  });

  test('a key that another fleet sealed is not used', async () => {
    const { url, seen } = await listener(() => ({ status: 202 }));
    await give({ url, sealedKey: seal('another master key', remoteKey) });
    expect(await failure(send(true))).toMatch(/sealed by another fleet/);
    expect(seen).toEqual([]);
  });

  test('an index that is gone is left out; a task that is over is sent no more', async () => {
    const { url } = await listener(() => ({ status: 202 }));
    await give({ url });
    const gone = { ...target, physicalUid: 'nobody-1' as typeof products };
    const request = { taskUid, exists: true, before: 0, runKey: 'export/7' };
    expect(await fleet.run('exportIndex', { ...request, target: gone })).toBeNull();
    await fleet.run('noteExported', {
      taskUid,
      sent: [{ uid: indexUid('products'), pattern: 'prod*', documents: 2 }],
    });
    await fleet.run('endTask', { taskUid, status: 'succeeded', details: {}, error: null });
    const over = await fleet.store.tasks.get(fleetTaskUid(taskUid));
    expect(over?.details).toEqual({
      url,
      indexes: { products: { filter: null, overrideSettings: false, matched_documents: 2 } },
    });
    expect(over?.extra).toEqual({});
    expect(await failure(send(true))).toMatch(/The task of this export is over/);
  });
});
