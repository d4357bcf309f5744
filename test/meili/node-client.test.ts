/**
 * Goal: a caller always learns whether the node may have taken a request, and nothing is sent late.
 * Method: a server made here that answers late, not at all, too much or badly.
 */
import type { PhysicalUid } from '../../core/ids';
import { nodeTaskUid, physicalUid } from '../../core/ids';
import { createNodeClient } from '../../meili/node-client';
import type { NodeClient, NodeClientOptions } from '../../meili/types';
import { fakeNode, json } from '../support/fake-node';
import type { FakeAnswer, FakeNode } from '../support/fake-node';
import { freePort } from '../support/free-port';
import { waitFor } from '../support/wait-for';

const movies: PhysicalUid = physicalUid('movies');
const bytes = Buffer.from('[{"id":1}]');
const open: { close(): Promise<unknown> }[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.close()));
});

async function setup(
  answer: FakeAnswer,
  options: Partial<NodeClientOptions> = {},
): Promise<{ node: FakeNode; client: NodeClient }> {
  const node = await fakeNode(answer);
  const client = createNodeClient({ url: node.url, key: 'secret-key', ...options });
  open.push(client, node);
  return { node, client };
}

test('a write carries the key, the primary key and the metadata, and gives the task uid', async () => {
  let authorization: string | undefined;
  const { node, client } = await setup((request, response) => {
    authorization = request.headers.authorization;
    json(response, 202, { taskUid: 7 });
  });
  const uid = await client.addDocuments(movies, 'POST', bytes, {
    primaryKey: 'id',
    customMetadata: 'm12',
    skipCreation: true,
  });
  expect(uid).toBe(7);
  expect(authorization).toBe('Bearer secret-key');
  expect(node.seen).toEqual([
    'POST /indexes/movies/documents?primaryKey=id&customMetadata=m12&skipCreation=true',
  ]);
});

test('nobody listens: unreachable, and the node has nothing', async () => {
  const client = createNodeClient({
    url: `http://127.0.0.1:${String(await freePort())}`,
    key: 'k',
  });
  open.push(client);
  await expect(client.addDocuments(movies, 'POST', bytes)).rejects.toMatchObject({
    code: 'node_unreachable',
    outcomeUnknown: false,
  });
});

test('an answer that does not come in time: timeout, outcome unknown', async () => {
  const { client } = await setup(() => undefined);
  await expect(
    client.addDocuments(movies, 'POST', bytes, { deadlineMs: 60 }),
  ).rejects.toMatchObject({ code: 'node_timeout', outcomeUnknown: true });
});

test('a connection that breaks after the request: outcome unknown, and never sent twice', async () => {
  const { node, client } = await setup((request) => request.socket.destroy());
  await expect(client.addDocuments(movies, 'POST', bytes)).rejects.toMatchObject({
    code: 'node_unreachable',
    outcomeUnknown: true,
  });
  expect(node.seen).toHaveLength(1);
});

test('a connection that breaks under a read: the read is asked once more', async () => {
  let requests = 0;
  const { client } = await setup((request, response) => {
    requests += 1;
    if (requests === 1) request.socket.destroy();
    else json(response, 200, { hits: [] });
  });
  expect((await client.search(movies, { q: '' })).status).toBe(200);
  expect(requests).toBe(2);
});

test('a request that waited too long for a connection is never sent', async () => {
  let release: () => void = () => undefined;
  const { node, client } = await setup(
    (_request, response) => {
      release = () => json(response, 200, {});
    },
    { connections: 1 },
  );
  const first = client.request({ method: 'GET', path: '/first' });
  await waitFor(() => node.seen.length === 1, { what: 'the first request' });
  await expect(
    client.addDocuments(movies, 'POST', bytes, { deadlineMs: 40 }),
  ).rejects.toMatchObject({ code: 'node_timeout', outcomeUnknown: false });
  release();
  await first;
  const last = client.request({ method: 'GET', path: '/last' });
  await waitFor(() => node.seen.length === 2, { what: 'the last request' });
  release();
  await last;
  expect(node.seen).toEqual(['GET /first', 'GET /last']);
});

test('a deadline of zero sends nothing', async () => {
  const { node, client } = await setup((_request, response) => json(response, 200, {}));
  await expect(
    client.request({ method: 'GET', path: '/late', deadlineMs: 0 }),
  ).rejects.toMatchObject({ code: 'node_timeout', outcomeUnknown: false });
  await client.request({ method: 'GET', path: '/next' });
  expect(node.seen).toEqual(['GET /next']);
});

test('an abort before sending sends nothing; after sending the outcome is unknown', async () => {
  const { node, client } = await setup(() => undefined);
  await expect(
    client.addDocuments(movies, 'POST', bytes, { signal: AbortSignal.abort() }),
  ).rejects.toMatchObject({ code: 'node_aborted', outcomeUnknown: false });
  const controller = new AbortController();
  const write = client.addDocuments(movies, 'POST', bytes, { signal: controller.signal });
  const outcome = expect(write).rejects.toMatchObject({
    code: 'node_aborted',
    outcomeUnknown: true,
  });
  await waitFor(() => node.seen.length === 1, { what: 'the write' });
  controller.abort();
  await outcome;
});

test('an answer over the bound is refused', async () => {
  const { client } = await setup((_request, response) => response.end(Buffer.alloc(5_000)), {
    responseBytesMax: 1_000,
  });
  await expect(client.request({ method: 'GET', path: '/big' })).rejects.toMatchObject({
    code: 'node_answer_invalid',
  });
});

test.each([
  [400, { message: 'no', code: 'invalid_document_id' }, false],
  [503, { message: 'busy', code: 'too_many_search_requests' }, false],
  [500, { message: 'oh', code: 'internal' }, true],
  [502, null, true],
])('status %d with %j: refused, outcome unknown %s', async (status, body, outcomeUnknown) => {
  const { client } = await setup((_request, response) => json(response, status, body));
  await expect(client.deleteAll(movies)).rejects.toMatchObject({
    code: 'node_refused',
    status,
    outcomeUnknown,
  });
});

test('a search gives any status back, because a bad query is no fault of the node', async () => {
  const { client } = await setup((_request, response) => json(response, 400, { code: 'x' }));
  expect(await client.search(movies, {})).toMatchObject({ status: 400 });
});

test('what is not there is null for an index and a task', async () => {
  const { client } = await setup((_request, response) => json(response, 404, { code: 'x' }));
  expect(await client.getIndex(movies)).toBeNull();
  expect(await client.task(nodeTaskUid(1))).toBeNull();
});

test('a 202 without a task uid is invalid, outcome unknown', async () => {
  const { client } = await setup((_request, response) => response.writeHead(202).end('<html>'));
  await expect(client.deleteIndex(movies)).rejects.toMatchObject({
    code: 'node_answer_invalid',
    outcomeUnknown: true,
  });
});

test('waiting for a task polls until it is final, or until the deadline', async () => {
  let polls = 0;
  const { client } = await setup((_request, response) => {
    polls += 1;
    json(response, 200, { uid: 3, status: polls < 4 ? 'processing' : 'failed' });
  });
  expect(await client.waitForTask(nodeTaskUid(3))).toMatchObject({ status: 'failed' });
  expect(polls).toBe(4);
  polls = -1_000;
  await expect(client.waitForTask(nodeTaskUid(3), { deadlineMs: 80 })).rejects.toMatchObject({
    code: 'node_timeout',
  });
});

test('a path in the url of the node is kept', async () => {
  const node = await fakeNode((_request, response) => json(response, 200, {}));
  const client = createNodeClient({ url: `${node.url}/behind/`, key: 'k' });
  open.push(client, node);
  await client.version();
  expect(node.seen).toEqual(['GET /behind/version']);
});

test('no error shows the key', async () => {
  const { client } = await setup((request) => request.socket.destroy());
  const error: unknown = await client.deleteAll(movies).catch((caught: unknown) => caught);
  expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('secret-key');
});
