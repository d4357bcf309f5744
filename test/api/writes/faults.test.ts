/**
 * Goal: no acknowledged write is lost and replicas do not differ unnoticed when nodes fail or lie.
 * Method: three embedded nodes with two copies of each shard, made to refuse, drop or hang; after each
 * fault every in-sync copy of every shard is compared.
 */
import { shardOfId } from '../../../core/hash';
import type { JsonValue } from '../../../core/fleet';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';
import { waitFor } from '../../support/wait-for';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;

beforeEach(async () => {
  fleet = await fleetForTest({ env: { MIROIR_NODE_DEADLINE_MS: '700' } });
  pod = await fleet.pod();
});
afterEach(async () => {
  await fleet.close();
});

const docs = (from: number, to: number, v = 0): { id: number; v: number }[] =>
  Array.from({ length: to - from }, (_, at) => ({ id: from + at, v }));

/** Shards that a node has, by state. */
function statesOf(uid: string, node: string): string[] {
  const entry = pod.ctx.fleet.index(uid)?.entry;
  const rows = entry?.placement.flatMap(({ shards }) => shards) ?? [];
  return rows.flatMap((row) => row.filter((one) => one.node === node).map(({ state }) => state));
}

/** Throws unless all in-sync copies of each shard hold the same documents with the same contents. */
async function expectConverged(uid: string, ids: readonly number[]): Promise<void> {
  const { entry } = pod.ctx.fleet.index(uid)!;
  const held = new Map<string, Map<string, JsonValue>>();
  for (const [at] of fleet.nodes.entries()) {
    const path = `/indexes/${entry.physicalUid}/documents?limit=1000`;
    const answer = await fleet.askNode(at, path).catch(() => null);
    if (answer === null) continue;
    const results = (answer['results'] ?? []) as { [name: string]: JsonValue }[];
    held.set(`meili-${at}`, new Map(results.map((doc) => [String(doc['id']), doc])));
  }
  for (const id of ids) {
    const shard = shardOfId(String(id), entry.shardCount);
    const replicas = entry.placement.flatMap(({ shards }) => shards[shard] ?? []);
    const copies = replicas
      .filter(({ node, state }) => state === 'in-sync' && held.has(node))
      .map(({ node }) => held.get(node)?.get(String(id)));
    expect(copies.length).toBeGreaterThan(0);
    for (const copy of copies) expect(copy).toEqual(copies[0]);
    expect(copies[0]).toBeDefined();
  }
}

test('a node that is down becomes stale, the write stands and says so', async () => {
  await pod.write('POST', '/indexes/down/documents?primaryKey=id', docs(0, 50));
  await fleet.nodes[1]?.close();
  const answer = await pod.send('POST', '/indexes/down/documents', docs(50, 100));
  expect(answer.status).toBe(202);
  expect(answer.headers['x-miroir-degraded']).toContain('stale=meili-1');
  expect(new Set(statesOf('down', 'meili-1'))).toEqual(new Set(['stale']));
  const task = await pod.task(answer.body['taskUid']);
  expect(task).toMatchObject({ status: 'succeeded', details: { indexedDocuments: 50 } });
  const next = await pod.send('POST', '/indexes/down/documents', docs(100, 110));
  expect(next.headers['x-miroir-degraded']).toBeUndefined();
  await pod.task(next.body['taskUid']);
  await expectConverged('down', [...docs(0, 110).map(({ id }) => id)]);
});

test('a node that dies with the write in its queue does not hold up its task', async () => {
  await pod.write('POST', '/indexes/died/documents?primaryKey=id', docs(0, 10));
  fleet.nodes[2]?.faults.add({ action: { kind: 'holdTasks' } });
  const answer = await pod.send('POST', '/indexes/died/documents', docs(10, 60));
  expect(answer.headers['x-miroir-degraded']).toBeUndefined();
  await fleet.nodes[2]?.close();
  const task = await pod.task(answer.body['taskUid']);
  expect(task['status']).toBe('succeeded');
  expect(statesOf('died', 'meili-2')).toContain('stale');
  await expectConverged(
    'died',
    docs(0, 60).map(({ id }) => id),
  );
});

test('with no replica of a shard left, a write is refused and says that it is', async () => {
  await pod.write('POST', '/indexes/lost/documents?primaryKey=id', docs(0, 20));
  await fleet.nodes[0]?.close();
  await fleet.nodes[1]?.close();
  const answer = await pod.send('POST', '/indexes/lost/documents', docs(20, 60));
  expect(answer.status).toBe(503);
  expect(answer.body['code']).toBe('miroir_no_quorum');
  expect(answer.headers['retry-after']).toBeDefined();
});

test('the last in-sync copy is never given up', async () => {
  await pod.write('POST', '/indexes/last/documents?primaryKey=id', docs(0, 20));
  for (const node of fleet.nodes) node.faults.add({ action: { kind: 'rejectWrites' } });
  const answer = await pod.send('POST', '/indexes/last/documents', docs(20, 40));
  expect(answer.status).toBe(503);
  for (const node of fleet.nodes) node.faults.clear();
  const { entry } = pod.ctx.fleet.index('last')!;
  for (const { shards } of entry.placement) {
    for (const row of shards) expect(row.map(({ state }) => state)).toContain('in-sync');
  }
  const again = await pod.write('POST', '/indexes/last/documents', docs(20, 40));
  expect(again['status']).toBe('succeeded');
});

test('an answer that got lost after the node took the write is adopted, not sent twice', async () => {
  await pod.write('POST', '/indexes/adopt/documents?primaryKey=id', docs(0, 20));
  const physical = pod.ctx.fleet.index('adopt')?.entry.physicalUid ?? '';
  fleet.nodes[0]?.faults.add({
    method: 'POST',
    path: `/indexes/${physical}/documents\\?`,
    count: 1,
    action: { kind: 'drop', when: 'after' },
  });
  const answer = await pod.send('POST', '/indexes/adopt/documents', docs(0, 20, 1));
  expect(answer.status).toBe(202);
  expect(answer.headers['x-miroir-degraded']).toBeUndefined();
  await pod.task(answer.body['taskUid']);
  const listed = await fleet.askNode(
    0,
    `/tasks?indexUids=${physical}&types=documentAdditionOrUpdate`,
  );
  expect(listed['total']).toBe(2);
  await expectConverged(
    'adopt',
    docs(0, 20).map(({ id }) => id),
  );
});

test('a request that a node never took is sent again', async () => {
  await pod.write('POST', '/indexes/resend/documents?primaryKey=id', docs(0, 20));
  const physical = pod.ctx.fleet.index('resend')?.entry.physicalUid ?? '';
  fleet.nodes[0]?.faults.add({
    method: 'POST',
    path: `/indexes/${physical}/documents\\?`,
    count: 1,
    action: { kind: 'drop', when: 'before' },
  });
  const answer = await pod.send('POST', '/indexes/resend/documents', docs(0, 40, 1));
  expect(answer.headers['x-miroir-degraded']).toBeUndefined();
  await pod.task(answer.body['taskUid']);
  expect(statesOf('resend', 'meili-0')).not.toContain('stale');
  await expectConverged(
    'resend',
    docs(0, 40).map(({ id }) => id),
  );
});

test('a node that hangs becomes stale, and later writes do not wait for it', async () => {
  await pod.write('POST', '/indexes/hang/documents?primaryKey=id', docs(0, 20));
  const faults = fleet.nodes[1]?.faults;
  faults?.add({ path: 'documents', action: { kind: 'hang', when: 'before' }, count: 1_000 });
  const answer = await pod.send('POST', '/indexes/hang/documents', docs(20, 150));
  expect(answer.status).toBe(202);
  expect(answer.headers['x-miroir-degraded']).toContain('stale=meili-1');
  const left = faults?.list()[0]?.remaining;
  expect(left).toBeLessThan(1_000);
  const next = await pod.send('POST', '/indexes/hang/documents', docs(60, 80));
  expect(next.status).toBe(202);
  // It is not asked at all any more.
  expect(faults?.list()[0]?.remaining).toBe(left);
  await pod.task(next.body['taskUid']);
});

test('a task that fails on one replica only makes that replica stale', async () => {
  await pod.write('POST', '/indexes/onefails/documents?primaryKey=id', docs(0, 20));
  const physical = pod.ctx.fleet.index('onefails')?.entry.physicalUid ?? '';
  fleet.nodes[0]?.faults.add({
    path: `/indexes/${physical}/documents`,
    count: 1,
    action: { kind: 'diskFull' },
  });
  const task = await pod.write('POST', '/indexes/onefails/documents', docs(20, 60));
  expect(task['status']).toBe('succeeded');
  await waitFor(() => statesOf('onefails', 'meili-0').includes('stale'), {
    what: 'stale replicas',
  });
  await expectConverged(
    'onefails',
    docs(0, 60).map(({ id }) => id),
  );
});

test('a node that was away when an index was made gets it with its settings before documents', async () => {
  fleet.nodes[0]?.faults.add({ action: { kind: 'rejectWrites' } });
  const created = await pod.send('POST', '/indexes', { uid: 'late', primaryKey: 'id' });
  expect(created.status).toBe(202);
  await pod.task(created.body['taskUid']);
  fleet.nodes[0]?.faults.clear();
  const answer = await pod.send('POST', '/indexes/late/documents', docs(0, 60));
  await pod.task(answer.body['taskUid']);
  const physical = pod.ctx.fleet.index('late')?.entry.physicalUid ?? '';
  const settings = await fleet.askNode(0, `/indexes/${physical}/settings`);
  expect(settings['rankingRules']).toContain('_miroir_seq:asc');
  await expectConverged(
    'late',
    docs(0, 60).map(({ id }) => id),
  );
});

test('settings that cannot reach every shard are refused and not shown', async () => {
  await pod.write('POST', '/indexes/noset/documents?primaryKey=id', docs(0, 20));
  for (const node of fleet.nodes) node.faults.add({ action: { kind: 'rejectWrites' } });
  const answer = await pod.send('PUT', '/indexes/noset/settings/sortable-attributes', ['v']);
  expect([answer.status, answer.body['code']]).toEqual([503, 'miroir_no_quorum']);
  for (const node of fleet.nodes) node.faults.clear();
  const shown = await pod.send('GET', '/indexes/noset/settings/sortable-attributes');
  expect(shown.text).toBe('[]');
});

test('min_in_sync of two refuses what only one replica took', async () => {
  await fleet.close();
  fleet = await fleetForTest({ env: { MIROIR_MIN_IN_SYNC: '2' } });
  pod = await fleet.pod();
  await pod.write('POST', '/indexes/two/documents?primaryKey=id', docs(0, 20));
  await fleet.nodes[1]?.close();
  const answer = await pod.send('POST', '/indexes/two/documents', docs(20, 60));
  expect(answer.status).toBe(503);
  expect(answer.body['code']).toBe('miroir_no_quorum');
});
