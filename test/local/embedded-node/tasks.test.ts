/**
 * Goal: the task queue behaves as Meilisearch's: uids in order of acceptance, work in that order,
 * batches of neighbouring document tasks, failures that concern their own task alone.
 * Method: a fresh node in this process; the queue is held by a fault where order must be seen.
 */
import { startEmbeddedNode } from '../../../local/embedded-node/server';
import type { RunningEmbeddedNode } from '../../../local/embedded-node/server';
import { NodeClient } from './client';

let node: RunningEmbeddedNode;
let client: NodeClient;

beforeEach(async () => {
  node = await startEmbeddedNode({ port: 0, host: '127.0.0.1', masterKey: 'key', dataDir: null });
  client = new NodeClient(node.url, 'key');
});

afterEach(async () => {
  await node.close();
});

async function accept(method: string, path: string, body?: unknown): Promise<number> {
  const answer = await client.send(method, path, body);
  expect(answer.status).toBe(202);
  return Number(answer.body['taskUid']);
}

it('answers before it works, and works in the order of acceptance', async () => {
  const hold = node.faults.add({ action: { kind: 'holdTasks' } });
  const first = await accept('POST', '/indexes/a/documents', [{ id: 1, v: 'old' }]);
  const second = await accept('PUT', '/indexes/a/documents', [{ id: 1, v: 'new' }, { id: 2 }]);
  const third = await accept('DELETE', '/indexes/a/documents/2');
  expect([first, second, third]).toEqual([0, 1, 2]);
  const waiting = await client.send('GET', '/tasks?statuses=enqueued');
  expect(waiting.body['total']).toBe(3);
  expect((await client.send('GET', '/indexes/a')).status).toBe(404);
  node.faults.clear(hold);
  await client.task(third);
  const documents = await client.send('GET', '/indexes/a/documents');
  expect(documents.body['results']).toEqual([{ id: 1, v: 'new' }]);
});

it('puts neighbouring document tasks of one index into one batch', async () => {
  const hold = node.faults.add({ action: { kind: 'holdTasks' } });
  const uids = [
    await accept('POST', '/indexes/a/documents', [{ id: 1 }]),
    await accept('POST', '/indexes/b/documents', [{ id: 1 }]),
    await accept('POST', '/indexes/a/documents', [{ id: 2 }]),
    await accept('PUT', '/indexes/a/settings/stop-words', ['x']),
    await accept('POST', '/indexes/a/documents', [{ id: 3 }]),
  ];
  node.faults.clear(hold);
  const batches: unknown[] = [];
  for (const uid of uids) batches.push((await client.task(uid))['batchUid']);
  expect(batches).toEqual([0, 1, 0, 2, 3]);
});

it('keeps a failure to its own task, and an index that the task created', async () => {
  const hold = node.faults.add({ action: { kind: 'holdTasks' } });
  const bad = await accept('POST', '/indexes/a/documents', [{ id: 1 }, { id: 'not good' }]);
  const good = await accept('POST', '/indexes/a/documents', [{ id: 2 }]);
  node.faults.clear(hold);
  const failed = await client.task(bad);
  expect(failed['status']).toBe('failed');
  expect(failed['details']).toEqual({ receivedDocuments: 2, indexedDocuments: 0 });
  expect((await client.task(good))['status']).toBe('succeeded');
  const documents = await client.send('GET', '/indexes/a/documents');
  expect(documents.body['results']).toEqual([{ id: 2 }]);
});

it('shows the custom metadata of document tasks', async () => {
  const summary = await client.send('POST', '/indexes/a/documents?customMetadata=fleet-7', [
    { id: 1 },
  ]);
  expect(summary.body['customMetadata']).toBe('fleet-7');
  expect((await client.task(summary.body['taskUid']))['customMetadata']).toBe('fleet-7');
});

it('pages and filters the list of tasks', async () => {
  for (let id = 0; id < 6; id += 1) await accept('POST', '/indexes/a/documents', [{ id }]);
  await client.task(5);
  const page = await client.send('GET', '/tasks?limit=2&from=3');
  expect((page.body['results'] as { uid: number }[]).map(({ uid }) => uid)).toEqual([3, 2]);
  expect(page.body).toMatchObject({ total: 6, from: 3, next: 1 });
  const named = await client.send('GET', '/tasks?uids=4,1,99&reverse=true');
  expect((named.body['results'] as { uid: number }[]).map(({ uid }) => uid)).toEqual([1, 4]);
});

it('cancels what waits and forgets what has ended', async () => {
  const hold = node.faults.add({ action: { kind: 'holdTasks' } });
  const waiting = await accept('POST', '/indexes/a/documents', [{ id: 1 }]);
  const cancel = await client.send('POST', `/tasks/cancel?uids=${waiting}`);
  node.faults.clear(hold);
  const cancelation = await client.task(cancel.body['taskUid']);
  expect(cancelation['details']).toEqual({
    matchedTasks: 1,
    canceledTasks: 1,
    originalFilter: `?uids=${waiting}`,
  });
  expect(await client.task(waiting)).toMatchObject({
    status: 'canceled',
    canceledBy: 1,
    error: null,
  });
  await client.task((await client.send('DELETE', '/tasks?statuses=canceled')).body['taskUid']);
  expect((await client.send('GET', `/tasks/${waiting}`)).status).toBe(404);
});

it('gives the lowest free place to a new document and keeps the place of a replaced one', async () => {
  await client.write('POST', '/indexes/a/documents', [{ id: 1 }, { id: 2 }, { id: 3 }]);
  await client.write('DELETE', '/indexes/a/documents/1');
  await client.write('POST', '/indexes/a/documents', [{ id: 3, again: true }, { id: 4 }]);
  const documents = await client.send('GET', '/indexes/a/documents?fields=id');
  expect(documents.body['results']).toEqual([{ id: 4 }, { id: 2 }, { id: 3 }]);
});
