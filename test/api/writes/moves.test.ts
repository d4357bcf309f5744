/**
 * Goal: writes do their part in moves: they wait for fences, note journals, reach joined copies and
 * leave syncing ones alone; and what was deleted while a node was away goes when it is back.
 * Method: the store's own records are set as a move would set them, and the nodes are looked at.
 */
import { shardOfId } from '../../../core/hash';
import { nodeId, shardId } from '../../../core/ids';
import type { NodeId, ShardId } from '../../../core/ids';
import type { Replica, ReplicaState } from '../../../core/fleet';
import { removeOrphans } from '../../../api/writes/orphans';
import { waitFor } from '../../support/wait-for';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';

let fleet: FleetForTest;
let pod: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest({ replicationFactor: 1, env: { MIROIR_FENCE_MAX_MS: '400' } });
  pod = await fleet.pod();
});
afterAll(async () => {
  await fleet.close();
});

const entryOf = (uid: string) => pod.ctx.fleet.index(uid)!.entry;

/** Puts a copy of one shard on another node in the given state; returns that node. */
async function addCopy(uid: string, shard: ShardId, state: ReplicaState): Promise<NodeId> {
  const { physicalUid, placement } = entryOf(uid);
  const row = placement[0]?.shards[shard] ?? [];
  const target = ['meili-0', 'meili-1', 'meili-2']
    .map(nodeId)
    .find((node) => row.every((one) => one.node !== node))!;
  const replicas: Replica[] = [...row, { node: target, state }];
  const group = placement[0]!.group;
  const audit = { who: 'test', why: 'move', what: state };
  await pod.ctx.store.fleet.update(audit, () => [
    { op: 'set-replicas', physicalUid, group, shard, replicas },
  ]);
  await pod.ctx.fleet.reload();
  return target;
}

async function heldBy(node: NodeId, uid: string): Promise<string[]> {
  const at = Number(String(node).slice(-1));
  const answer = await fleet.askNode(
    at,
    `/indexes/${entryOf(uid).physicalUid}/documents?limit=1000`,
  );
  return ((answer['results'] ?? []) as { id: string }[]).map(({ id }) => id);
}

test('a write waits for a fence and goes on when it is lowered', async () => {
  await pod.write('POST', '/indexes/fence/documents?primaryKey=id', [{ id: 'x' }]);
  const { physicalUid, shardCount } = entryOf('fence');
  const shard = shardOfId('x', shardCount);
  expect(await pod.ctx.store.fences.raise(physicalUid, [shard], 'token', 5_000)).toBe(true);
  let done = false;
  const waiting = pod
    .send('POST', '/indexes/fence/documents', [{ id: 'x', v: 2 }])
    .then((answer) => {
      done = true;
      return answer;
    });
  const elsewhere = await pod.send('GET', '/indexes/fence');
  expect([elsewhere.status, done]).toEqual([200, false]);
  await pod.ctx.store.fences.lower(physicalUid, 'token');
  expect((await waiting).status).toBe(202);
});

test('a fence that stays is answered 503 after fence_max, and nothing was written', async () => {
  const { physicalUid, shardCount } = entryOf('fence');
  const shard = shardOfId('x', shardCount);
  await pod.ctx.store.fences.raise(physicalUid, [shard], 'token', 10_000);
  const began = performance.now();
  const answer = await pod.send('POST', '/indexes/fence/documents', [{ id: 'x', v: 3 }]);
  expect(answer.body['code']).toBe('miroir_fenced');
  expect(answer.headers['retry-after']).toBe('1');
  expect(performance.now() - began).toBeGreaterThan(380);
  await pod.ctx.store.fences.lower(physicalUid, 'token');
  expect(await pod.ctx.store.writers.outstanding(physicalUid)).toEqual([]);
});

test('a syncing copy gets no write, its journal gets the ids, also of deletions', async () => {
  await pod.write('POST', '/indexes/sync/documents?primaryKey=id', [{ id: 'x' }]);
  const { physicalUid, shardCount } = entryOf('sync');
  const shard = shardOfId('x', shardCount);
  const target = await addCopy('sync', shard, 'syncing');
  await pod.write('POST', '/indexes/sync/documents', [{ id: 'x', v: 2 }]);
  expect(await heldBy(target, 'sync')).not.toContain('x');
  const noted = await pod.ctx.store.journals.read(physicalUid, shard, target, 10);
  expect(noted.ids.map(({ id }) => id)).toEqual(['x']);
  expect(noted.all).toBeNull();
  await pod.write('DELETE', '/indexes/sync/documents');
  expect((await pod.ctx.store.journals.read(physicalUid, shard, target, 10)).all).not.toBeNull();
  expect(await pod.ctx.store.journals.pending(physicalUid)).toEqual([]);
});

test('settings go through while a copy is syncing, to the syncing copy as well', async () => {
  await pod.write('POST', '/indexes/syncset/documents?primaryKey=id', [{ id: 'x' }]);
  const target = await addCopy('syncset', shardId(0), 'syncing');
  const task = await pod.write('PUT', '/indexes/syncset/settings/sortable-attributes', ['v']);
  expect(task['status']).toBe('succeeded');
  const at = Number(String(target).slice(-1));
  const settings = await fleet.askNode(at, `/indexes/${entryOf('syncset').physicalUid}/settings`);
  expect(settings['sortableAttributes']).toContain('v');
});

test('a joined copy gets every write', async () => {
  await pod.write('POST', '/indexes/join/documents?primaryKey=id', [{ id: 'x' }]);
  const target = await addCopy('join', shardOfId('x', entryOf('join').shardCount), 'joined');
  await pod.write('POST', '/indexes/join/documents', [{ id: 'x', v: 2 }]);
  expect(await heldBy(target, 'join')).toContain('x');
});

test('a delete by filter leaves alone what a node holds of shards that it may not change', async () => {
  const documents = Array.from({ length: 40 }, (_, at) => ({ id: `d${at}`, kind: 'a' }));
  await pod.write('PATCH', '/indexes/partly/settings', { filterableAttributes: ['kind'] });
  await pod.write('POST', '/indexes/partly/documents?primaryKey=id', documents);
  const { physicalUid, shardCount } = entryOf('partly');
  const target = await addCopy('partly', shardId(0), 'leaving');
  const at = Number(String(target).slice(-1));
  const left = documents.find(({ id }) => shardOfId(id, shardCount) === 0)!;
  const bucket = await heldBy(entryOf('partly').placement[0]!.shards[0]![0]!.node, 'partly');
  expect(bucket).toContain(left.id);
  const copy = await fleet.askNode(
    Number(String(entryOf('partly').placement[0]!.shards[0]![0]!.node).slice(-1)),
    `/indexes/${physicalUid}/documents/${left.id}`,
  );
  const added = await fleet.askNode(at, `/indexes/${physicalUid}/documents?primaryKey=id`, {
    method: 'POST',
    body: JSON.stringify([copy]),
  });
  expect(added['taskUid']).toBeDefined();
  const task = await pod.write('POST', '/indexes/partly/documents/delete', { filter: 'kind = a' });
  expect(task).toMatchObject({ status: 'succeeded', details: { deletedDocuments: 40 } });
  expect(await heldBy(target, 'partly')).toEqual([left.id]);
});

test('an index that was deleted while a node was away goes when the node is back', async () => {
  await pod.write(
    'POST',
    '/indexes/orphan/documents?primaryKey=id',
    Array.from({ length: 20 }, (_, id) => ({ id })),
  );
  const { physicalUid } = entryOf('orphan');
  fleet.nodes[0]?.faults.add({ method: 'DELETE', action: { kind: 'rejectWrites' } });
  const task = await pod.write('DELETE', '/indexes/orphan');
  expect(task['status']).toBe('succeeded');
  expect((await pod.send('GET', '/indexes/orphan')).status).toBe(404);
  fleet.nodes[0]?.faults.clear();
  expect(await fleet.askNode(0, `/indexes/${physicalUid}`)).toMatchObject({ uid: physicalUid });
  await removeOrphans(pod.ctx);
  await waitFor(
    async () => (await fleet.askNode(0, `/indexes/${physicalUid}`))['code'] === 'index_not_found',
    { what: 'the orphan to go' },
  );
  expect(await pod.ctx.store.nodeSettingsVersions.ofIndex(physicalUid)).toEqual([]);
  expect((await pod.send('GET', '/indexes/join/documents')).body['total']).toBe(1);
});
