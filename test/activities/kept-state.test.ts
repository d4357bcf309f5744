/**
 * Goal: no document of a copy is deleted before the nodes keep a state of the fleet that says the copy
 * leaves, so that a recovery never takes a deleted copy for a whole one; and the wait ends.
 * Method: the clean-up of a copy on embedded nodes, while states are written to them one by one.
 */
import type { LeaveRequest, RolloverDecision } from '../../activities/types';
import { epoch as epochOf, groupId, nodeId } from '../../core/ids';
import type { Epoch } from '../../core/ids';
import { prepareMeta, stateEpochs, writeState } from '../../meili/node-meta';
import { waitFor } from '../support/wait-for';
import { all, documentsOf, origin, products, productsUid, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';

let fleet: TestFleet;
afterEach(() => fleet.close());

const leave: LeaveRequest = {
  ...{ ...origin, physicalUid: products, group: groupId(0), node: nodeId('meili-0') },
  ...{ shards: [all[0] ?? (0 as never)], runKey: 'sync/test' },
};

async function leaving(keptWaitMs: number): Promise<Epoch> {
  fleet = await startFleet(2, { overrides: { keptWaitMs } });
  await fleet.write(documentsOf(0, 80));
  await fleet.setRow(0, 'meili-0:in-sync meili-1:in-sync');
  const epoch = await fleet.run('startLeaving', leave);
  if (epoch === null) throw new Error('nothing leaves');
  return epoch;
}

async function keep(node: number, epoch: Epoch): Promise<void> {
  const client = fleet.client(node);
  await prepareMeta(client);
  await writeState(client, { epoch, at: new Date().toISOString(), sealed: 'sealed' }, []);
  await waitFor(async () => (await stateEpochs(client)).includes(epoch), { what: 'the state' });
}

/** The clean-up, and whether it is over. */
function cleanUp(): { end: Promise<{ deleted: number }>; over: () => boolean } {
  let over = false;
  const end = fleet.run('removeLeaving', leave).finally(() => (over = true));
  return { end, over: () => over };
}

const here = async (): Promise<number> => (await fleet.documents(0, [0])).size;

test('documents are deleted only when every node that answers keeps the state', async () => {
  const epoch = await leaving(60_000);
  const before = await here();
  expect(before).toBeGreaterThan(0);
  await keep(0, epoch);
  await keep(1, epochOf(epoch - 1));
  // The number of another fleet says nothing of this one.
  await keep(1, epochOf(epoch + 100));
  const asked = jest.spyOn(fleet.tools.store.fleet, 'load');
  const { end, over } = cleanUp();
  // It has looked a few times, and deleted nothing.
  await waitFor(() => asked.mock.calls.length > 6, { what: 'some looks at the nodes' });
  expect(over()).toBe(false);
  expect(await here()).toBe(before);
  await keep(1, epoch);
  expect(await end).toEqual({ deleted: before });
  expect(await here()).toBe(0);
});

test('a node that does not answer is not waited for when its group has another', async () => {
  const epoch = await leaving(60_000);
  const before = await here();
  await keep(0, epoch);
  fleet.nodes[1]?.faults?.add({ path: '/documents', action: { kind: 'drop', when: 'before' } });
  expect(await cleanUp().end).toEqual({ deleted: before });
});

test('the wait is bounded: without a pod that writes states the clean-up goes on and the log says so', async () => {
  await leaving(200);
  const before = await here();
  const warned = jest.spyOn(fleet.tools.log, 'warn');
  expect(await cleanUp().end).toEqual({ deleted: before });
  const lacking = ['meili-0', 'meili-1'];
  expect(warned.mock.calls).toMatchObject([[{ lacking }, expect.any(String)]]);
});

test('the index of a rollover that is undone goes only when the nodes keep a state without it', async () => {
  fleet = await startFleet(2, { overrides: { keptWaitMs: 60_000 } });
  await fleet.write(documentsOf(0, 40));
  const decision: RolloverDecision = {
    ...{ policy: 'logs', version: 1, act: true, outcome: 'rolled-over', reason: '', from: null },
    ...{ to: productsUid, physicalUid: products, createdAt: '2026-01-01T00:00:00Z' },
    ...{ readTargets: null, doomed: [] },
  };
  let over = false;
  const end = fleet.run('dropNextIndex', { decision, ...origin }).finally(() => (over = true));
  await waitFor(async () => (await fleet.store.fleet.load()).indexes.length === 0, {
    what: 'the catalogue',
  });
  const asked = jest.spyOn(fleet.tools.store.fleet, 'load');
  await waitFor(() => asked.mock.calls.length > 6, { what: 'some looks at the nodes' });
  expect(over).toBe(false);
  expect(await fleet.client(0).getIndex(products)).not.toBeNull();
  const epoch = await fleet.store.fleet.epoch();
  await keep(0, epoch);
  await keep(1, epoch);
  await end;
  for (const node of [0, 1]) expect(await fleet.client(node).getIndex(products)).toBeNull();
});
