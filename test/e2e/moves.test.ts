/**
 * Goal: a fleet that grows and shrinks under load loses nothing, shows nothing twice and hides nothing,
 * also when its worker is killed in every phase of a move.
 *
 * Method: real processes (api, worker, nodes, Redis, Temporal). Clients search everything and write
 * without pause while a node is added and another drained. The worker kills itself at the beginning of
 * each phase once (its failpoints) and is started again. At the end, quiet: every acknowledged write is
 * found, no acknowledged delete is, copies are equal byte for byte, and no node has what it should not.
 */
import { ApiClient } from '../../cli/client';
import { isOver, operation } from '../../cli/operations';
import type { Operation } from '../../cli/operations';
import { syncPhases } from '../../core/operations';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { waitFor } from '../support/wait-for';
import { compareReplicas } from './replicas';
import { Traffic } from './traffic';
import { deadlines } from '../support/deadlines';
import { realEngine } from '../support/meilisearch';

const index = 'films';
const documents = 1_500;
const operationDeadlineMs = realEngine ? 600_000 : 150_000;

/** Phases that begin with an activity; the grace time between cut over and clean up is a timer. */
const killedPhases = syncPhases.filter((phase) => phase !== 'grace' && phase !== 'canaries');

let fleet: RunningFleet;
let api: ApiClient;

/** Short enough for a test, in the order that the configuration demands. */
const settings = {
  ...deadlines,
  MIROIR_SYNC_GRACE_MS: '200',
  MIROIR_WORKER_HEARTBEAT_MS: '1000',
  MIROIR_WORKER_STICKY_MS: '1000',
};

async function start(failpoints: string): Promise<void> {
  fleet = await startFleet({
    nodes: 3,
    replicationFactor: 2,
    settings: { ...settings, MIROIR_FAILPOINT: failpoints },
  });
  api = new ApiClient(fleet);
}

async function finish(id: string): Promise<Operation> {
  return await waitFor(
    async () => {
      const view = await operation(api, id);
      if (isOver(view)) return view;
      // The reason of a wait is the first thing to know when it never ends.
      throw new Error(`${view.phase}: ${view.progress.waitingFor ?? 'working'}`);
    },
    { what: `the end of ${id}`, deadlineMs: operationDeadlineMs },
  );
}

async function prepare(): Promise<Traffic> {
  const { taskUid } = await api.patch<{ taskUid: number }>(`/indexes/${index}/settings`, {
    pagination: { maxTotalHits: 1_000_000 },
    filterableAttributes: ['version'],
  });
  await api.waitTask(taskUid);
  const traffic = new Traffic(api, index);
  await traffic.load(documents);
  return traffic;
}

/** Adds a fourth node, then drains the first one. */
async function growAndShrink(): Promise<Operation[]> {
  const node = await fleet.addNodeProcess({ group: 0 });
  const { id, url, group } = node;
  const added = await api.post<{ operation: string }>('/_miroir/nodes', {
    ...{ id, url, group },
    autoApprove: true,
  });
  const grown = await finish(added.operation);
  const drained = await api.post<{ operation: string }>('/_miroir/nodes/meili-0/drain', {
    autoApprove: true,
  });
  return [grown, await finish(drained.operation)];
}

/** Everything that must hold when the traffic has ended and the queues are empty. */
async function expectNothingLost(traffic: Traffic): Promise<void> {
  await waitFor(
    async () => {
      const open = await api.get<{ total: number }>('/tasks?statuses=enqueued,processing');
      return open.total === 0;
    },
    { what: 'all tasks to end', deadlineMs: 60_000 },
  );
  const found = new Map<number, number>();
  const answer = await api.post<{ hits: { id: number; version: number }[] }>(
    `/indexes/${index}/search`,
    { limit: 1_000_000, attributesToRetrieve: ['id', 'version'] },
  );
  for (const hit of answer.hits) found.set(hit.id, hit.version);
  const wrong = [...traffic.expected].filter(
    ([id, version]) => (found.get(id) ?? null) !== version,
  );
  expect(wrong).toEqual([]);
  const replicas = await compareReplicas(api, fleet.nodeKey, index);
  expect(replicas.different).toEqual([]);
  expect(replicas.strays).toBe(0);
  expect(Object.keys(replicas.states)).toEqual(['in-sync']);
}

beforeAll(() => {
  process.env['MIROIR_BUILT'] = builtForTest();
});
afterEach(async () => {
  await fleet.close();
}, 30_000);

test(
  'add and drain a node under load, with the worker killed in each phase',
  async () => {
    await start(killedPhases.join(','));
    let killed = 0;
    fleet.onUnexpectedEnd((program) => {
      if (program.name !== 'worker-0') return;
      killed += 1;
      void fleet.startWorker();
    });
    const traffic = await prepare();
    traffic.start();
    const [grown, shrunk] = await growAndShrink();
    const report = await traffic.stop();

    expect(grown?.status).toBe('succeeded');
    expect(shrunk?.status).toBe('succeeded');
    expect(killed).toBe(killedPhases.length);
    expect(report.errors).toEqual([]);
    expect(report.missed).toBe(0);
    expect(report.doubled).toBe(0);
    expect(report.searches).toBeGreaterThan(50);
    expect(report.acknowledged).toBeGreaterThan(100);
    const { results } = await api.get<{ results: { replicas: { node: string }[] }[] }>(
      '/_miroir/shards?node=meili-0',
    );
    expect(results).toEqual([]);
    await expectNothingLost(traffic);
  },
  2 * operationDeadlineMs,
);
