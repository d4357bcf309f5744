/**
 * Goal: settings that somebody changed on one node behind Miroir's back are found, named for everyone to
 * see, and made right; a change that is under way is no drift.
 *
 * Method: the activities on embedded nodes and a real store, where the test plays the intruder.
 */
import { draft } from '../store/support';
import type { DriftedNode } from '../../core/fleet';
import { nodeId, shardId } from '../../core/ids';
import type { SettingsCheckResult } from '../../core/index-life';
import { origin, products, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';

jest.setTimeout(30_000);

let fleet: TestFleet;

beforeEach(async () => {
  fleet = await startFleet(2);
  await fleet.setRow(1, 'meili-0:in-sync meili-1:in-sync');
  await fleet.run('broadcastSettings', { physicalUid: products, ...origin });
});
afterEach(() => fleet.close());

const check = (): Promise<SettingsCheckResult> =>
  fleet.run('checkSettings', { physicalUid: null, operation: 'settings-check/all' });

async function drifted(): Promise<readonly DriftedNode[]> {
  const { indexes } = await fleet.store.fleet.load();
  return indexes[0]?.drifted ?? [];
}

async function intrude(node: number, settings: object): Promise<void> {
  const client = fleet.client(node);
  await client.waitForTask(await client.updateSettings(products, settings as never));
}

test('nothing is found where nothing was changed', async () => {
  expect(await check()).toEqual({ indexes: 1, drifted: [], unanswered: [] });
  expect(await drifted()).toEqual([]);
});

test('drift is found and named, seen by everyone, and gone after a broadcast', async () => {
  await intrude(1, { stopWords: ['the'], rankingRules: ['words'] });
  const found = await check();
  expect(found.drifted).toMatchObject([
    { index: 'products', nodes: [{ node: 'meili-1', settings: ['rankingRules', 'stopWords'] }] },
  ]);
  expect(await drifted()).toMatchObject([{ node: 'meili-1' }]);
  const [newest] = await fleet.store.fleet.log(1);
  expect(newest).toMatchObject({ who: 'settings-check/all', what: 'settings drifted' });
  expect(newest?.why).toBe('meili-1: rankingRules, stopWords');

  const report = await fleet.run('broadcastSettings', { physicalUid: products, ...origin });
  expect(report.changed).toEqual(['meili-1']);
  expect(await drifted()).toEqual([]);
  expect((await check()).drifted).toEqual([]);
});

test('a synonym that the catalogue does not know is drift, and is taken away', async () => {
  // As a node is left by a change that it took and that failed for want of the others.
  await intrude(1, { synonyms: { 'New York': ['NYC'] } });
  expect((await check()).drifted).toMatchObject([
    { nodes: [{ node: 'meili-1', settings: ['synonyms'] }] },
  ]);
  const report = await fleet.run('broadcastSettings', { physicalUid: products, ...origin });
  expect(report.changed).toEqual(['meili-1']);
  expect((await check()).drifted).toEqual([]);
  expect((await fleet.client(1).getSettings(products))['synonyms']).toEqual({});
});

test('it is noted once, with the time when it was first seen', async () => {
  await intrude(1, { stopWords: ['the'] });
  await check();
  const [first] = await drifted();
  const epoch = await fleet.store.fleet.epoch();
  await check();
  expect(await drifted()).toEqual([first]);
  expect(await fleet.store.fleet.epoch()).toBe(epoch);
});

test('what the intruder takes back is no drift any more', async () => {
  await intrude(1, { stopWords: ['the'] });
  await check();
  await intrude(1, { stopWords: [] });
  expect((await check()).drifted).toEqual([]);
  expect(await drifted()).toEqual([]);
});

test('a change that is under way is no drift', async () => {
  const acquired = await fleet.store.writers.acquire(products, 'pod-a' as never, 10_000);
  if (!acquired.ok) throw new Error('lease');
  const fence = acquired.fence;
  const begun = await fleet.store.writers.begin({
    ...{ pod: 'pod-a' as never, physicalUid: products, fence, sequences: 0, nonce: 'pod-a:1' },
    ...{ epoch: await fleet.store.fleet.epoch(), shards: [shardId(0)], changes: [] },
    task: draft({ physicalUid: products, type: 'settingsUpdate' }),
  });
  expect(begun.kind).toBe('ok');
  await intrude(1, { stopWords: ['the'] });
  expect((await check()).drifted).toEqual([]);
});

test('a node that does not answer is named, and what was known of it stays', async () => {
  await intrude(1, { stopWords: ['the'] });
  await check();
  fleet.nodes[1]?.faults?.add({ path: '/settings', action: { kind: 'drop', when: 'before' } });
  expect(await check()).toEqual({ indexes: 1, drifted: [], unanswered: ['meili-1'] });
  expect(await drifted()).toMatchObject([{ node: nodeId('meili-1') }]);
});
