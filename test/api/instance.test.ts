/**
 * Goal: what a pod says of itself and of the fleet: metrics, features, keys, refusals, update times.
 * Method: two pods before two embedded nodes.
 */
import type { JsonValue } from '../../core/fleet';
import { featureNames, isServed } from '../../api/features';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

const engineNames = [
  ...['db_size_bytes', 'used_db_size_bytes', 'index_count', 'index_docs_count', 'last_update'],
  ...['http_requests_total', 'http_response_time_seconds_bucket', 'nb_tasks', 'is_indexing'],
  ...['http_response_time_seconds_sum', 'http_response_time_seconds_count'],
  ...['searches_running', 'degraded_search_requests', 'task_queue_latency_seconds'],
].map((name) => `meilisearch_${name}`);

let fleet: FleetForTest;
let pods: [PodForTest, PodForTest];

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 2 });
  pods = [await fleet.pod(), await fleet.pod()];
});
afterAll(async () => {
  await fleet.close();
});

test('a key that one pod makes and deletes is known and refused on the other', async () => {
  const made = await pods[0].send('POST', '/keys', {
    actions: ['version'],
    indexes: ['*'],
    expiresAt: null,
  });
  const headers = { authorization: `Bearer ${String(made.body['key'])}` };
  const asked = async (): Promise<number> =>
    (await pods[1].send('GET', '/version', undefined, headers)).status;
  await waitFor(async () => (await asked()) === 200, { what: 'the key on the other pod' });
  await pods[0].send('DELETE', `/keys/${String(made.body['uid'])}`);
  await waitFor(async () => (await asked()) === 403, { what: 'the refusal on the other pod' });
});

test('metrics count requests by route, writes by outcome, documents and stale copies', async () => {
  const refused = await pods[0].send('GET', '/metrics');
  expect(refused.body['code']).toBe('feature_not_enabled');
  const on = await pods[0].send('PATCH', '/experimental-features', { metrics: true });
  expect(on.body['metrics']).toBe(true);
  await pods[0].write('POST', '/indexes/films/documents?primaryKey=id', [{ id: 1 }, { id: 2 }]);
  await pods[0].send('GET', '/indexes/none');
  const { status, text, headers } = await pods[0].send('GET', '/metrics');
  expect(status).toBe(200);
  expect(headers['content-type']).toMatch(/^text\/plain; version=0.0.4/);
  const lines = text.split('\n');
  expect(lines).toContain(
    'miroir_requests_total{method="GET",route="/indexes/{indexUid}",status="404"} 1',
  );
  expect(lines).toContain(
    'miroir_writes_total{type="documentAdditionOrUpdate",outcome="enqueued"} 1',
  );
  expect(lines).toContain('meilisearch_index_docs_count{index="films"} 2');
  expect(lines).toContain('miroir_replicas{state="in-sync"} 16');
  expect(lines).toContain('miroir_stale_replicas 0');
  expect(lines).toContain(`miroir_epoch ${pods[0].ctx.fleet.current().epoch}`);
  // As the dashboards that were made for one Meilisearch ask for them.
  expect(lines).toContain(
    'meilisearch_http_requests_total{method="GET",path="/indexes/{index_uid}",status="404"} 1',
  );
  const names = new Set(lines.flatMap((line) => /^(meilisearch_\w+)[{ ]/.exec(line)?.[1] ?? []));
  for (const name of engineNames) expect(names).toContain(name);
  await pods[0].send('POST', '/indexes/films/search', {});
  await waitFor(
    async () =>
      (await pods[0].send('GET', '/metrics')).text.includes('meilisearch_searches_running 0\n'),
    { what: 'the search to be over' },
  );
  expect(text).toMatch(/^meilisearch_last_update 1\d{9}$/m);
  expect(text).toMatch(/^miroir_request_duration_seconds_count\{.*films|^meilisearch_http_/m);
});

test('open tasks are counted by status, type and index; routes have the names of the engine', async () => {
  fleet.nodes.forEach((node) => node.faults.add({ action: { kind: 'holdTasks' } }));
  const { body } = await pods[0].send('POST', '/indexes/films/documents', [{ id: 3 }]);
  await pods[0].send('GET', `/tasks/${String(body['taskUid'])}`);
  await pods[0].send('GET', `/batches/${String(body['taskUid'])}`);
  await pods[0].send('GET', '/indexes/films/documents/1');
  const { text } = await pods[0].send('GET', '/metrics');
  fleet.nodes.forEach((node) => node.faults.clear());
  for (const [kind, value] of [
    ['statuses', 'enqueued'],
    ['types', 'documentAdditionOrUpdate'],
    ['indexes', 'films'],
  ]) {
    expect(text).toMatch(
      new RegExp(`^meilisearch_nb_tasks\\{kind="${kind}",value="${value}"\\} 1$`, 'm'),
    );
  }
  for (const path of [
    '/tasks/{task_id}',
    '/batches/{batch_id}',
    '/indexes/{index_uid}/documents/{document_id}',
  ]) {
    expect(text).toContain(`path="${path}"`);
  }
  expect(await pods[0].task(body['taskUid'])).toMatchObject({ status: 'succeeded' });
});

test('metrics are for keys of all indexes only', async () => {
  await pods[0].send('PATCH', '/experimental-features', { metrics: true });
  const key = await pods[0].send('POST', '/keys', {
    actions: ['search'],
    indexes: ['films'],
    expiresAt: null,
  });
  const headers = { authorization: `Bearer ${String(key.body['key'])}` };
  expect((await pods[0].send('GET', '/metrics', undefined, headers)).status).toBe(403);
});

test('a feature of nodes reaches all of them, also one that was not to be told', async () => {
  const isOn = async (node: number): Promise<boolean> =>
    (await fleet.askNode(node, '/experimental-features'))['containsFilter'] === true;
  const deaf = fleet.nodes[0]?.faults;
  deaf?.add({
    method: 'PATCH',
    path: '/experimental-features',
    action: { kind: 'drop', when: 'before' },
  });
  const set = await pods[0].send('PATCH', '/experimental-features', { containsFilter: true });
  expect(set.body['containsFilter']).toBe(true);
  expect([await isOn(0), await isOn(1)]).toEqual([false, true]);
  deaf?.clear();
  await waitFor(async () => await isOn(0), { what: 'the feature on the node that was deaf' });
});

test('a feature that a fleet cannot serve is refused, and one that is off may be set off', async () => {
  const on = await pods[0].send('PATCH', '/experimental-features', { network: true });
  expect([on.status, on.body['code']]).toEqual([400, 'miroir_not_supported']);
  const off = await pods[0].send('PATCH', '/experimental-features', { network: false });
  expect([off.status, off.body['network']]).toEqual([200, false]);
});

test('whoever switches on a feature that a fleet cannot serve is told why', async () => {
  const unserved = featureNames.filter((name) => !isServed(name));
  expect(unserved.length).toBeGreaterThan(5);
  for (const name of unserved) {
    const { body } = await pods[0].send('PATCH', '/experimental-features', { [name]: true });
    expect(body['message']).toMatch(
      new RegExp(`^The experimental feature \`${name}\` .*: .{20,}\\.$`),
    );
  }
});

test.each<[string, string, JsonValue | undefined, string]>([
  ['POST', '/snapshots', undefined, 'miroir_not_supported'],
  ['POST', '/indexes/films/compact', undefined, 'miroir_not_supported'],
  ['GET', '/network', undefined, 'feature_not_enabled'],
  ['POST', '/logs/stream', {}, 'feature_not_enabled'],
  ['GET', '/tasks/0/documents', undefined, 'feature_not_enabled'],
  ['GET', '/chats', undefined, 'feature_not_enabled'],
  ['POST', '/render-template', { template: {}, input: {} }, 'feature_not_enabled'],
  ['POST', '/dynamic-search-rules', {}, 'feature_not_enabled'],
])('%s %s is refused with the reason', async (method, path, body, code) => {
  const answer = await pods[0].send(method, path, body);
  expect([answer.status, answer.body['code']]).toEqual([400, code]);
});

test.each([
  ['2050-11-13', '2050-11-13T00:00:00Z'],
  ['2050-11-13 01:02:03', '2050-11-13T01:02:03Z'],
  ['2050-11-13T00:00:00.000Z', '2050-11-13T00:00:00Z'],
  ['2050-11-13T00:00:00.1200+02:00', '2050-11-13T00:00:00.12+02:00'],
  ['2050-02-30', null],
  ['2050-11-13T10:00', null],
  ['2050-11-13T10:00:00 Z', null],
  ['2001-01-01', null],
])('a key that expires at %s shows %s', async (expiresAt, shown) => {
  const made = await pods[0].send('POST', '/keys', { actions: [], indexes: [], expiresAt });
  if (shown === null) expect(made.body['code']).toBe('invalid_api_key_expires_at');
  else expect(made.body['expiresAt']).toBe(shown);
});

test('an index shows when its last task was worked off', async () => {
  const created = await pods[0].write('POST', '/indexes', { uid: 'timed' });
  const before = await pods[1].send('GET', '/indexes/timed');
  const task = await pods[0].write('POST', '/indexes/timed/documents?primaryKey=id', [{ id: 1 }]);
  expect(String(created['finishedAt']) <= String(task['finishedAt'])).toBe(true);
  await waitFor(
    async () =>
      (await pods[1].send('GET', '/indexes/timed')).body['updatedAt'] === task['finishedAt'],
    { what: 'the time of the last task' },
  );
  expect(String(before.body['createdAt']) <= String(task['finishedAt'])).toBe(true);
});
