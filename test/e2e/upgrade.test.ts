/**
 * Goal: nodes are restarted one by one under load and no client notices: no error, no document missed,
 * doubled or lost, and every copy equal at the end.
 *
 * Method: real processes (api, worker, nodes, Redis, Temporal). Clients search everything and write without
 * pause while the test plays the operator: it kills the node that the run asks for, leaves it down while
 * writes go on, starts it again and says `proceed`.
 */
import { ApiClient } from '../../cli/client';
import { isOver, operation } from '../../cli/operations';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { waitFor } from '../support/wait-for';
import { compareReplicas } from './replicas';
import { Traffic } from './traffic';
import { deadlines } from '../support/deadlines';
import { realEngine } from '../support/meilisearch';
import type { Topology } from '../../cli/topology';

const index = 'films';
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
      MIROIR_WORKER_HEARTBEAT_MS: '1000',
      MIROIR_WORKER_STICKY_MS: '1000',
    },
  });
  api = new ApiClient(fleet);
}, 120_000);
afterAll(async () => {
  await fleet.close();
}, 30_000);

/** Waits until the run asks for the restart of a node. */
const askedFor = (id: string, node: string) =>
  waitFor(
    async () => {
      const { progress, phase, status } = await operation(api, id);
      const asks = progress.waitingFor?.startsWith(`restart of ${node}`) === true;
      if (!asks) throw new Error(`${status} ${phase}: ${progress.waitingFor ?? 'working'}`);
      return true;
    },
    { what: `the restart of ${node}`, deadlineMs },
  );

test(
  'two nodes are killed and started in turn, and no client notices',
  async () => {
    const traffic = new Traffic(api, index);
    const { taskUid } = await api.patch<{ taskUid: number }>(`/indexes/${index}/settings`, {
      pagination: { maxTotalHits: 1_000_000 },
    });
    await api.waitTask(taskUid);
    await traffic.load(600);
    traffic.start();

    const nodes = ['meili-0', 'meili-1'];
    const { operation: id } = await api.post<{ operation: string }>('/_miroir/upgrade', {
      ...{ nodes, autoApprove: true, who: 'ada', why: 'new version' },
    });
    for (const node of nodes) {
      await askedFor(id, node);
      const { nodes: shown } = await api.get<Topology>('/_miroir/topology');
      expect(shown.filter(({ resting }) => resting).map((one) => one.id)).toEqual([node]);
      const acknowledged = traffic.report().acknowledged;
      await fleet.killNode(node);
      await waitFor(() => traffic.report().acknowledged > acknowledged + 10, {
        what: 'writes while the node is down',
        deadlineMs,
      });
      await fleet.restartNode(node);
      await api.post(`/_miroir/operations/${encodeURIComponent(id)}/proceed`, { who: 'ada' });
    }
    const last = await waitFor(
      async () => {
        const view = await operation(api, id);
        if (isOver(view)) return view;
        throw new Error(`${view.phase}: ${view.progress.waitingFor ?? 'working'}`);
      },
      { what: `the end of ${id}`, deadlineMs },
    );
    const report = await traffic.stop();
    expect(last).toMatchObject({ status: 'succeeded', progress: { done: 2, total: 2 } });
    expect(report).toMatchObject({ errors: [], missed: 0, doubled: 0 });
    expect(report.searches).toBeGreaterThan(20);

    const { nodes: awake } = await api.get<Topology>('/_miroir/topology');
    expect(awake.filter(({ resting }) => resting)).toEqual([]);
    await waitFor(
      async () =>
        (await api.get<{ total: number }>('/tasks?statuses=enqueued,processing')).total === 0,
      { what: 'all tasks to end', deadlineMs: 60_000 },
    );
    const answer = await api.post<{ hits: { id: number; version: number }[] }>(
      `/indexes/${index}/search`,
      { limit: 1_000_000, attributesToRetrieve: ['id', 'version'] },
    );
    const found = new Map(answer.hits.map((hit) => [hit.id, hit.version]));
    const wrong = [...traffic.expected].filter(([key, is]) => (found.get(key) ?? null) !== is);
    expect(wrong).toEqual([]);
    // What was written after the last repair was decided may have been missed by nobody.
    const replicas = await compareReplicas(api, fleet.nodeKey, index);
    expect(replicas).toMatchObject({ different: [], strays: 0 });
    expect(Object.keys(replicas.states)).toEqual(['in-sync']);
  },
  4 * deadlineMs,
);
