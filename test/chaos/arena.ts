import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient, ApiError } from '../../cli/client';
import { isOver, operation } from '../../cli/operations';
import type { Operation } from '../../cli/operations';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { compareReplicas } from '../e2e/replicas';
import { FaultyNetwork } from '../support/faulty-link';
import { waitFor } from '../support/wait-for';
import { Clients } from './clients';
import type { ClientOptions, ClientReport } from './clients';
import { Random } from '../compat/random';
import { deadlines } from '../support/deadlines';
import { realEngine } from '../support/meilisearch';

export interface ArenaOptions {
  readonly seed: number;
  readonly nodes?: number;
  readonly groups?: number;
  readonly replicationFactor?: number;
  readonly apis?: number;
  readonly settings?: Readonly<Record<string, string>>;
  readonly clients?: Partial<ClientOptions>;
}

/** A whole fleet under load, the network between its parts, and the clients that know what must be found. */
export interface Arena {
  readonly fleet: RunningFleet;
  readonly network: FaultyNetwork;
  readonly api: ApiClient;
  readonly clients: Clients;
  readonly random: () => number;
}

export const index = 'films';
const operationMs = realEngine ? 600_000 : 180_000;

/** Short enough for a test, in the order that the configuration demands. */
const settings = {
  ...deadlines,
  MIROIR_SYNC_GRACE_MS: '200',
  MIROIR_WORKER_HEARTBEAT_MS: '1000',
  MIROIR_WORKER_STICKY_MS: '1000',
};

const clientDefaults: Omit<ClientOptions, 'random'> = {
  ...{ index, documents: 400, writesPerSecond: 60, lanes: 10, searchers: 2, window: 400 },
};

/**
 * Starts a fleet under load, lets `fault` act, and then demands everything that must hold when it is quiet
 * again: nothing acknowledged is lost, nothing deleted is back, no answer missed or doubled a document, all
 * copies are in sync and equal, and clients saw no error but the ones `allowed` names.
 */
export async function underFault(
  options: ArenaOptions,
  fault: (arena: Arena) => Promise<void>,
  allowed: readonly string[] = [],
): Promise<ClientReport> {
  const network = new FaultyNetwork();
  const dice = new Random(options.seed);
  const random = (): number => dice.next();
  const fleet = await startFleet({
    ...{ nodes: options.nodes ?? 3, groups: options.groups ?? 1, apis: options.apis ?? 1 },
    replicationFactor: options.replicationFactor ?? 2,
    settings: { ...settings, ...options.settings },
    link: network.link,
  });
  const clients = new Clients(fleet, { ...clientDefaults, ...options.clients, random });
  try {
    const api = new ApiClient(fleet);
    await prepare(api);
    await clients.load();
    clients.start();
    await fault({ fleet, network, api, clients, random });
    const report = await clients.stop();
    await makeWhole(api);
    await expectNothingLost({ fleet, api, clients });
    expect(report.missed).toEqual([]);
    expect(report.doubled).toEqual([]);
    expect(Object.keys(report.errors).filter((code) => !allowed.includes(code))).toEqual([]);
    expect(report.searches).toBeGreaterThan(0);
    return report;
  } catch (error) {
    process.stderr.write(`clients saw ${JSON.stringify(clients.report().errors)}\n`);
    clients.abandon();
    keepLogs(fleet);
    throw error;
  } finally {
    await fleet.close();
    await network.close();
  }
}

/** The logs of a failed run would go with the fleet; `MIROIR_CHAOS_LOGS` names a folder to keep them in. */
function keepLogs(fleet: RunningFleet): void {
  const kept = process.env['MIROIR_CHAOS_LOGS'];
  if (kept !== undefined) cpSync(join(fleet.directory, 'logs'), kept, { recursive: true });
}

async function prepare(api: ApiClient): Promise<void> {
  const { taskUid } = await api.patch<{ taskUid: number }>(`/indexes/${index}/settings`, {
    pagination: { maxTotalHits: 10_000_000 },
    filterableAttributes: ['id', 'version'],
  });
  await api.waitTask(taskUid);
}

/** Starts an operation and waits for its end; one that runs already is waited for instead. */
export async function finish(api: ApiClient, path: string, body: object = {}): Promise<Operation> {
  const { operation: id } = await waitFor(
    async () => await api.post<{ operation: string }>(path, { autoApprove: true, ...body }),
    { what: `the start of ${path}`, deadlineMs: 60_000 },
  );
  return await finished(api, id);
}

export async function finished(api: ApiClient, id: string): Promise<Operation> {
  return await waitFor(
    async () => {
      const view = await operation(api, id);
      if (isOver(view)) return view;
      throw new Error(`${view.phase}: ${view.progress.waitingFor ?? 'working'}`);
    },
    { what: `the end of ${id}`, deadlineMs: operationMs },
  );
}

interface Row {
  readonly replicas: readonly { readonly node: string; readonly state: string }[];
}

/** Waits until nothing is written any more, and repairs what is stale. */
async function makeWhole(api: ApiClient): Promise<void> {
  await quiet(api);
  await repairStale(api);
  await quiet(api);
}

/** Repairs every stale copy, as an operator would, until all are in sync; writes may go on. */
export async function repairStale(api: ApiClient): Promise<void> {
  await waitFor(
    async () => {
      const { results } = await api.get<{ results: Row[] }>('/_miroir/shards');
      const bad = results.flatMap((row) => row.replicas).filter(({ state }) => state !== 'in-sync');
      if (bad.length === 0) return true;
      const stale = bad.filter(({ state }) => state === 'stale').map(({ node }) => node);
      for (const node of new Set(stale)) {
        const path = `/_miroir/nodes/${node}/repair`;
        await finish(api, path).catch((error: unknown) => {
          if (!(error instanceof ApiError)) throw error;
        });
      }
      throw new Error(
        `${String(bad.length)} copies are ${[...new Set(bad.map((b) => b.state))].join()}`,
      );
    },
    {
      what: 'all copies to be in sync',
      deadlineMs: operationMs,
    },
  );
}

async function quiet(api: ApiClient): Promise<void> {
  await waitFor(
    async () => {
      const { total } = await api.get<{ total: number }>('/tasks?statuses=enqueued,processing');
      return total === 0;
    },
    { what: 'all tasks to end', deadlineMs: 120_000 },
  );
}

async function expectNothingLost(arena: {
  fleet: RunningFleet;
  api: ApiClient;
  clients: Clients;
}): Promise<void> {
  const { fleet, api, clients } = arena;
  const wrong: string[] = [];
  for (const [from, to] of spans([...clients.expected.keys()])) {
    const found = await clients.find(from, to);
    for (const [id, version] of clients.expected) {
      if (id < from || id >= to) continue;
      const seen = found.get(id) ?? null;
      found.delete(id);
      if (seen !== version) wrong.push(`${String(id)}: ${String(seen)} for ${String(version)}`);
    }
    for (const id of found.keys()) wrong.push(`${String(id)}: never written`);
  }
  expect(wrong.slice(0, 20)).toEqual([]);
  const replicas = await compareReplicas(api, fleet.nodeKey, index);
  expect(replicas.different).toEqual([]);
  expect(replicas.strays).toBe(0);
  expect(Object.keys(replicas.states)).toEqual(['in-sync']);
}

/** Ranges of ids of bounded width that hold all of them. */
function spans(ids: readonly number[], width = 5_000): [number, number][] {
  const starts = new Set(ids.map((id) => Math.floor(id / width) * width));
  return [...starts].sort((a, b) => a - b).map((from) => [from, from + width]);
}
