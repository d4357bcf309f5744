/**
 * Goal: operators read every change of the fleet, its state at an earlier epoch, and what differs.
 * Method: a pod before two embedded nodes; an index and an alias come and go.
 */
import type { JsonValue } from '../../core/fleet';
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 2 });
  pod = await fleet.pod();
});
afterAll(async () => fleet.close());

const admin = (): Record<string, string> => ({
  authorization: `Bearer ${fleet.config.api.adminKey}`,
});
const get = (path: string): Promise<Json> => pod.send('GET', path, undefined, admin());
const epochNow = async (): Promise<number> =>
  Number((await get('/_miroir/topology')).body['epoch']);

type Rows = Record<string, JsonValue>[];

test('the state before is read again, and the difference says what was done', async () => {
  const before = await epochNow();
  await pod.write('POST', '/indexes', { uid: 'films', primaryKey: 'id' });
  await pod.send(
    ...(['PUT', '/_miroir/aliases/live', { targets: ['films'], who: 'ada', why: 'go' }] as const),
    admin(),
  );
  const after = await epochNow();
  const past = await get(`/_miroir/topology?epoch=${String(before)}`);
  expect(past.body).toMatchObject({ epoch: before, indexes: [], aliases: [] });
  expect(past.body['nodes']).toHaveLength(2);
  const then = await get(`/_miroir/topology?epoch=${String(after)}`);
  expect((then.body['indexes'] as Rows).map(({ uid }) => uid)).toEqual(['films']);
  const shards = await get(`/_miroir/shards?epoch=${String(before)}`);
  expect(shards.body).toEqual({ epoch: before, results: [] });

  const diff = await get(`/_miroir/topology/diff?from=${String(before)}`);
  expect(
    (diff.body['records'] as Rows).map(({ kind, name, change }) => [kind, name, change]),
  ).toEqual([
    ['index', 'films', 'added'],
    ['alias', 'live', 'added'],
  ]);
  // Eight shards with two copies each.
  expect(diff.body['replicas']).toHaveLength(16);
  const back = await get(`/_miroir/topology/diff?from=${String(after)}&to=${String(before)}`);
  expect((back.body['records'] as Rows).every(({ change }) => change === 'removed')).toBe(true);

  const log = await get('/_miroir/topology/log?who=ada');
  expect(log.body['results']).toMatchObject([{ who: 'ada', why: 'go' }]);
  const named = await get('/_miroir/topology/log?contains=set-alias%20live');
  expect(named.body['results']).toHaveLength(1);
});

test.each([
  ['/_miroir/topology?epoch=99999', 404, 'has not been reached'],
  ['/_miroir/topology?epoch=x', 400, '`epoch`'],
  ['/_miroir/topology/diff', 400, '`from`'],
  ['/_miroir/topology/diff?from=1&to=99999', 404, 'has not been reached'],
  ['/_miroir/topology/diff?form=1', 400, '`form`'],
])('%s is answered with %d', async (path, status, text) => {
  const answer = await get(path);
  expect(answer.status).toBe(status);
  expect(String(answer.body['message'])).toContain(text);
});
