/**
 * Goal: a client may give documents a time of expiry where the index has them, gets it back as the number
 * that it wrote, and what has expired is deleted by writes that every copy takes; nothing else is.
 *
 * Method: embedded nodes behind the api, without a worker: the test asks for the deletions that a sweep
 * asks for, and looks at the nodes themselves.
 */
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 3, replicationFactor: 2 });
  pod = await fleet.pod();
});
afterAll(() => fleet.close());

const admin = (): Record<string, string> => ({
  authorization: `Bearer ${fleet.config.api.adminKey}`,
});
const operate = (method: string, path: string, body?: unknown): Promise<Json> =>
  pod.send(method, path, body, admin());
const add = (
  index: string,
  documents: object[],
  method = 'POST',
): ReturnType<PodForTest['write']> =>
  pod.write(method, `/indexes/${index}/documents?primaryKey=id`, documents);
const get = async (index: string, id: number): Promise<Json['body']> =>
  (await pod.send('GET', `/indexes/${index}/documents/${id}`)).body;

async function expire(index: string, before = Date.now()): Promise<Record<string, unknown>> {
  const entry = pod.ctx.fleet.index(index)?.entry;
  const answer = await operate('POST', '/_miroir/ttl/expire', {
    physicalUid: entry?.physicalUid,
    before,
    fromSlot: 0,
    toSlot: 16_384,
  });
  return await pod.task(answer.body['taskUid']);
}

const past = 1_000_000_000_000;
const future = 4_000_000_000_000;

test('without a policy the field is refused, with one it is the number it was', async () => {
  await add('plain', [{ id: 1, title: 'one' }]);
  const refused = await pod.send('POST', '/indexes/plain/documents', [
    { id: 2, _miroir_expires_at: future },
  ]);
  expect(refused.body).toMatchObject({ code: 'miroir_reserved_field' });
  const set = await operate('PUT', '/_miroir/indexes/plain/ttl', {});
  expect(set.body).toMatchObject({
    index: 'plain',
    enabled: true,
    defaultTtlMs: null,
    expiredNow: 0,
  });
  await add('plain', [{ id: 2, title: 'two', _miroir_expires_at: future }]);
  const two = { id: 2, title: 'two', _miroir_expires_at: future };
  expect(await get('plain', 2)).toEqual(two);
  const found = await pod.send('POST', '/indexes/plain/search', { q: 'two' });
  expect(found.body['hits']).toEqual([two]);
  const listed = await pod.send('GET', '/indexes/plain/documents');
  expect(listed.body['results']).toEqual([{ id: 1, title: 'one' }, two]);
  const federated = await pod.send('POST', '/multi-search', {
    federation: {},
    queries: [{ indexUid: 'plain', q: 'two' }],
  });
  expect(federated.body['hits']).toMatchObject([two]);
  // The stored text is no word and no number: it is found by nothing.
  const searched = await pod.send('POST', '/indexes/plain/search', { q: String(future) });
  expect(searched.body['estimatedTotalHits']).toBe(0);
});

test.each([['a text'], [1.5], [-1], [true], [1e30]])('%p is no time of expiry', async (value) => {
  await operate('PUT', '/_miroir/indexes/plain/ttl', {});
  const answer = await pod.send('POST', '/indexes/plain/documents', [
    { id: 9, _miroir_expires_at: value },
  ]);
  expect(answer.status).toBe(400);
  expect(answer.body).toMatchObject({ code: 'miroir_reserved_field' });
});

test('only what has expired goes, from every copy', async () => {
  await add('due', [{ id: 1 }]);
  await operate('PUT', '/_miroir/indexes/due/ttl', {});
  await add('due', [
    { id: 2, _miroir_expires_at: past },
    { id: 3, _miroir_expires_at: future },
    { id: 4, _miroir_expires_at: null },
  ]);
  const before = await operate('GET', '/_miroir/indexes/due/ttl');
  expect(before.body).toMatchObject({ expiredNow: 1 });
  expect(await expire('due')).toMatchObject({
    type: 'documentDeletion',
    status: 'succeeded',
    details: { deletedDocuments: 1, originalFilter: expect.stringContaining('_miroir_expires_at') },
  });
  const listed = await pod.send('GET', '/indexes/due/documents');
  const left = listed.body['results'] as unknown as { id: number }[];
  expect(left.map(({ id }) => id)).toEqual([1, 3, 4]);
  const uid = pod.ctx.fleet.index('due')?.entry.physicalUid ?? '';
  for (const node of [0, 1, 2]) {
    const held = await fleet.askNode(node, `/indexes/${uid}/documents?limit=100`);
    const ids = (held['results'] as unknown as { id: number }[]).map(({ id }) => id);
    expect(ids).not.toContain(2);
  }
});

test('a document that got more time before the deletion had its turn stays', async () => {
  await add('late', [{ id: 1 }]);
  await operate('PUT', '/_miroir/indexes/late/ttl', {});
  await add('late', [{ id: 1, _miroir_expires_at: past }]);
  await pod.send('PUT', '/indexes/late/documents', [{ id: 1, _miroir_expires_at: future }]);
  expect(await expire('late')).toMatchObject({ details: { deletedDocuments: 0 } });
  expect(await get('late', 1)).toEqual({ id: 1, _miroir_expires_at: future });
});

test('the default time is for new documents; an update leaves a document its own', async () => {
  await add('fresh', [{ id: 0 }]);
  await operate('PUT', '/_miroir/indexes/fresh/ttl', { defaultTtlMs: 60_000 });
  const from = Date.now();
  await add('fresh', [
    { id: 1 },
    { id: 2, _miroir_expires_at: future },
    { id: 3, _miroir_expires_at: null },
  ]);
  const first = Number((await get('fresh', 1))['_miroir_expires_at']);
  expect(first).toBeGreaterThanOrEqual(from + 60_000);
  expect(first).toBeLessThanOrEqual(Date.now() + 60_000);
  expect(await get('fresh', 2)).toMatchObject({ _miroir_expires_at: future });
  expect(await get('fresh', 3)).toMatchObject({ _miroir_expires_at: null });
  await add('fresh', [{ id: 1, title: 'updated' }, { id: 0, title: 'old' }, { id: 5 }], 'PUT');
  expect(await get('fresh', 1)).toEqual({ id: 1, title: 'updated', _miroir_expires_at: first });
  expect(await get('fresh', 0)).toEqual({ id: 0, title: 'old' });
  expect((await get('fresh', 5))['_miroir_expires_at']).toBeGreaterThanOrEqual(from + 60_000);
});

test('when expiry is taken away the times are hidden, and nothing is deleted', async () => {
  await add('off', [{ id: 1 }]);
  await operate('PUT', '/_miroir/indexes/off/ttl', {});
  await add('off', [{ id: 2, _miroir_expires_at: past }]);
  expect((await operate('DELETE', '/_miroir/indexes/off/ttl')).status).toBe(204);
  expect(await get('off', 2)).toEqual({ id: 2 });
  const uid = pod.ctx.fleet.index('off')?.entry.physicalUid;
  const refused = await operate('POST', '/_miroir/ttl/expire', {
    ...{ physicalUid: uid, before: Date.now(), fromSlot: 0, toSlot: 16_384 },
  });
  expect(refused.body).toMatchObject({ code: 'miroir_operation_refused' });
});

test.each([
  [{ enabled: 'yes' }],
  [{ defaultTtlMs: 1 }],
  [{ defaultTtlMs: '1d' }],
  [{ defaultTtlMs: 1e18 }],
  [{ ttl: 5 }],
  [[]],
])('a policy %j is refused in words', async (body) => {
  const answer = await operate('PUT', '/_miroir/indexes/plain/ttl', body);
  expect(answer.status).toBe(400);
  expect(String(answer.body['message']).length).toBeGreaterThan(10);
});

test('a part that is no part of the hash space is refused', async () => {
  const physicalUid = pod.ctx.fleet.index('due')?.entry.physicalUid;
  for (const part of [
    { before: 1, fromSlot: 5, toSlot: 5 },
    { before: 1, fromSlot: 0, toSlot: 20_000 },
    { before: -1, fromSlot: 0, toSlot: 1 },
  ]) {
    const answer = await operate('POST', '/_miroir/ttl/expire', { physicalUid, ...part });
    expect(answer.status).toBe(400);
  }
});
