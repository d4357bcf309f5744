/**
 * Goal: each fault does what it says, to the requests it names, as often as it says.
 * Method: a fresh node in this process, rules set in process and over HTTP.
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

/** Whether a request is still without an answer after a while. */
async function isUnanswered(request: Promise<unknown>): Promise<boolean> {
  const waited = new Promise<'waited'>((resolve) => setTimeout(() => resolve('waited'), 100));
  const outcome = request.then(
    () => 'answered',
    () => 'closed',
  );
  return (await Promise.race([outcome, waited])) === 'waited';
}

it('answers an error as often as the rule says, then as before', async () => {
  const body = { message: 'busy', code: 'too_many_search_requests' };
  node.faults.add({ path: '^/health', count: 2, action: { kind: 'error', status: 503, body } });
  expect(await client.send('GET', '/health')).toMatchObject({ status: 503, body });
  expect((await client.send('GET', '/version')).status).toBe(200);
  expect((await client.send('GET', '/health')).status).toBe(503);
  expect((await client.send('GET', '/health')).status).toBe(200);
});

it('delays', async () => {
  node.faults.add({ count: 1, action: { kind: 'delay', ms: 80 } });
  const start = Date.now();
  await client.send('GET', '/health');
  expect(Date.now() - start).toBeGreaterThanOrEqual(75);
});

it('takes a request and never answers', async () => {
  node.faults.add({ method: 'GET', path: 'health', count: 1, action: { kind: 'hang' } });
  expect(await isUnanswered(client.send('GET', '/health'))).toBe(true);
  expect((await client.send('GET', '/health')).status).toBe(200);
});

it('drops a write before its effect, or only its answer', async () => {
  const path = '/indexes/a/documents';
  node.faults.add({ method: 'POST', path, count: 1, action: { kind: 'drop', when: 'before' } });
  await expect(client.send('POST', path, [{ id: 1 }])).rejects.toThrow();
  expect((await client.send('GET', '/tasks')).body['total']).toBe(0);
  node.faults.add({ method: 'POST', path, count: 1, action: { kind: 'drop', when: 'after' } });
  await expect(client.send('POST', path, [{ id: 2 }])).rejects.toThrow();
  expect(await client.task(0)).toMatchObject({ status: 'succeeded' });
  expect((await client.send('GET', path)).body['results']).toEqual([{ id: 2 }]);
});

it('fails document tasks of a full disk without an effect', async () => {
  node.faults.add({ path: '/indexes/a/', count: 1, action: { kind: 'diskFull' } });
  const task = await client.write('POST', '/indexes/a/documents', [{ id: 1 }]);
  expect(task['status']).toBe('failed');
  expect(task['error']).toMatchObject({ code: 'no_space_left_on_device', type: 'system' });
  expect(await client.write('POST', '/indexes/a/documents', [{ id: 2 }])).toMatchObject({
    status: 'succeeded',
  });
  expect((await client.send('GET', '/indexes/a/documents')).body['results']).toEqual([{ id: 2 }]);
});

it('refuses writes but still searches', async () => {
  await client.write('POST', '/indexes/a/documents', [{ id: 1 }]);
  node.faults.add({ action: { kind: 'rejectWrites' } });
  const refused = await client.send('POST', '/indexes/a/documents', [{ id: 2 }]);
  expect(refused).toMatchObject({ status: 422, body: { code: 'no_space_left_on_device' } });
  expect((await client.send('POST', '/indexes/a/search', {})).status).toBe(200);
});

it('is controlled over HTTP with the master key, and not harmed by its own rules', async () => {
  const rule = { path: '.', action: { kind: 'error', status: 500 } };
  expect((await client.send('POST', '/__faults', rule)).body).toEqual({ id: 1 });
  expect((await client.send('GET', '/health')).status).toBe(500);
  const list = await client.send('GET', '/__faults');
  expect(list.body['results']).toEqual([{ id: 1, rule, remaining: null }]);
  expect((await client.send('DELETE', '/__faults?id=1')).status).toBe(204);
  expect((await client.send('GET', '/health')).status).toBe(200);
  expect((await client.send('POST', '/__faults', { action: { kind: 'nonsense' } })).status).toBe(
    400,
  );
  const stranger = new NodeClient(node.url, 'wrong');
  expect((await stranger.send('GET', '/__faults')).status).toBe(403);
});

it('tells that it is embedded in a header, never in a body', async () => {
  const version = await client.send('GET', '/version');
  expect(version.headers['x-miroir-embedded-node']).toBe('1');
  expect(Object.keys(version.body)).toEqual(['commitSha', 'commitDate', 'pkgVersion']);
});
