/**
 * Goal: whatever an operator does, accepted or refused, stands in the audit log with who and why, and no
 * secret ever does; strangers without a key cannot push entries out of it.
 * Method: a pod without Temporal before two embedded nodes; the log is read back over HTTP and from Redis.
 */
import type { JsonValue } from '../../core/fleet';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;
let admin: Record<string, string>;

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 2, env: { MIROIR_OUTBOUND_ALLOW_LOOPBACK: 'true' } });
  pod = await fleet.pod();
  admin = { authorization: `Bearer ${fleet.config.api.adminKey}` };
  await pod.write('POST', '/indexes', { uid: 'films', primaryKey: 'id' });
});
afterAll(async () => fleet.close());

type Entry = Record<string, JsonValue>;

async function entries(query = ''): Promise<Entry[]> {
  const { status, body } = await pod.send('GET', `/_miroir/audit${query}`, undefined, admin);
  expect(status).toBe(200);
  return body['results'] as Entry[];
}

test('an alias, with who, why, what and how it was answered', async () => {
  const body = { targets: ['films'], who: 'ada', why: 'first' };
  expect((await pod.send('PUT', '/_miroir/aliases/live', body, admin)).status).toBeLessThan(300);
  const [entry] = await entries('?who=ada');
  expect(entry).toMatchObject({
    ...{ who: 'ada', why: 'first', action: 'PUT /_miroir/aliases/{name}', refused: null },
    ...{ target: { name: 'live' }, details: { targets: ['films'] }, pod: pod.ctx.pod.id },
    at: expect.stringMatching(/^20\d\d-.*Z$/) as string,
  });
});

test('what was refused is noted with its code, also without Temporal', async () => {
  const answer = await pod.send('POST', '/_miroir/rebalance', { who: 'bob' }, admin);
  expect(answer.status).toBe(503);
  const [entry] = await entries('?who=bob&refused=true');
  expect(entry).toMatchObject({
    ...{ action: 'POST /_miroir/rebalance', status: 503, operation: null },
    refused: 'miroir_control_plane_unavailable',
  });
  expect(await entries('?who=bob&refused=false')).toEqual([]);
});

test('an answer that is sent compressed is noted like any other', async () => {
  const response = await fetch(`${await pod.listen()}/_miroir/rebalance`, {
    method: 'POST',
    headers: { ...admin, 'accept-encoding': 'gzip', 'content-type': 'application/json' },
    body: JSON.stringify({ who: 'cy' }),
  });
  expect([response.status, response.headers.get('content-encoding')]).toEqual([503, 'gzip']);
  await response.arrayBuffer();
  const [entry] = await entries('?who=cy');
  expect(entry).toMatchObject({ refused: 'miroir_control_plane_unavailable', status: 503 });
});

test('keys, webhooks and features are noted without their secrets', async () => {
  const secret = 'a-very-secret-text';
  const made = await pod.send('POST', '/keys', {
    ...{ name: 'search', description: secret, actions: ['search'], indexes: ['films'] },
    expiresAt: null,
  });
  const text = String(made.body['key']);
  await pod.send('POST', '/webhooks', {
    url: `http://127.0.0.1:9/hook?token=${secret}`,
    headers: { authorization: secret },
  });
  await pod.send('PATCH', '/experimental-features', { metrics: true });
  // A key may be named by its text.
  expect((await pod.send('DELETE', `/keys/${text}`)).status).toBe(204);
  expect((await pod.send('DELETE', `/keys/${'f'.repeat(64)}`)).status).toBe(404);
  const noted = (await entries('?limit=5')).reverse();
  expect(noted.map(({ action, status }) => [action, status])).toEqual([
    ['POST /keys', 201],
    ['POST /webhooks', 201],
    ['PATCH /experimental-features', 200],
    ['DELETE /keys/{key}', 204],
    ['DELETE /keys/{key}', 404],
  ]);
  expect(noted[0]).toMatchObject({ who: 'master key', details: { actions: ['search'] } });
  expect(noted[1]?.['details']).toEqual({ url: 'http://127.0.0.1:9' });
  expect(noted[3]?.['target']).toEqual({ key: made.body['uid'] });
  expect(noted[4]?.['target']).toEqual({ key: 'a key that does not exist' });
  const all = JSON.stringify(await pod.ctx.store.audit.list({ before: null, limit: 1_000 }));
  for (const word of [secret, text, fleet.masterKey, fleet.config.api.adminKey]) {
    expect(all).not.toContain(word);
  }
});

test('a request without the admin key leaves no entry', async () => {
  const before = await entries();
  const refused = await pod.send('DELETE', '/_miroir/aliases/live', { who: 'mallory' });
  expect(refused.status).toBe(401);
  expect((await pod.send('POST', '/keys', {}, { authorization: 'Bearer no' })).status).toBe(403);
  expect(await entries()).toEqual(before);
});

test('pages follow each other, and reading is no action', async () => {
  for (let i = 0; i < 5; i += 1) {
    await pod.send('PUT', '/_miroir/aliases/paged', { targets: ['films'], who: 'eve' }, admin);
  }
  const whole = await entries('?who=eve');
  expect(whole).toHaveLength(5);
  const seen: Entry[] = [];
  let next: JsonValue = null;
  do {
    const before: string = next === null ? '' : `&before=${String(next)}`;
    const { body } = await pod.send(
      ...(['GET', `/_miroir/audit?who=eve&limit=2${before}`, undefined, admin] as const),
    );
    seen.push(...(body['results'] as Entry[]));
    next = body['next'] ?? null;
  } while (next !== null);
  expect(seen).toEqual(whole);
});

test.each([
  ['?before=x', '`before`'],
  ['?since=yesterday', '`since`'],
  ['?refused=maybe', '`refused`'],
  ['?limit=-1', '`limit`'],
  ['?nobody=x', '`nobody`'],
])('%s is refused by name', async (query, name) => {
  const answer = await pod.send('GET', `/_miroir/audit${query}`, undefined, admin);
  expect(answer.status).toBe(400);
  expect(String(answer.body['message'])).toContain(name);
});
