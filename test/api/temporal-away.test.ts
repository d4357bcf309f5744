/**
 * Goal: while Temporal is away searches and writes go on, and what needs it says so within a bounded time;
 * two pods that route by different epochs never answer twice or not at all.
 * Method: a pod whose Temporal is a port that nobody listens on; a pod that is told of no new epoch.
 */
import { startRuntime } from '../../api/runtime';
import { loadConfig } from '../../config/load';
import type { Store } from '../../store/types';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest } from './support';

jest.setTimeout(60_000);

let fleet: FleetForTest;
afterEach(() => fleet.close());

const silent = { debug: nothing, info: nothing, warn: nothing, error: nothing };
function nothing(): void {
  return undefined;
}
const docs = (from: number, to: number): { id: number }[] =>
  Array.from({ length: to - from }, (_, at) => ({ id: from + at }));

test('without Temporal clients notice nothing and operators are told', async () => {
  fleet = await fleetForTest();
  const helper = await fleet.pod();
  const { app, close } = await startRuntime({
    config: loadConfig({ env: fleet.env }),
    log: silent,
  });
  const send = async (method: 'GET' | 'POST', url: string, payload?: object) => {
    const isOperators = url.startsWith('/_miroir/');
    const key = isOperators ? fleet.config.api.adminKey : fleet.masterKey;
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await app.inject({
      method,
      url,
      headers,
      payload: JSON.stringify(payload ?? {}),
    });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };
  const written = await send('POST', '/indexes/films/documents?primaryKey=id', docs(0, 30));
  expect(written.status).toBe(202);
  await helper.task(written.body['taskUid'] as number);
  const found = await send('POST', '/indexes/films/search', { limit: 99 });
  expect((found.body['hits'] as unknown[]).length).toBe(30);
  for (const [path, body] of [
    ['/_miroir/rebalance', {}],
    ['/_miroir/nodes/meili-1/rebuild', {}],
  ] as const) {
    const answer = await send('POST', path, body);
    expect([path, answer.status, answer.body['code']]).toEqual([
      ...[path, 503, 'miroir_control_plane_unavailable'],
    ]);
  }
  expect((await send('GET', '/_miroir/operations')).status).toBe(200);
  expect((await send('GET', '/_miroir/anti-entropy/reports')).body).toEqual({ results: [] });
  await close();
});

test('a pod that has not heard of a new epoch answers whole, and its writes follow the new one', async () => {
  fleet = await fleetForTest({ env: { MIROIR_POD_HEARTBEAT_MS: '1000' } });
  const deaf = (store: Store): Store => ({
    ...store,
    fleet: { ...store.fleet, watch: () => () => undefined },
  });
  const [knowing, behind] = [await fleet.pod(), await fleet.pod({ wrapStore: deaf })];
  await knowing.write('POST', '/indexes/films/documents?primaryKey=id', docs(0, 40));
  await behind.ctx.fleet.reload();
  const [entry] = knowing.ctx.fleet.current().indexes;
  const row = entry?.placement[0]?.shards[0] ?? [];
  // A copy in transit: whoever knows of it asks its node with a filter, whoever does not holds it for in sync.
  await knowing.ctx.store.fleet.update({ who: 'test', why: '', what: 'stale' }, () => [
    {
      ...{ op: 'set-replicas', physicalUid: entry!.physicalUid, group: entry!.placement[0]!.group },
      shard: 0 as never,
      replicas: row.map((one, at) => (at === 0 ? one : { ...one, state: 'stale' as const })),
    },
  ]);
  await waitFor(() => knowing.ctx.fleet.current().epoch > behind.ctx.fleet.current().epoch, {
    what: 'the epochs to differ',
  });
  for (const pod of [knowing, behind]) {
    const { body } = await pod.send('POST', '/indexes/films/search', { limit: 99 });
    const ids = (body['hits'] as unknown as { id: number }[]).map(({ id }) => id);
    expect(ids).toEqual(docs(0, 40).map(({ id }) => id));
  }
  const before = behind.ctx.fleet.current().epoch;
  const task = await behind.write('POST', '/indexes/films/documents', docs(40, 60));
  expect(task['status']).toBe('succeeded');
  expect(behind.ctx.fleet.current().epoch).toBeGreaterThan(before);
  const after = knowing.ctx.fleet.current().indexes[0]?.placement[0]?.shards[0] ?? [];
  expect(after.map(({ state }) => state)).toEqual(['in-sync', 'stale']);
});
