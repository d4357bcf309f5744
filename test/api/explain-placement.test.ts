/**
 * Goal: an operator sees why a shard is where it is, where a document is, who is read, and what a change
 * would move; what is wrong in the request is said, and nothing is changed or started.
 * Method: a pod before three embedded nodes; what is told of a document is held against the nodes.
 */
import type { JsonValue } from '../../core/fleet';
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 3, replicationFactor: 2, shards: 16 });
  pod = await fleet.pod();
  await pod.write('POST', '/indexes/films/documents', [{ id: 1 }, { id: 'heat' }]);
  await pod.send('PUT', '/_miroir/aliases/live', { targets: ['films'] }, admin());
});
afterAll(async () => fleet.close());

const admin = (): Record<string, string> => ({
  authorization: `Bearer ${fleet.config.api.adminKey}`,
});
const send = (method: string, path: string, body?: unknown): Promise<Json> =>
  pod.send(method, `/_miroir/indexes/${path}`, body, admin());

interface Shard {
  readonly shard: number;
  readonly replicas: readonly { node: string; state: string }[];
  readonly wanted: readonly string[];
  readonly homes: readonly { node: string; score: number }[];
  readonly why: readonly string[];
  readonly readable: readonly { node: string; read: boolean; why: string | null }[];
}
const shardsOf = ({ body }: Json): Shard[] => body['shards'] as unknown as Shard[];

test('a document is on the nodes that are told, and on no other', async () => {
  for (const id of ['1', 'heat']) {
    const answer = await send('GET', `films/placement?document=${id}`);
    expect(answer.status).toBe(200);
    expect(answer.body['document']).toMatchObject({ id });
    const [shard] = shardsOf(answer);
    const told = shard?.replicas.map(({ node }) => node) ?? [];
    const has: string[] = [];
    const physical = String(answer.body['physicalUid']);
    for (const node of [0, 1, 2]) {
      const found = await fleet.askNode(node, `/indexes/${physical}/documents/fetch`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ids: [id] }),
      });
      if ((found['results'] as JsonValue[] | undefined)?.length === 1) has.push(`meili-${node}`);
    }
    expect([...told].sort()).toEqual(has);
    expect(shard?.why).toHaveLength(2);
    expect((answer.body['read'] as { asks: { node: string }[] }).asks).toHaveLength(1);
  }
});

test('the whole index, by an alias too', async () => {
  const answer = await send('GET', 'live/placement');
  expect(answer.body).toMatchObject({ index: 'films', shardCount: 16, document: null });
  expect(shardsOf(answer)).toHaveLength(16);
  for (const { replicas, wanted } of shardsOf(answer)) {
    expect(replicas.map(({ node }) => node).sort()).toEqual([...wanted].sort());
  }
});

test('a node that is out is told with its reason', async () => {
  const [shard] = shardsOf(await send('GET', 'films/placement?shard=3'));
  const node = shard?.replicas[0]?.node as never;
  for (let at = 0; at < 20; at += 1) pod.ctx.health.failed(node, 'node_unreachable');
  const [after] = shardsOf(await send('GET', 'films/placement?shard=3'));
  expect(after?.readable[0]).toMatchObject({ node, read: false });
  expect(after?.readable[0]?.why).toMatch(/^the node is out \(node_unreachable\)/);
});

test.each([
  [{ setNode: { node: 'meili-0', weight: 3 } }, 'set-node'],
  [{ addNode: { id: 'meili-3' } }, 'add-node'],
  [{ drainNode: 'meili-1' }, 'drain-node'],
  [{ replicationFactor: 3 }, 'set-replication'],
  [{ shards: 64 }, 'reshard'],
  [{ shards: 8 }, 'reshard'],
  [{ rebalance: true }, 'rebalance'],
])('%j is previewed and nothing is changed', async (change, kind) => {
  const before = await pod.send('GET', '/_miroir/topology', undefined, admin());
  const answer = await send('POST', 'films/placement/preview', change);
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  expect(answer.body).toMatchObject({ change: kind, index: 'films' });
  const nodes = answer.body['nodes'] as { before: number; after: number }[];
  const after = nodes.reduce((sum, one) => sum + one.after, 0);
  expect(after).toBe(answer.body['copies']);
  expect(answer.text).not.toContain('preview.invalid');
  const now = await pod.send('GET', '/_miroir/topology', undefined, admin());
  expect(now.body['epoch']).toBe(before.body['epoch']);
});

test('a node more takes its fair share and nothing moves between the others', async () => {
  const { body } = await send('POST', 'films/placement/preview', { addNode: { id: 'meili-3' } });
  expect(body['made']).toBe(8);
  const targets = (body['pairs'] as { target: string }[]).map(({ target }) => target);
  expect(new Set(targets)).toEqual(new Set(['meili-3']));
});

test.each([
  ['GET', 'nothing/placement', undefined, 404, 'index_not_found'],
  ['GET', 'films/placement?shard=16', undefined, 400, 'bad_request'],
  ['GET', 'films/placement?shard=-1', undefined, 400, 'bad_request'],
  ['GET', 'films/placement?document=a%20b', undefined, 400, 'bad_request'],
  ['GET', 'films/placement?document=', undefined, 400, 'bad_request'],
  ['GET', 'films/placement?document=1&shard=0', undefined, 400, 'bad_request'],
  ['GET', 'films/placement?colour=red', undefined, 400, 'bad_request'],
  ['POST', 'films/placement/preview', {}, 400, 'bad_request'],
  ['POST', 'films/placement/preview', { shards: 8, rebalance: true }, 400, 'bad_request'],
  ['POST', 'films/placement/preview', { shards: 12 }, 400, 'bad_request'],
  ['POST', 'films/placement/preview', { shards: '8' }, 400, 'bad_request'],
  ['POST', 'films/placement/preview', { rebalance: false }, 400, 'bad_request'],
  ['POST', 'films/placement/preview', { replicationFactor: 0 }, 400, 'bad_request'],
  ['POST', 'films/placement/preview', { setNode: { node: 'x' } }, 404, 'miroir_not_found'],
  ['POST', 'films/placement/preview', { setNode: 7 }, 400, 'bad_request'],
  ['POST', 'films/placement/preview', { addNode: { id: '!' } }, 400, 'bad_request'],
  [
    'POST',
    'films/placement/preview',
    { addNode: { id: 'meili-0' } },
    409,
    'miroir_operation_refused',
  ],
  ['POST', 'films/placement/preview', { drainNode: 'nobody' }, 404, 'miroir_not_found'],
])('%s %s with %j is refused', async (method, path, body, status, code) => {
  const answer = await send(method, path, body);
  expect({ status: answer.status, code: answer.body['code'] }).toEqual({ status, code });
});

test('no key, no answer', async () => {
  const answer = await pod.send('GET', '/_miroir/indexes/films/placement', undefined, {
    authorization: 'Bearer wrong',
  });
  expect(answer.status).toBeGreaterThanOrEqual(401);
});
