/**
 * Goal: what a wait for the nodes of a sync found is found once, also when nobody hears of it at first: the
 * same answer, one event, one counted change; and a loss after it has its whole time.
 * Method: embedded nodes that drop every connection; the activity's second attempt comes when the nodes that
 * the first one chose are away too.
 */
import { groupId, nodeId, shardId } from '../../../core/ids';
import { all, products, startFleet } from '../fleet-for-test';
import type { TestFleet } from '../fleet-for-test';

let fleet: TestFleet;
beforeEach(async () => {
  fleet = await startFleet(3, { overrides: { nodeDeadlineMs: 1_000 } });
  for (const shard of all) await fleet.setRow(shard, 'meili-0:in-sync meili-2:in-sync');
  const client = fleet.client(2);
  await client.waitForTask(await client.createIndex(products, 'id'));
});
afterEach(async () => {
  for (const { faults } of fleet.nodes) faults?.clear();
  await fleet.close();
});

const kill = (node: number) =>
  fleet.nodes[node]?.faults?.add({ action: { kind: 'drop', when: 'before' } });
const request = (until: number) => ({
  ...{ ref: fleet.ref(), graceUntil: 0, until, operations: ['sync/test', 'rebalance/group-0'] },
});
const chosen = {
  ...{ ok: true, changed: true },
  feeds: [{ node: nodeId('meili-2'), group: groupId(0), shards: [shardId(0), shardId(3)] }],
};

test('a second attempt says what the first one said, and tells nothing more', async () => {
  kill(0);
  const wait = request(Date.now() + 5_000);
  expect(await fleet.run('awaitSources', wait)).toEqual(chosen);
  kill(2);
  expect(await fleet.run('awaitSources', { ...wait }, { attempt: 2 })).toEqual(chosen);
  for (const operation of wait.operations) {
    expect(await fleet.store.figures.events(operation)).toHaveLength(1);
  }
  expect(await fleet.store.figures.sourceChanges()).toEqual([{ index: 'products', count: 1 }]);
});

test('the next wait of the same run looks for itself', async () => {
  kill(0);
  const wait = request(Date.now() + 5_000);
  await fleet.run('awaitSources', wait);
  kill(2);
  const next = { ...wait, until: Date.now() };
  expect(await fleet.run('awaitSources', next, { attempt: 2 })).toMatchObject({ ok: false });
  expect(await fleet.store.figures.events('sync/test')).toHaveLength(1);
});

test('of two attempts at once that find different copies, the first one counts for both', async () => {
  const { figures } = fleet.store;
  const telling = (answer: string) => ({
    ...{ answer, operations: ['sync/test'], sourceChange: fleet.ref().index },
    event: { at: 1, who: 'sync', what: answer, why: 'test', figures: {} },
  });
  const answers = await Promise.all(['a', 'b'].map((one) => figures.tellOnce('x', telling(one))));
  expect(answers[0]).toBe(answers[1]);
  expect(await figures.told('x')).toBe(answers[0]);
  expect(await figures.events('sync/test')).toMatchObject([{ what: answers[0] }]);
  expect(await figures.sourceChanges()).toEqual([{ index: 'products', count: 1 }]);
});
