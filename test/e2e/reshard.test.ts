/**
 * Goal: an index goes from 16 to 64 shards, is spread from three nodes over five, and goes on to 32, under
 * load: each change of the number is instant, moves copy no more than they must, and no answer is wrong.
 *
 * Method: real processes (api, worker, nodes, Redis, Temporal) driven over HTTP as an operator would.
 * Clients search everything and write without pause. At the end, quiet: every acknowledged write is
 * found, no acknowledged delete is, and copies are equal byte for byte.
 */
import { ApiClient } from '../../cli/client';
import { isOver, operation } from '../../cli/operations';
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
const documents = Number(process.env['MIROIR_DOCUMENTS'] ?? 600);
const deadlineMs = realEngine ? 450_000 : 150_000;

let fleet: RunningFleet;
let api: ApiClient;

const settings = {
  ...deadlines,
  MIROIR_SYNC_GRACE_MS: '100',
};

async function run(started: Promise<{ operation: string }>): Promise<Operation> {
  const { operation: id } = await started;
  return await waitFor(
    async () => {
      const view = await operation(api, id);
      if (isOver(view)) return view;
      throw new Error(`${view.phase}: ${view.progress.waitingFor ?? 'working'}`);
    },
    { what: `the end of ${id}`, deadlineMs },
  );
}

const reshard = (shards: number): Promise<Operation> =>
  run(api.post(`/_miroir/indexes/${index}/reshard`, { shards, autoApprove: true }));

async function addNode(): Promise<Operation> {
  const { id, url } = await fleet.addNodeProcess({ group: 0 });
  return await run(api.post('/_miroir/nodes', { id, url, group: 0, autoApprove: true }));
}

interface Shards {
  readonly results: { readonly replicas: readonly { node: string; state: string }[] }[];
}

/** Copies on each node; all of them in sync. */
async function copies(): Promise<Map<string, number>> {
  const { results } = await api.get<Shards>(`/_miroir/shards?index=${index}`);
  const counts = new Map<string, number>();
  for (const { node, state } of results.flatMap(({ replicas }) => replicas)) {
    expect(state).toBe('in-sync');
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

beforeAll(() => {
  process.env['MIROIR_BUILT'] = builtForTest();
});
afterEach(async () => {
  await fleet.close();
}, 30_000);

test(
  'reshard 16 to 64, spread over five nodes, and 64 to 32, under load',
  async () => {
    fleet = await startFleet({ nodes: 3, replicationFactor: 1, shards: 16, settings });
    api = new ApiClient(fleet);
    const traffic = new Traffic(api, index);
    await api.post('/indexes', { uid: index, primaryKey: 'id' }).catch(() => undefined);
    await api
      .patch<{ taskUid: number }>(`/indexes/${index}/settings`, {
        pagination: { maxTotalHits: 1_000_000 },
      })
      .then(({ taskUid }) => api.waitTask(taskUid));
    await traffic.load(documents);
    traffic.start();

    const up = await reshard(64);
    expect(up).toMatchObject({ status: 'succeeded', phase: 'done' });
    expect([...(await copies()).values()].reduce((a, b) => a + b, 0)).toBe(64);
    const grown = [await addNode(), await addNode()];
    const spread = await copies();
    const down = await reshard(32);
    const report = await traffic.stop();

    for (const one of [...grown, down]) expect(one.status).toBe('succeeded');
    expect([...spread.values()].every((count) => count === 12 || count === 13)).toBe(true);
    const joined = await copies();
    expect([...joined.values()].sort()).toEqual([6, 6, 6, 7, 7]);
    // Adding a node moves its fair share of the shards and no more.
    expect(grown.map(({ progress }) => progress.total)).toEqual([3, 4]);
    const moved = grown.map(
      (one) => (one.plan as unknown as { syncs: { shards: number[] }[] }).syncs,
    );
    expect(moved.map((syncs) => syncs.flatMap(({ shards }) => shards).length)).toEqual([16, 12]);

    expect(report.errors).toEqual([]);
    expect({ missed: report.missed, doubled: report.doubled }).toEqual({ missed: 0, doubled: 0 });
    expect(report.searches).toBeGreaterThan(30);
    expect(report.acknowledged).toBeGreaterThan(50);
    await expectNothingLost(traffic);
    const fenced = [up, down].map(
      ({ progress }) => (progress as unknown as { fencedMs: number }).fencedMs,
    );
    expect(fenced.every((ms) => ms < 2_000)).toBe(true);
    const { searches, acknowledged } = report;
    if (process.env['MIROIR_TEST_LOG'] !== undefined) {
      process.stderr.write(`${JSON.stringify({ fenced, searches, acknowledged })}\n`);
    }
  },
  3 * deadlineMs,
);

async function expectNothingLost(traffic: Traffic): Promise<void> {
  await waitFor(
    async () => {
      const open = await api.get<{ total: number }>('/tasks?statuses=enqueued,processing');
      return open.total === 0;
    },
    { what: 'all tasks to end', deadlineMs: 60_000 },
  );
  const { hits } = await api.post<{ hits: { id: number; version: number }[] }>(
    `/indexes/${index}/search`,
    { limit: 1_000_000, attributesToRetrieve: ['id', 'version'] },
  );
  const found = new Map(hits.map((hit) => [hit.id, hit.version]));
  const wrong = [...traffic.expected].filter(
    ([id, version]) => (found.get(id) ?? null) !== version,
  );
  expect(wrong).toEqual([]);
  const replicas = await compareReplicas(api, fleet.nodeKey, index);
  expect(replicas.different).toEqual([]);
  expect(replicas.strays).toBe(0);
}
