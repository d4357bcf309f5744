/**
 * Goal: what an embedded node has accepted survives its death, under the same task uids; and it
 * never outlives the process that started it.
 * Method: nodes in processes of their own are killed with SIGKILL, or lose their standard input.
 */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedNode } from '../../../local/embedded-node/server';
import { startChildNode } from './child-node';
import { NodeClient } from './client';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'embedded-node-'));
});

afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

it('comes back after SIGKILL with all accepted tasks, done or not', async () => {
  const first = await startChildNode(dataDir, 'key');
  const before = new NodeClient(first.url, 'key');
  await before.write(
    'POST',
    '/indexes/a/documents',
    '[{"id":1,"big":12345678901234567890,"f":1.0}]',
  );
  await before.write('PATCH', '/indexes/a/settings', { filterableAttributes: ['big'] });
  await before.write('POST', '/indexes/a/documents', [{ id: 'no good' }]);
  const key = await before.send('POST', '/keys', {
    actions: ['*'],
    indexes: ['*'],
    expiresAt: null,
  });
  await before.send('PATCH', '/experimental-features', { containsFilter: true });
  const finished = (await before.send('GET', '/tasks')).body;
  await before.send('POST', '/__faults', { action: { kind: 'holdTasks' } });
  const accepted = await before.send('PUT', '/indexes/a/documents', [
    { id: 1, more: true },
    { id: 2 },
  ]);
  expect(accepted.body['taskUid']).toBe(3);
  first.process.kill('SIGKILL');
  expect(await first.ended).toBe('SIGKILL');
  appendFileSync(join(dataDir, 'embedded-node.ndjson'), '{"accepted":{"uid":4,"torn');

  const second = await startChildNode(dataDir, 'key');
  const after = new NodeClient(second.url, String(key.body['key']));
  expect(await after.task(3)).toMatchObject({ uid: 3, status: 'succeeded' });
  expect((await after.send('GET', '/tasks?uids=0,1,2')).body['results']).toEqual(
    finished['results'],
  );
  const documents = await after.send('GET', '/indexes/a/documents');
  expect(documents.body['results']).toEqual([
    { id: 1, big: 12345678901234567000, f: 1, more: true },
    { id: 2 },
  ]);
  const filtered = await after.send('POST', '/indexes/a/search', { filter: 'big EXISTS' });
  expect(filtered.body['estimatedTotalHits']).toBe(1);
  const features = await after.send('GET', '/experimental-features');
  expect(features.body['containsFilter']).toBe(true);
  expect((await after.write('POST', '/indexes/a/documents', [{ id: 5 }]))['uid']).toBe(4);
  second.process.stdin.end();
  expect(await second.ended).toBe(0);
});

it('ends on SIGTERM', async () => {
  const child = await startChildNode(dataDir, 'key');
  child.process.kill('SIGTERM');
  expect(await child.ended).toBe(0);
});

it('does not repeat the effect of tasks that failed on a full disk or were canceled', async () => {
  const options = { port: 0, host: '127.0.0.1', masterKey: null, dataDir };
  const first = await startEmbeddedNode(options);
  const before = new NodeClient(first.url, null);
  first.faults.add({ count: 1, action: { kind: 'diskFull' } });
  await before.write('POST', '/indexes/a/documents', [{ id: 1 }]);
  const hold = first.faults.add({ action: { kind: 'holdTasks' } });
  await before.send('POST', '/indexes/a/documents', [{ id: 2 }]);
  const cancel = await before.send('POST', '/tasks/cancel?uids=1');
  first.faults.clear(hold);
  await before.task(cancel.body['taskUid']);
  await before.write('POST', '/indexes/a/documents', [{ id: 3 }]);
  await first.close();

  const second = await startEmbeddedNode(options);
  const after = new NodeClient(second.url, null);
  const documents = await after.send('GET', '/indexes/a/documents');
  expect(documents.body['results']).toEqual([{ id: 3 }]);
  const tasks = await after.send('GET', '/tasks?reverse=true');
  const statuses = (tasks.body['results'] as { status: string }[]).map(({ status }) => status);
  expect(statuses).toEqual(['failed', 'canceled', 'succeeded', 'succeeded']);
  await second.close();
});
