import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities/create-activities';
import type { ActivityConfig, ActivityTools } from '../../activities/tools';
import type { Activities } from '../../activities/types';
import { directoryDepot } from '../../archives/directory-depot';
import { buildPayload, prepareDocuments } from '../../core/documents/prepare';
import { parseDocuments } from '../../core/documents/parse';
import type { IndexEntry, Replica, ReplicaState } from '../../core/fleet';
import { groupId, indexUid, nodeId, physicalUid, podId, shardId } from '../../core/ids';
import type { NodeId, ShardId } from '../../core/ids';
import type { SyncRef } from '../../core/operations';
import { defaultSettings } from '../../core/settings/defaults';
import { physicalChanges, physicalSettings } from '../../core/settings/physical';
import { createNodes } from '../../meili/nodes';
import type { NodeClient } from '../../meili/types';
import { unseal } from '../../store/sealed';
import type { FleetOp, Store } from '../../store/types';
import { draft, openStore } from '../store/support';
import { startNodes } from './nodes-for-test';
import type { EngineKind, RunningNode } from './nodes-for-test';

export const products = physicalUid('products-1');
export const productsUid = indexUid('products');
export const shardCount = 8;
export const origin = { who: 'test', why: 'to see what happens' };
const audit = { ...origin, what: 'test' };

export interface TestFleet {
  readonly store: Store;
  /** Of the keys in Redis, for processes that join this fleet. */
  readonly prefix: string;
  readonly masterKey: string;
  readonly tools: ActivityTools;
  readonly nodes: readonly RunningNode[];
  client(node: number): NodeClient;
  /** Runs one activity as one attempt of it. */
  run<N extends keyof Activities>(
    name: N,
    request: Parameters<Activities[N]>[0],
    attempt?: Partial<{
      attempt: number;
      heartbeatDetails: unknown;
      currentAttemptScheduledTimestampMs: number;
    }>,
  ): ReturnType<Activities[N]>;
  row(shard: number): Promise<string>;
  setRow(shard: number, text: string): Promise<void>;
  /** Writes as a pod does: journals, begin, all writers of the shards, commit. */
  write(documents: readonly object[], method?: 'POST' | 'PUT'): Promise<void>;
  /** From now on writes leave their tasks open, as while no pod looks at the nodes' tasks. */
  leaveTasksOpen(): void;
  remove(ids: readonly string[]): Promise<void>;
  /** The documents of some shards on a node, by id, when its queue is worked off. */
  documents(node: number, shards?: readonly number[]): Promise<Map<string, object>>;
  ref(overrides?: Partial<SyncRef>): SyncRef;
  close(): Promise<void>;
}

export const config: ActivityConfig = {
  nodeDeadlineMs: 2_000,
  requestDeadlineMs: 50,
  barrierExtraMs: 10,
  fenceMaxMs: 3_000,
  rangeDocumentsMax: 50,
  heartbeatMs: 200,
  parallelSyncs: 2,
  exportGiveUpMs: 2_000,
  restartCommand: null,
  outbound: { allowLoopback: true, allowPrivate: true },
  fleet: { shards: shardCount, replicationFactor: 1, groups: 1 },
};

function parseRow(text: string): Replica[] {
  return text
    .split(' ')
    .filter((item) => item !== '')
    .map((item) => {
      const [id = '', state] = item.split(':');
      return { node: nodeId(id), state: state as ReplicaState };
    });
}

export const all: readonly ShardId[] = Array.from({ length: shardCount }, (_, s) => shardId(s));

/** `n` nodes in group 0 and an index of eight shards, all of them on `meili-0`. */
export async function startFleet(
  n = 2,
  {
    kind = 'embedded',
    overrides = {},
  }: { kind?: EngineKind; overrides?: Partial<ActivityConfig> } = {},
): Promise<TestFleet> {
  const masterKey = randomBytes(16).toString('hex');
  const running = await startNodes(n, kind, masterKey);
  const opened = openStore({ requestDeadlineMs: 50 });
  const { store } = opened;
  const nodes = createNodes({ masterKey, nodeKeyUid: randomUUID() });
  const tools: ActivityTools = {
    nodes,
    store,
    clock: {
      now: () => Date.now(),
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          const stop = (): void => {
            clearTimeout(timer);
            reject(signal.reason as Error);
          };
          const timer = setTimeout(() => {
            signal.removeEventListener('abort', stop);
            resolve();
          }, ms);
          if (signal.aborted) stop();
          else signal.addEventListener('abort', stop, { once: true });
        }),
    },
    log: { info: () => undefined, warn: () => undefined },
    config: { ...config, ...overrides },
    runs: { isOpen: () => Promise.resolve(true) },
    searchApi: null,
    operatorApi: null,
    clientApi: null,
    archives: {
      ...{ dumps: null, backups: null, open: (url) => directoryDepot(url) },
      ...{ scratchDirectory: tmpdir(), lineBytesMax: 1_000_000 },
    },
    unseal: (sealed) => unseal(masterKey, sealed),
    failpoint: () => Promise.resolve(),
  };
  const activities = createActivities(tools);
  const { prefix } = opened;
  const fleet = testFleet({
    ...{ store, prefix, masterKey, tools },
    running: running.nodes,
    activities,
    close: async () => {
      await nodes.close();
      await opened.close();
      await running.close();
    },
  });
  await seedFleet(store, running.nodes);
  const client = fleet.client(0);
  await client.waitForTask(await client.createIndex(products, 'id'));
  const settings = physicalChanges(null, physicalSettings(defaultSettings()));
  await client.waitForTask(await client.updateSettings(products, settings));
  return fleet;
}

async function seedFleet(store: Store, nodes: readonly RunningNode[]): Promise<void> {
  const { placement: _, ...entry }: IndexEntry = {
    uid: productsUid,
    physicalUid: products,
    primaryKey: 'id',
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    shardCount,
    replicationFactor: 1,
    settings: defaultSettings(),
    settingsVersion: 1,
    placement: [],
  };
  const ops: FleetOp[] = nodes.map(({ id, url }) => ({
    op: 'set-node',
    node: { id, url, group: groupId(0), zone: null, weight: 1, intent: 'active', instanceId: null },
  }));
  ops.push({ op: 'set-index', entry });
  for (const shard of all) {
    const replicas = parseRow('meili-0:in-sync');
    ops.push({ op: 'set-replicas', physicalUid: products, group: groupId(0), shard, replicas });
  }
  await store.fleet.change(await store.fleet.epoch(), ops, audit);
}

const nothing = (): void => undefined;
const quiet = {
  log: nothing,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};

interface Parts {
  readonly store: Store;
  readonly prefix: string;
  readonly masterKey: string;
  readonly tools: ActivityTools;
  readonly running: readonly RunningNode[];
  readonly activities: Activities;
  readonly close: () => Promise<void>;
}

function testFleet(parts: Parts): TestFleet {
  const { store, prefix, masterKey, tools, running, activities, close } = parts;
  const pod = podId('pod-test');
  let counter = 0;
  let endsTasks = true;
  const entryNow = async (): Promise<{
    entry: IndexEntry;
    epoch: Awaited<ReturnType<Store['fleet']['epoch']>>;
  }> => {
    const { indexes, epoch } = await store.fleet.load();
    const entry = indexes.find((one) => one.physicalUid === products);
    if (entry === undefined) throw new Error('the index is gone');
    return { entry, epoch };
  };
  const client = (node: number): NodeClient => {
    const at = running[node];
    if (at === undefined) throw new Error(`no node ${String(node)}`);
    return tools.nodes.client(at);
  };
  const clientOf = (id: NodeId): NodeClient => client(running.findIndex((one) => one.id === id));

  type Send = (to: NodeClient, shards: ReadonlySet<number>, firstSequence: number) => Promise<void>;
  const write = async (
    ids: readonly { id: string; shard: ShardId }[],
    send: Send,
  ): Promise<void> => {
    const acquired = await store.writers.acquire(products, pod, 10_000);
    if (!acquired.ok) throw new Error('lease');
    for (;;) {
      const { entry, epoch } = await entryNow();
      counter += 1;
      const nonce = `${pod}:${String(counter)}`;
      const shards = [...new Set(ids.map(({ shard }) => shard))];
      const rows = (shard: ShardId): readonly Replica[] => entry.placement[0]?.shards[shard] ?? [];
      const entries = shards.flatMap((shard) =>
        rows(shard)
          .filter(({ state }) => state === 'syncing')
          .map(({ node }) => ({
            shard,
            target: node,
            ids: ids.filter((one) => one.shard === shard).map(({ id }) => id),
          })),
      );
      if (entries.length > 0) await store.journals.note(products, shards, entries, nonce);
      const begun = await store.writers.begin({
        pod,
        physicalUid: products,
        fence: acquired.fence,
        epoch,
        shards,
        sequences: ids.length,
        nonce,
        task: draft({ physicalUid: products, shards }),
        changes: [],
      });
      if (
        begun.kind === 'fenced' ||
        begun.kind === 'epoch-moved' ||
        begun.kind === 'journal-missing'
      ) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      if (begun.kind !== 'ok') throw new Error(begun.kind);
      const targets = new Map<NodeId, Set<number>>();
      for (const shard of shards) {
        for (const { node, state } of rows(shard)) {
          if (state !== 'in-sync' && state !== 'joined') continue;
          targets.set(node, (targets.get(node) ?? new Set()).add(shard));
        }
      }
      for (const [node, own] of targets) await send(clientOf(node), own, begun.firstSequence);
      const task = await store.tasks.get(begun.taskUid);
      if (task === null) throw new Error('task');
      const commit = {
        pod,
        physicalUid: products,
        fence: acquired.fence,
        taskUid: begun.taskUid,
        nonce,
      };
      await store.writers.commit({ ...commit, task: { ...task, status: 'enqueued' }, stale: [] });
      // No pod follows the nodes here.
      if (endsTasks)
        await store.tasks.save({ ...task, status: 'succeeded', finishedAt: task.enqueuedAt });
      return;
    }
  };
  const prepare = (documents: readonly object[]) => {
    const parsed = parseDocuments(new TextEncoder().encode(JSON.stringify(documents)), 'json');
    const result = prepareDocuments({ parsed, primaryKey: 'id', shardCount, ttl: false });
    if (!result.ok) throw new Error(result.error.message);
    return { bytes: parsed.bytes, prepared: result.documents };
  };

  return {
    ...{ store, prefix, masterKey, tools },
    nodes: running,
    client,
    close,
    run: (name, request, attempt = {}) => {
      const environment = new MockActivityEnvironment(
        { attempt: 1, ...attempt, workflowExecution: { workflowId: 'sync/test', runId: 'run-1' } },
        { logger: quiet },
      );
      const run = activities[name] as unknown as (input: unknown) => Promise<unknown>;
      return environment.run(run, request) as never;
    },
    async row(shard) {
      const { entry } = await entryNow();
      const replicas = entry.placement[0]?.shards[shard] ?? [];
      return replicas.map(({ node, state }) => `${node}:${state}`).join(' ');
    },
    async setRow(shard, text) {
      await store.fleet.update(audit, () => [
        {
          op: 'set-replicas',
          physicalUid: products,
          group: groupId(0),
          shard: shardId(shard),
          replicas: parseRow(text),
        },
      ]);
    },
    leaveTasksOpen: () => {
      endsTasks = false;
    },
    async write(documents, method = 'POST') {
      const { bytes, prepared } = prepare(documents);
      await write(prepared, async (to, shards, first) => {
        const ordered = prepared.map((one, at) => ({ prepared: one, seq: first + at }));
        const own = ordered.filter((one) => shards.has(one.prepared.shard));
        await to.addDocuments(products, method, buildPayload(own, bytes), { primaryKey: 'id' });
      });
    },
    async remove(ids) {
      const { prepared } = prepare(ids.map((id) => ({ id })));
      await write(prepared, async (to, shards) => {
        const own = prepared.filter(({ shard }) => shards.has(shard)).map(({ id }) => id);
        await to.deleteDocuments(products, own);
      });
    },
    async documents(node, shards = all) {
      const to = client(node);
      const [newest] = (await to.tasks({ indexUids: [products], limit: 1 })).results;
      if (newest !== undefined) await to.waitForTask(newest.uid);
      const { bytes } = await to.fetchDocuments(products, {
        limit: 100_000,
        retrieveVectors: true,
      });
      const { results } = JSON.parse(bytes.toString('utf8')) as { results: { id: string }[] };
      const wanted = new Set(shards);
      const located =
        results.length === 0 ? [] : prepare(results.map(({ id }) => ({ id }))).prepared;
      return new Map(
        results
          .filter((_, at) => wanted.has(located[at]?.shard ?? shardId(0)))
          .map((document) => [String(document.id), document]),
      );
    },
    ref: (overrides = {}) => ({
      physicalUid: products,
      index: productsUid,
      group: groupId(0),
      sourceGroup: groupId(0),
      source: nodeId('meili-0'),
      target: nodeId('meili-1'),
      shards: [shardId(0), shardId(3)],
      kind: 'move',
      runKey: 'sync/test',
      ...origin,
      ...overrides,
    }),
  };
}

/** `doc-0 …`, with content that depends on the number and the edition. */
export const documentsOf = (
  from: number,
  to: number,
  edition = 0,
): { id: string; title: string; n: number }[] =>
  Array.from({ length: to - from }, (_, i) => ({
    id: `doc-${String(from + i)}`,
    title: `Title ${String(from + i)} ${String(edition)}`,
    n: (from + i) * 1.5,
  }));
