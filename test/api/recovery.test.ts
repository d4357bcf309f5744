/**
 * Goal: the state of the fleet outlives Redis: it is on every node, sealed and unseen by clients; nothing is
 * done by a state that is older than one that was seen; `recover` makes all of it again.
 * Method: two pods on embedded nodes; every key of the fleet is deleted in Redis, as after FLUSHALL, or put back
 * to an earlier state, as after a fail-over to a replica that lagged.
 */
import type { JsonValue } from '../../core/fleet';
import { indexUid } from '../../core/ids';
import { Sealer } from '../../api/meta/seal';
import { connectRedis } from '../../store/connect';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;

beforeEach(async () => {
  fleet = await fleetForTest({
    env: { MIROIR_META_EVERY_MS: '50', MIROIR_META_KEEP: '5', MIROIR_HEALTH_PROBE_MS: '100' },
  });
  pod = await fleet.pod();
});
afterEach(async () => {
  await fleet.close();
});

const docs = (from: number, to: number): { id: number }[] =>
  Array.from({ length: to - from }, (_, at) => ({ id: from + at }));
const admin = () => ({ 'x-admin-key': fleet.config.api.adminKey });

interface Kept {
  readonly epoch: number;
  readonly sealed: string;
}

async function keptOn(node: number): Promise<Kept[]> {
  const path = '/indexes/_miroir_meta/documents?limit=1000';
  const { results } = await fleet.askNode(node, path);
  return ((results ?? []) as unknown as Kept[]).sort((a, b) => b.epoch - a.epoch);
}

/** Until every node has the newest state. */
async function kept(): Promise<void> {
  await waitFor(
    async () => {
      const { epoch } = pod.ctx.fleet.current();
      const newest = await Promise.all(
        [0, 1, 2].map(async (node) => (await keptOn(node))[0]?.epoch),
      );
      return newest.every((one) => one === epoch);
    },
    { what: 'the state on every node', deadlineMs: 20_000 },
  );
}

/** All keys of this fleet: what FLUSHALL does to a Redis of its own. */
async function loseRedis(): Promise<void> {
  const redis = connectRedis(fleet.config.redis.url);
  const keys = await redis.keys(`{${fleet.config.redis.prefix}}*`);
  if (keys.length > 0) await redis.del(...keys);
  redis.disconnect();
}

async function shop(): Promise<{ key: string }> {
  await pod.write('POST', '/indexes/films/documents?primaryKey=id', docs(0, 40));
  await pod.write('PATCH', '/indexes/films/settings', { filterableAttributes: ['id'] });
  const made = await pod.send('POST', '/keys', {
    ...{ name: 'shop', actions: ['search'], indexes: ['films', 'movies'], expiresAt: null },
  });
  await pod.ctx.store.rolloverPolicies.put({
    ...{ name: 'logs', version: 2, enabled: true, writeAlias: indexUid('logs'), readAlias: null },
    ...{ pattern: 'logs-{000001}', triggers: {}, retention: {}, template: {}, updatedAt: 'x' },
  });
  // Last, because it raises the epoch, and the state is waited for by its epoch.
  await pod.send('PUT', '/_miroir/aliases/movies', { target: 'films' }, admin());
  return { key: String(made.body['key']) };
}

const idsOf = (body: Record<string, JsonValue>): number[] =>
  (body['hits'] as unknown as { id: number }[]).map(({ id }) => id);

test('the state is on every node, the newest few, sealed, and no client can see it', async () => {
  await shop();
  await kept();
  for (let i = 0; i < 18; i += 1) {
    await pod.send('PUT', `/_miroir/aliases/a${i}`, { target: 'films' }, admin());
    await waitFor(async () => (await keptOn(0))[0]?.epoch === pod.ctx.fleet.current().epoch, {
      what: 'the state of the alias',
    });
  }
  await kept();
  const states = await keptOn(1);
  expect(states.length).toBeGreaterThanOrEqual(5);
  expect(states.length).toBeLessThanOrEqual(16);
  for (const { sealed } of states) {
    expect(Buffer.from(sealed, 'base64').toString('latin1')).not.toContain('films');
  }
  const listed = await pod.send('GET', '/indexes');
  expect(listed.body['total']).toBe(1);
  expect(Object.keys((await pod.send('GET', '/stats')).body['indexes'] as object)).toEqual([
    'films',
  ]);
  for (const uid of ['_miroir_meta', '_miroir_node']) {
    const search = await pod.send('POST', `/indexes/${uid}/search`, {});
    expect([search.status, search.body['code']]).toEqual([404, 'index_not_found']);
    const made = await pod.send('POST', '/indexes', { uid });
    expect([made.status, made.body['code']]).toEqual([400, 'miroir_reserved_field']);
    const written = await pod.send('POST', `/indexes/${uid}/documents`, [{ id: 1 }]);
    expect(written.body['code']).toBe('miroir_reserved_field');
  }
});

test('after a lost Redis reads go on from memory, nothing is changed, and recover gives all back', async () => {
  const { key } = await shop();
  await kept();
  const before = pod.ctx.fleet.current();
  await loseRedis();

  const write = await pod.send('POST', '/indexes/films/documents', docs(40, 41));
  expect([write.status, write.body['code']]).toEqual([503, 'miroir_state_lost']);
  const flip = await pod.send('PUT', '/_miroir/aliases/movies', { target: 'films' }, admin());
  expect([flip.status, flip.body['code']]).toEqual([503, 'miroir_state_lost']);
  await waitFor(
    async () =>
      idsOf((await pod.send('POST', '/indexes/movies/search', { limit: 99 })).body).length === 40,
    { what: 'searches by the state in memory' },
  );

  const fresh = await fleet.pod();
  expect((await fresh.send('GET', '/_miroir/ready')).status).toBe(503);
  for (const path of ['/indexes', '/stats', '/keys', '/tasks']) {
    const answer = await fresh.send('GET', path);
    expect([path, answer.status, answer.body['code']]).toEqual([path, 503, 'miroir_state_lost']);
  }
  const plan = await fresh.send('GET', '/_miroir/recovery', undefined, admin());
  expect(plan.body).toMatchObject({
    needed: true,
    missing: 0,
    from: before.epoch,
    indexes: ['films'],
  });

  const done = await fresh.send('POST', '/_miroir/recovery', { who: 'ada', why: 'lost' }, admin());
  expect(done.status).toBe(200);
  const again = await fresh.send('POST', '/_miroir/recovery', {}, admin());
  expect([again.status, again.body['code']]).toEqual([409, 'miroir_operation_refused']);

  for (const each of [fresh, pod]) {
    await waitFor(() => each.ctx.fleet.current().epoch > before.epoch, { what: 'the new epoch' });
    const { nodes, indexes, aliases } = each.ctx.fleet.current();
    expect({ nodes, indexes, aliases }).toEqual({
      ...{ nodes: before.nodes, indexes: before.indexes, aliases: before.aliases },
    });
    const bearer = { authorization: `Bearer ${key}` };
    const found = await each.send('POST', '/indexes/movies/search', { limit: 99 }, bearer);
    expect(idsOf(found.body)).toEqual(docs(0, 40).map(({ id }) => id));
  }
  expect((await fresh.send('GET', '/keys')).body['total']).toBe(5);
  expect(await fresh.ctx.store.rolloverPolicies.get('logs')).toMatchObject({ version: 2 });

  // Places and uids go on above those that were given: order of insertion, and no replica is taken for another.
  const task = await fresh.write('POST', '/indexes/films/documents', docs(100, 120));
  expect(task['status']).toBe('succeeded');
  const all = await pod.send('POST', '/indexes/films/search', { limit: 99 });
  expect(idsOf(all.body)).toEqual([...docs(0, 40), ...docs(100, 120)].map(({ id }) => id));
  const rows = pod.ctx.fleet.index('films')?.entry.placement.flatMap(({ shards }) => shards) ?? [];
  expect(new Set(rows.flat().map(({ state }) => state))).toEqual(new Set(['in-sync']));
});

test('what was seen and is on no node is said to be missing, and given up only when asked', async () => {
  await shop();
  await kept();
  const { epoch } = pod.ctx.fleet.current();
  await loseRedis();
  const fresh = await fleet.pod();
  fresh.ctx.store.fleet.raiseFloor((epoch + 3) as never);
  const refused = await fresh.send('POST', '/_miroir/recovery', {}, admin());
  expect(refused.status).toBe(409);
  expect(refused.body['message']).toContain(`epoch ${epoch + 3} was seen`);
  const done = await fresh.send('POST', '/_miroir/recovery', { acceptMissing: true }, admin());
  expect(done.body).toMatchObject({ missing: 3, to: epoch + 4 });
  expect(fresh.ctx.fleet.current().epoch).toBe(epoch + 4);
});

test('a state is opened only with its secret, under its own epoch, and unchanged', async () => {
  const sealer = new Sealer('secret');
  const sealed = await sealer.seal('{"a":1}', '7');
  expect(await sealer.open(sealed, '7')).toBe('{"a":1}');
  expect(await sealer.open(sealed, '8')).toBeNull();
  expect(await new Sealer('other').open(sealed, '7')).toBeNull();
  const bytes = Buffer.from(sealed, 'base64');
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
  expect(await sealer.open(bytes.toString('base64'), '7')).toBeNull();
  expect(await sealer.open('', '7')).toBeNull();
});
