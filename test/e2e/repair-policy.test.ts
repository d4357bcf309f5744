/**
 * Goal: nobody has to be awake: copies that missed writes are repaired, and a node that came back with an
 * empty disk is rebuilt, by the policy alone, under load, and no client notices.
 *
 * Method: real processes (api, worker, nodes, Redis, Temporal) and the schedule of the policy every second.
 * Clients search everything and write without pause while a node is killed and comes back: first with its
 * disk, then without. No operator does anything.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from '../../cli/client';
import type { Operation } from '../../cli/operations';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { waitFor } from '../support/wait-for';
import { compareReplicas } from './replicas';
import { Traffic } from './traffic';
import { deadlines } from '../support/deadlines';
import { realEngine } from '../support/meilisearch';

const index = 'films';
const node = 'meili-1';
const deadlineMs = realEngine ? 240_000 : 90_000;

let fleet: RunningFleet;
let api: ApiClient;

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = builtForTest();
  fleet = await startFleet({
    nodes: 3,
    replicationFactor: 2,
    settings: {
      ...deadlines,
      MIROIR_REPAIR_EVERY_MS: '1000',
    },
  });
  api = new ApiClient(fleet);
}, 120_000);
afterAll(async () => {
  await fleet.close();
}, 30_000);

const statesOf = async (): Promise<string[]> => {
  const { results } = await api.get<{
    results: { replicas: { node: string; state: string }[] }[];
  }>(`/_miroir/shards?index=${index}`);
  const copies = results.flatMap(({ replicas }) => replicas);
  return copies.filter((copy) => copy.node === node).map(({ state }) => state);
};

/** The node is away while writes go on, so that its copies miss some. */
async function away(traffic: Traffic, meanwhile: () => void): Promise<void> {
  await fleet.killNode(node);
  await waitFor(async () => (await statesOf()).includes('stale'), {
    ...{ what: 'a copy of the dead node to be stale', deadlineMs },
  });
  const { acknowledged } = traffic.report();
  await waitFor(() => traffic.report().acknowledged > acknowledged + 10, {
    ...{ what: 'writes while the node is away', deadlineMs },
  });
  meanwhile();
  await fleet.restartNode(node);
}

const repaired = () =>
  waitFor(
    async () => {
      const states = await statesOf();
      if (states.every((state) => state === 'in-sync')) return true;
      throw new Error(states.join(' '));
    },
    { what: 'all copies of the node to be in sync', deadlineMs },
  );

const ended = (kind: string): Promise<Operation> =>
  waitFor(
    async () => {
      const path = `/_miroir/operations?kind=${kind}&limit=100`;
      const { results } = await api.get<{ results: Operation[] }>(path);
      const done = results.find(({ status }) => status === 'succeeded');
      if (done !== undefined) return done;
      throw new Error(results.map(({ id, status, phase }) => `${id} ${status} ${phase}`).join());
    },
    { what: `a ${kind} to end`, deadlineMs },
  );

test(
  'a node that missed writes and one whose disk is gone are made whole again by themselves',
  async () => {
    const traffic = new Traffic(api, index);
    const { taskUid } = await api.patch<{ taskUid: number }>(`/indexes/${index}/settings`, {
      pagination: { maxTotalHits: 1_000_000 },
    });
    await api.waitTask(taskUid);
    await traffic.load(600);
    traffic.start();

    await away(traffic, () => undefined);
    await repaired();
    expect(await ended('repair')).toMatchObject({ id: `repair/${node}`, who: 'repair policy' });

    await away(traffic, () => {
      rmSync(join(fleet.directory, 'nodes', node), { recursive: true });
    });
    expect(await ended('rebuild')).toMatchObject({ id: `rebuild/${node}`, who: 'repair policy' });
    await repaired();
    const report = await traffic.stop();
    expect(report).toMatchObject({ errors: [], missed: 0, doubled: 0 });
    await waitFor(
      async () =>
        (await api.get<{ total: number }>('/tasks?statuses=enqueued,processing')).total === 0,
      { what: 'all tasks to end', deadlineMs },
    );
    const replicas = await compareReplicas(api, fleet.nodeKey, index);
    expect(replicas).toMatchObject({ different: [], strays: 0 });
    expect(Object.keys(replicas.states)).toEqual(['in-sync']);
  },
  5 * deadlineMs,
);
