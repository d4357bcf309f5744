/**
 * Goal: only a node that is not the one it was is emptied and named anew, never one that may hold the
 * last copy unless the loss is accepted; and the policy finds exactly what can be repaired by itself.
 * Method: activities against embedded nodes whose disks are named, emptied and given other names.
 */
import { nodeId } from '../../core/ids';
import type { NodeId } from '../../core/ids';
import { readIdentity, writeIdentity } from '../../meili/node-identity';
import { all, documentsOf, origin, products, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';

const a = nodeId('meili-0');
const b = nodeId('meili-1');
const other = 'other-1' as typeof products;
const identityIndex = '_miroir_node' as typeof products;

let fleet: TestFleet;
beforeEach(async () => {
  fleet = await startFleet(2);
  await name(0, a, 'disk-0');
  await name(1, b, 'disk-1');
});
afterEach(() => fleet.close());

/** The table and the node's disk say the same. */
async function name(at: number, id: NodeId, instanceId: string): Promise<void> {
  await writeIdentity(fleet.client(at), { node: id, instance: instanceId });
  await fleet.store.fleet.update({ ...origin, what: 'test' }, ({ nodes }) =>
    nodes
      .filter((node) => node.id === id)
      .map((node) => ({ op: 'set-node' as const, node: { ...node, instanceId } })),
  );
}

const rowsOf = async (text: string): Promise<void> => {
  for (const shard of all) await fleet.setRow(shard, text);
};
async function dropIndex(at: number, uid: typeof products): Promise<void> {
  const client = fleet.client(at);
  await client.waitForTask(await client.deleteIndex(uid));
}
async function makeIndex(at: number, uid: typeof products): Promise<void> {
  const client = fleet.client(at);
  await client.waitForTask(await client.createIndex(uid, 'id'));
}
/** Named as another node is: what is on it may be missed elsewhere. */
const otherDisk = (at: number) =>
  writeIdentity(fleet.client(at), { node: 'meili-7', instance: 'disk-7' });
const instanceOf = async (id: NodeId): Promise<string | null | undefined> =>
  (await fleet.store.fleet.load()).nodes.find((node) => node.id === id)?.instanceId;
const check = (node: NodeId, acceptLoss = false) => fleet.run('checkRebuild', { node, acceptLoss });

test('a node that is the one it was is neither rebuilt, emptied nor renamed', async () => {
  await fleet.write(documentsOf(0, 20));
  for (const acceptLoss of [false, true]) {
    expect(await check(a, acceptLoss)).toEqual({
      ...{ ok: false, reason: 'meili-0 is the node that it was.' },
    });
  }
  expect(await fleet.run('emptyNode', { node: a })).toEqual({ deleted: 0 });
  expect((await fleet.documents(0)).size).toBe(20);
  expect(await fleet.run('renameNode', { node: a, ...origin })).toEqual({ ok: true });
  expect(await instanceOf(a)).toBe('disk-0');
  expect(await readIdentity(fleet.client(0))).toEqual({ node: a, instance: 'disk-0' });
});

test('an empty node is rebuilt when its copies are elsewhere, and else only when the loss is accepted', async () => {
  await rowsOf('meili-0:in-sync meili-1:in-sync');
  await dropIndex(1, identityIndex);
  expect(await check(b)).toEqual({ ok: true, group: 0 });
  await fleet.setRow(3, 'meili-1:in-sync');
  expect(await check(b)).toMatchObject({
    ...{ ok: false, reason: expect.stringContaining('last in-sync copy of shards of products') },
  });
  expect(await check(b, true)).toEqual({ ok: true, group: 0 });
});

test('the disk of another node is deleted only when that is accepted, and named to the operator', async () => {
  await rowsOf('meili-0:in-sync meili-1:in-sync');
  await otherDisk(1);
  expect(await check(b)).toMatchObject({
    ...{ ok: false, reason: expect.stringContaining('is that of meili-7') },
  });
  await dropIndex(1, identityIndex);
  await makeIndex(1, other);
  expect(await check(b)).toMatchObject({
    ...{ ok: false, reason: expect.stringContaining('has indexes and no name') },
  });
  expect(await check(b, true)).toEqual({ ok: true, group: 0 });
});

test('no index is made on a node whose disk is lost: it is waited for', async () => {
  await rowsOf('meili-0:in-sync meili-1:in-sync');
  await dropIndex(1, identityIndex);
  const input = { physicalUid: products, ...origin };
  await expect(fleet.run('broadcastSettings', input)).rejects.toMatchObject({
    ...{ type: 'node-strange', nonRetryable: false },
  });
  expect(await fleet.client(1).getIndex(products)).toBeNull();
  await name(1, b, 'disk-1');
  expect(await fleet.run('broadcastSettings', input)).toMatchObject({ changed: ['meili-1'] });
});

test('a strange node is emptied, gets a new instance on its disk and in the table, and both only once', async () => {
  await rowsOf('meili-0:in-sync meili-1:stale');
  await makeIndex(1, products);
  await makeIndex(1, other);
  await fleet.store.nodeSettingsVersions.create({
    ...{ physicalUid: products, node: b, settingsVersion: 1, settingsHash: '' },
    appliedAt: new Date().toISOString(),
  });
  await otherDisk(1);
  expect(await fleet.run('emptyNode', { node: b })).toEqual({ deleted: 2 });
  expect(await fleet.client(1).getIndex(products)).toBeNull();
  expect(await fleet.client(1).getIndex(other)).toBeNull();
  expect(await fleet.client(0).getIndex(products)).not.toBeNull();

  expect(await fleet.run('renameNode', { node: b, ...origin })).toEqual({ ok: true });
  const instance = await instanceOf(b);
  expect(instance).not.toBe('disk-1');
  expect(await readIdentity(fleet.client(1))).toEqual({ node: b, instance });
  // Settings of the old disk are not on the new one.
  expect(await fleet.store.nodeSettingsVersions.list({ limit: 10 })).toEqual([]);
  expect(await fleet.row(0)).toBe('meili-0:in-sync meili-1:stale');

  expect(await fleet.run('emptyNode', { node: b })).toEqual({ deleted: 0 });
  await fleet.run('renameNode', { node: b, ...origin });
  expect(await instanceOf(b)).toBe(instance);
});

test('where a loss was accepted the last copies are there again, in sync and empty', async () => {
  await fleet.write(documentsOf(0, 20));
  expect((await fleet.documents(0)).size).toBe(20);
  await otherDisk(0);
  await fleet.run('emptyNode', { node: a });
  await fleet.run('renameNode', { node: a, ...origin });
  expect(await fleet.client(0).getIndex(products)).toMatchObject({ primaryKey: 'id' });
  expect((await fleet.documents(0)).size).toBe(0);
  expect(await fleet.row(0)).toBe('meili-0:in-sync');
});

describe('what there is to repair by itself', () => {
  const find = (nodesMax = 10) => fleet.run('findRepairs', { nodesMax });
  const nothing = { repair: [], rebuild: [], left: [] };

  test('nothing on a whole fleet, nor where a stale copy has no source', async () => {
    await rowsOf('meili-0:in-sync meili-1:in-sync');
    expect(await find()).toEqual(nothing);
    await rowsOf('meili-0:stale meili-1:stale');
    expect(await find()).toEqual(nothing);
  });

  test('stale copies with a source, and a node that is empty, but no more than asked for', async () => {
    await rowsOf('meili-0:in-sync meili-1:in-sync');
    await fleet.setRow(0, 'meili-0:stale meili-1:in-sync');
    expect(await find()).toEqual({ ...nothing, repair: [a] });
    await fleet.setRow(0, 'meili-0:in-sync meili-1:stale');
    await dropIndex(1, identityIndex);
    expect(await find()).toEqual({ ...nothing, rebuild: [b] });
    await fleet.setRow(0, 'meili-0:in-sync meili-1:in-sync');
    await fleet.setRow(1, 'meili-0:stale meili-1:in-sync');
    expect((await find(1)).repair).toEqual([a]);
    expect((await find(1)).rebuild).toEqual([]);
  });

  test('what only an operator may decide, and a node that is away, are named and left', async () => {
    await rowsOf('meili-0:in-sync meili-1:in-sync');
    await otherDisk(1);
    expect(await find()).toEqual({ ...nothing, left: ['meili-1 is other-disk'] });
    await dropIndex(1, identityIndex);
    await fleet.setRow(2, 'meili-1:in-sync');
    expect(await find()).toEqual({
      ...nothing,
      left: ['meili-1 is empty and had the last copy of shards of products'],
    });
    await rowsOf('meili-0:in-sync meili-1:stale');
    fleet.nodes[1]?.faults?.add({ action: { kind: 'drop', when: 'before' } });
    expect(await find()).toEqual({ ...nothing, left: ['meili-1 does not answer'] });
  });

  test('a policy that is switched off names what it would do', async () => {
    await fleet.close();
    const repair = { automatic: false, rebuildNodes: false };
    fleet = await startFleet(2, { overrides: { repair } });
    await name(1, b, 'disk-1');
    await rowsOf('meili-0:in-sync meili-1:stale');
    expect(await find()).toEqual({ ...nothing, left: ['meili-1 needs a repair'] });
    await dropIndex(1, identityIndex);
    expect(await find()).toEqual({ ...nothing, left: ['meili-1 needs a rebuild'] });
  });
});
