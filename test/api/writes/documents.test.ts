/**
 * Goal: what clients write is stored byte for byte, in one order, on every replica of its shard.
 * Method: a pod before three embedded nodes with two copies of each shard; the nodes are also asked
 * directly for what they hold.
 */
import { decodeSeq } from '../../../core/hidden-fields';
import type { JsonValue } from '../../../core/fleet';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';

let fleet: FleetForTest;
let pod: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest();
  pod = await fleet.pod();
});
afterAll(async () => {
  await fleet.close();
});

const physicalOf = (uid: string): string => pod.ctx.fleet.index(uid)?.entry.physicalUid ?? '';

/** Every copy of every document of an index, node by node, hidden fields included. */
async function copies(uid: string): Promise<Record<string, JsonValue>[][]> {
  const path = `/indexes/${physicalOf(uid)}/documents?limit=1000`;
  return await Promise.all(
    fleet.nodes.map(async (_node, at) => {
      const answer = await fleet.askNode(at, path);
      return (answer['results'] ?? []) as Record<string, JsonValue>[];
    }),
  );
}

async function placesOf(uid: string): Promise<Map<string, number>> {
  const places = new Map<string, number>();
  for (const doc of (await copies(uid)).flat()) {
    const seq = decodeSeq(String(doc['_miroir_seq']));
    const id = String(doc['id']);
    const before = places.get(id);
    if (before !== undefined) expect({ id, seq }).toEqual({ id, seq: before });
    places.set(id, seq);
  }
  return places;
}

test('a new index is made by its first documents, with the inferred key', async () => {
  const task = await pod.write('POST', '/indexes/first/documents', [
    { id: 1, t: 'a' },
    { id: 2, t: 'b' },
  ]);
  expect(task).toMatchObject({
    status: 'succeeded',
    indexUid: 'first',
    type: 'documentAdditionOrUpdate',
    details: { receivedDocuments: 2, indexedDocuments: 2 },
    error: null,
  });
  const index = await pod.send('GET', '/indexes/first');
  expect(index.body).toMatchObject({ uid: 'first', primaryKey: 'id' });
});

test('every document is on exactly two nodes, and all have its index with the same settings', async () => {
  const documents = Array.from({ length: 100 }, (_, at) => ({ id: at, n: at }));
  await pod.write('POST', '/indexes/spread/documents', documents);
  const counts = new Map<string, number>();
  for (const doc of (await copies('spread')).flat()) {
    const id = String(doc['id']);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  expect([...counts.values()].every((count) => count === 2)).toBe(true);
  expect(counts.size).toBe(100);
  for (const node of fleet.nodes.keys()) {
    const settings = await fleet.askNode(node, `/indexes/${physicalOf('spread')}/settings`);
    expect(settings['rankingRules']).toContain('_miroir_seq:asc');
  }
});

test('numbers beyond doubles keep every digit', async () => {
  const payload = '[{"id":9007199254740993,"big":12345678901234567890}]';
  await pod.write('POST', '/indexes/exact/documents', payload);
  const answer = await pod.send('GET', '/indexes/exact/documents/9007199254740993');
  expect(answer.text).toBe('{"id":9007199254740993,"big":12345678901234567890}');
});

test('a key written with escapes is the key', async () => {
  await pod.write('POST', '/indexes/escaped/documents?primaryKey=id', '[{"\\u0069d":"d4","a":1}]');
  const answer = await pod.send('GET', '/indexes/escaped/documents/d4');
  expect(answer.body).toEqual({ id: 'd4', a: 1 });
});

test('1 and "1" are one document, also within one payload', async () => {
  const task = await pod.write(
    'POST',
    '/indexes/same/documents?primaryKey=id',
    '[{"id":1,"a":1},{"id":"1","a":2}]',
  );
  expect(task['details']).toEqual({ receivedDocuments: 2, indexedDocuments: 1 });
  const { body } = await pod.send('GET', '/indexes/same/documents');
  expect(body).toMatchObject({ total: 1, results: [{ id: '1', a: 2 }] });
});

test('a reserved field is refused at once and nothing is enqueued', async () => {
  const before = await pod.send('GET', '/tasks?limit=1');
  for (const name of ['_miroir_seq', '\\u005fmiroir_bucket', '_miroir_new']) {
    const answer = await pod.send('POST', '/indexes/first/documents', `[{"id":7,"${name}":"x"}]`);
    expect(answer.status).toBe(400);
    expect(answer.body['code']).toBe('miroir_reserved_field');
  }
  const after = await pod.send('GET', '/tasks?limit=1');
  expect(after.body['total']).toBe(before.body['total']);
});

test('a replaced or updated document keeps its place, a new one comes after all', async () => {
  const uid = 'places';
  await pod.write('POST', `/indexes/${uid}/documents?primaryKey=id`, [
    { id: 'a' },
    { id: 'b' },
    { id: 'c' },
  ]);
  const first = await placesOf(uid);
  await pod.write('POST', `/indexes/${uid}/documents`, [{ id: 'b', v: 2 }, { id: 'd' }]);
  await pod.write('PUT', `/indexes/${uid}/documents`, [{ id: 'a', v: 3 }]);
  const second = await placesOf(uid);
  for (const id of ['a', 'b', 'c']) expect(second.get(id)).toBe(first.get(id));
  expect(second.get('d')).toBeGreaterThan(Math.max(...first.values()));
});

test('places are kept for writes that the nodes have not worked off yet', async () => {
  const uid = 'pending';
  await pod.write('POST', `/indexes/${uid}/documents?primaryKey=id`, [{ id: 'x' }]);
  for (const node of fleet.nodes) node.faults.add({ action: { kind: 'holdTasks' } });
  try {
    await pod.send('POST', `/indexes/${uid}/documents`, [{ id: 'y' }, { id: 'z' }]);
    await pod.send('POST', `/indexes/${uid}/documents`, [{ id: 'y', v: 2 }, { id: 'w' }]);
    await pod.send('DELETE', `/indexes/${uid}/documents/z`);
    await pod.send('POST', `/indexes/${uid}/documents`, [{ id: 'z', v: 2 }]);
  } finally {
    for (const node of fleet.nodes) node.faults.clear();
  }
  const last = await pod.write('POST', `/indexes/${uid}/documents`, [{ id: 'y', v: 3 }]);
  expect(last['status']).toBe('succeeded');
  const places = await placesOf(uid);
  const order = [...places].sort((a, b) => a[1] - b[1]).map(([id]) => id);
  expect(order).toEqual(['x', 'y', 'w', 'z']);
});

test('one bad id fails the whole payload and nothing of it is stored', async () => {
  const task = await pod.write('POST', '/indexes/atomic/documents?primaryKey=id', [
    { id: 1 },
    { id: 'no way' },
  ]);
  expect(task).toMatchObject({ status: 'failed', error: { code: 'invalid_document_id' } });
  const { body } = await pod.send('GET', '/indexes/atomic/documents');
  expect(body['total']).toBe(0);
});

test('deletions count documents, not copies', async () => {
  const uid = 'deleted';
  const documents = Array.from({ length: 50 }, (_, at) => ({ id: at, even: at % 2 === 0 }));
  await pod.write('PATCH', `/indexes/${uid}/settings`, { filterableAttributes: ['even'] });
  await pod.write('POST', `/indexes/${uid}/documents`, documents);
  const one = await pod.write('DELETE', `/indexes/${uid}/documents/1`);
  expect(one['details']).toEqual({ providedIds: 1, deletedDocuments: 1, originalFilter: null });
  const batch = await pod.write('POST', `/indexes/${uid}/documents/delete-batch`, [3, '5', 999]);
  expect(batch['details']).toMatchObject({ providedIds: 3, deletedDocuments: 2 });
  const byFilter = await pod.write('POST', `/indexes/${uid}/documents/delete`, {
    filter: 'even = true',
  });
  expect(byFilter['details']).toMatchObject({ deletedDocuments: 25 });
  const rest = await pod.write('DELETE', `/indexes/${uid}/documents`);
  expect(rest['details']).toEqual({ deletedDocuments: 22 });
  const index = await pod.write('DELETE', `/indexes/${uid}`);
  expect(index).toMatchObject({ status: 'succeeded', details: { deletedDocuments: 0 } });
});

test('many writes at once have rising uids and each its own task', async () => {
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, at) =>
      pod.send('POST', '/indexes/burst/documents?primaryKey=id', [{ id: at % 7, v: at }]),
    ),
  );
  const uids = answers.map(({ body }) => Number(body['taskUid']));
  expect(uids).toEqual([...uids].sort((a, b) => a - b));
  expect(new Set(uids).size).toBe(40);
  await pod.task(uids.at(-1));
  const { body } = await pod.send('GET', '/indexes/burst/documents?limit=20');
  const values = (body['results'] as { id: number; v: number }[]).map(({ id, v }) => [id, v]);
  expect(new Map(values as [number, number][])).toEqual(
    new Map([35, 36, 37, 38, 39, 33, 34].map((v) => [v % 7, v])),
  );
});

test('the same request with the same idempotency key is one task', async () => {
  const headers = { 'idempotency-key': 'k-1' };
  const once = await pod.send(
    'POST',
    '/indexes/once/documents?primaryKey=id',
    [{ id: 1 }],
    headers,
  );
  const twice = await pod.send(
    'POST',
    '/indexes/once/documents?primaryKey=id',
    [{ id: 1 }],
    headers,
  );
  expect(twice.body['taskUid']).toBe(once.body['taskUid']);
  const other = await pod.send(
    'POST',
    '/indexes/once/documents?primaryKey=id',
    [{ id: 2 }],
    headers,
  );
  expect(other.status).toBe(409);
  expect(other.body['code']).toBe('miroir_idempotency_key_reused');
});
