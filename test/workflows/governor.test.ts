/**
 * Goal: operations that are started together run one after another on the groups that they share, none is
 * lost, none waits for ever, and what a terminated one left behind is in nobody's way.
 * Method: the real workflows and activities on a real Temporal, embedded nodes and a real Valkey: a
 * reshard while a node is added while a rollover runs, twice over; and a holder that is terminated.
 */
import { createActivities } from '../../activities/create-activities';
import { runOf } from '../../workflows/start-change';
import { groupId, indexUid, nodeId } from '../../core/ids';
import type { OperationReport, RolloverReport } from '../../core/operations';
import type { PlacementChange } from '../../core/placement-change';
import {
  documentsOf,
  origin,
  products,
  productsUid,
  startFleet,
} from '../activities/fleet-for-test';
import type { TestFleet } from '../activities/fleet-for-test';
import { waitFor } from '../support/wait-for';
import { runOptions, startRuns } from './run-for-test';
import type { TestRuns } from './run-for-test';

jest.setTimeout(120_000);

let fleet: TestFleet;
let runs: TestRuns;
/** Lets go what a test holds, also when it failed. */
let letGo: () => void = () => undefined;

beforeEach(async () => {
  fleet = await startFleet(4);
  await fleet.store.fleet.update({ ...origin, what: 'spare' }, () => [
    { op: 'remove-node', id: nodeId('meili-3') },
  ]);
  await fleet.write(documentsOf(0, 60));
  // A claim of a run that Temporal does not know as open is taken away.
  Object.assign(fleet.tools, {
    runs: {
      isOpen: async (workflowId: string) => {
        const description = await runs.client.workflow.getHandle(workflowId).describe();
        return description.status.name === 'RUNNING';
      },
    },
  });
  runs = await startRuns({ activities: () => createActivities(fleet.tools) });
});
afterEach(async () => {
  letGo();
  await runs.close();
  await fleet.close();
});

const options = { ...runOptions, autoApprove: true, graceMs: 20 };
const start = (change: PlacementChange) => {
  const { workflowType, args } = runOf({ change, options, ...origin }, false);
  return runs.start(workflowType, args[0] as object);
};
const reshard = (shardCount: number): PlacementChange => ({
  ...{ kind: 'reshard', index: productsUid, physicalUid: products, shardCount },
});

test('a reshard while a node is added while a rollover runs', async () => {
  await fleet.store.rolloverPolicies.put({
    ...{ name: 'logs', version: 1, enabled: true, pattern: 'logs-{000001}' },
    ...{ writeAlias: indexUid('logs'), readAlias: indexUid('logs-search') },
    triggers: { max_docs: 1 },
    retention: { keep_indexes: 2, safety_lock_older_than_days: 0 },
    template: { primary_key: 'id' },
    updatedAt: '2026-01-01T00:00:00Z',
  });
  const url = fleet.nodes[3]?.url ?? '';
  const node = { id: nodeId('meili-3'), url, group: groupId(0), zone: null, weight: 1 };
  const rollover = { policy: 'logs', force: true, dryRun: false, ...origin };
  const handles = [
    await start(reshard(16)),
    await start({ kind: 'add-node', node }),
    await start({ kind: 'set-node', node: nodeId('meili-1'), weight: 2, zone: 'b' }),
    await start({ kind: 'rebalance', group: null }),
    await start(reshard(32)),
  ];
  const rolled = await runs.start('rolloverAlias', rollover);
  expect(((await rolled.result()) as RolloverReport).outcome).toBe('rolled-over');
  const reports = await Promise.all(handles.map((handle) => handle.result()));
  for (const report of reports as OperationReport[]) {
    expect(['done', 'nothing-to-do']).toContain(report.outcome);
  }
  const { nodes, indexes } = await fleet.store.fleet.load();
  expect(nodes.map(({ id }) => id)).toEqual(['meili-0', 'meili-1', 'meili-2', 'meili-3']);
  const entry = indexes.find(({ physicalUid }) => physicalUid === products);
  expect([16, 32]).toContain(entry?.shardCount);
  const states = indexes.flatMap(({ placement }) =>
    placement.flatMap(({ shards }) => shards.flat().map(({ state }) => state)),
  );
  expect([...new Set(states)]).toEqual(['in-sync']);
  const held = await Promise.all(fleet.nodes.map((_, at) => fleet.documents(at)));
  expect(held.reduce((sum, documents) => sum + documents.size, 0)).toBe(60);
  expect(await fleet.store.governor.view()).toEqual({ holders: [], queue: [] });
});

test('a holder that is terminated is in nobody’s way', async () => {
  let reached = false;
  const opened = new Promise<void>((resolve) => (letGo = resolve));
  Object.assign(fleet.tools, {
    failpoint: async (phase: string): Promise<void> => {
      if (phase !== 'copy' || reached) return;
      reached = true;
      await opened;
    },
  });
  const holder = await start({ kind: 'rebalance', group: groupId(0) });
  await waitFor(() => reached, { what: 'the copy' });
  const next = await start(reshard(16));
  await waitFor(async () => (await fleet.store.governor.view()).queue.length === 1, {
    what: 'the second operation to wait for its turn',
  });
  await holder.terminate('the test ends it');
  letGo();
  const syncs = async () => {
    const jobs = await fleet.store.jobs.list({ limit: 100 });
    return jobs.filter((job) => job.kind === 'sync' && job.finishedAt === undefined);
  };
  await waitFor(async () => (await syncs()).length === 0, {
    ...{ what: 'the syncs of the terminated run to undo themselves', deadlineMs: 60_000 },
  });
  // It either met the half-made copies and says so, or came after they were undone.
  const report = await (next.result() as Promise<OperationReport>).catch((error: unknown) => error);
  const again = await start({ kind: 'rebalance', group: groupId(0) });
  expect(['done', 'nothing-to-do']).toContain(((await again.result()) as OperationReport).outcome);
  expect(report).toBeDefined();
  const { indexes } = await fleet.store.fleet.load();
  const states = indexes.flatMap(({ placement }) =>
    placement.flatMap(({ shards }) => shards.flat().map(({ state }) => state)),
  );
  expect([...new Set(states)]).toEqual(['in-sync']);
  expect(await fleet.store.governor.view()).toEqual({ holders: [], queue: [] });
});
