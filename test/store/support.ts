import type { Redis } from 'ioredis';
import type { FleetNode, Replica, ReplicaState } from '../../core/fleet';
import { epoch, groupId, indexUid, nodeId, physicalUid, podId, shardId } from '../../core/ids';
import type { Epoch, PhysicalUid, PodId, ShardId } from '../../core/ids';
import { connectRedis } from '../../store/connect';
import { createStore } from '../../store/create-store';
import type { StoreOptions } from '../../store/options';
import type { BeginRequest, BeginResult, FleetOp, IndexMeta, Store } from '../../store/types';
import type { FleetTask } from '../../store/task-types';
import { redisForTest } from '../support/redis';

export const audit = { who: 'test', why: 'to see what happens', what: 'test' };
export const products = physicalUid('products-1');

export interface OpenStore {
  readonly redis: Redis;
  readonly prefix: string;
  readonly store: Store;
  close(): Promise<void>;
}

/** A store with a prefix of its own on the run's Valkey; a given prefix makes a second pod of it. */
export function openStore(
  options: Partial<StoreOptions> = {},
  url = redisForTest().url,
): OpenStore {
  const redis = connectRedis(url);
  const prefix = options.prefix ?? redisForTest().prefix;
  const defaults = { requestDeadlineMs: 1_000, podLeaseMs: 10_000 };
  const store = createStore({ ...defaults, ...options, redis, prefix });
  return {
    redis,
    prefix,
    store,
    async close() {
      await store.close();
      redis.disconnect();
    },
  };
}

export function node(id: string, group = 0): FleetNode {
  return {
    id: nodeId(id),
    url: `http://${id}:7700`,
    group: groupId(group),
    zone: null,
    weight: 1,
    intent: 'active',
    instanceId: null,
  };
}

export function index(uid: string, physical: string, shardCount = 4): IndexMeta {
  return {
    uid: indexUid(uid),
    physicalUid: physicalUid(physical),
    primaryKey: 'id',
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    shardCount,
    replicationFactor: 1,
    settings: { synonyms: {}, stopWords: [] },
    settingsVersion: 1,
  };
}

/** `row('a:in-sync b:stale')`. */
export function row(text: string): Replica[] {
  return text
    .split(' ')
    .filter((item) => item !== '')
    .map((item) => {
      const [id, state] = item.split(':');
      return { node: nodeId(id ?? ''), state: state as ReplicaState };
    });
}

export function setReplicas(
  shard: number,
  text: string,
  { group = 0, physical = products }: { group?: number; physical?: PhysicalUid } = {},
): FleetOp {
  return {
    op: 'set-replicas',
    physicalUid: physical,
    group: groupId(group),
    shard: shardId(shard),
    replicas: row(text),
  };
}

/** An index of four shards on nodes a and b; `rows[s]` is the row of shard s in group 0. */
export async function makeIndex(
  store: Store,
  rows: readonly string[] = ['a:in-sync', 'a:in-sync', 'b:in-sync', 'b:in-sync'],
): Promise<Epoch> {
  const result = await store.fleet.change(
    await store.fleet.epoch(),
    [
      { op: 'set-node', node: node('a') },
      { op: 'set-node', node: node('b') },
      { op: 'set-index', entry: index('products', products, rows.length) },
      ...rows.map((text, shard) => setReplicas(shard, text)),
    ],
    audit,
  );
  if (!result.ok) throw new Error('another change came between');
  return result.epoch;
}

/** The row of a shard as text, from a fresh load. */
export async function rowOf(store: Store, shard: number, group = 0): Promise<string> {
  const fleet = await store.fleet.load();
  const entry = fleet.indexes.find((candidate) => candidate.physicalUid === products);
  const placement = entry?.placement.find((candidate) => candidate.group === groupId(group));
  return (placement?.shards[shard] ?? []).map((r) => `${r.node}:${r.state}`).join(' ');
}

export function draft(overrides: Partial<FleetTask> = {}): BeginRequest['task'] {
  const { uid: _, status: __, ...rest } = task(0, overrides);
  return rest;
}

export function task(uid: number, overrides: Partial<FleetTask> = {}): FleetTask {
  return {
    uid: uid as FleetTask['uid'],
    indexUid: indexUid('products'),
    physicalUid: products,
    type: 'documentAdditionOrUpdate',
    status: 'enqueued',
    details: { receivedDocuments: 1, indexedDocuments: null },
    error: null,
    canceledBy: null,
    enqueuedAt: '2026-01-01T00:00:00.000Z',
    startedAt: null,
    finishedAt: null,
    duration: null,
    batchUid: null,
    nodeTasks: [],
    shards: [shardId(0)],
    extra: {},
    ...overrides,
  };
}

let nonces = 0;

export function nextNonce(pod: PodId): string {
  nonces += 1;
  return `${pod}:${nonces}`;
}

export function shards(...numbers: number[]): ShardId[] {
  return numbers.map(shardId);
}

export const podA = podId('pod-a');
export const podB = podId('pod-b');

/** A begin of one document to shard 0, with the defaults replaced. */
export function beginRequest(overrides: Partial<BeginRequest> = {}): BeginRequest {
  const pod = overrides.pod ?? podA;
  return {
    pod,
    physicalUid: products,
    fence: 1,
    epoch: epoch(1),
    shards: shards(0),
    sequences: 1,
    nonce: nextNonce(pod),
    task: draft(),
    changes: [],
    ...overrides,
  };
}

export function begun(result: BeginResult): Extract<BeginResult, { kind: 'ok' }> {
  if (result.kind !== 'ok') throw new Error(`begin said ${JSON.stringify(result)}`);
  return result;
}

/** Tries again and again until the other pod gives the lease back or its time is over. */
export async function acquireWriter(store: Store, pod: PodId, leaseMs = 10_000): Promise<number> {
  const result = await store.writers.acquire(products, pod, leaseMs);
  if (!result.ok) throw new Error(`${result.holder} holds the lease`);
  return result.fence;
}
