import type { FastifyInstance } from 'fastify';
import type { Redis } from 'ioredis';
import type { Config } from '../config/config';
import { waitAofOf } from '../config/wait-aof';
import { groupId, nodeId } from '../core/ids';
import type { FleetNode } from '../core/fleet';
import { createNodes } from '../meili/nodes';
import type { Nodes, NodesOptions } from '../meili/types';
import { connectRedis } from '../store/connect';
import { createStore } from '../store/create-store';
import type { FleetOp, Store } from '../store/types';
import { buildApp } from './app';
import { openArchives } from './archives';
import { KeyRing, defaultKeys } from './auth/key-ring';
import type { ApiContext } from './context';
import type { Log } from './log';
import { DiskWatch } from './disk-watch';
import { Features } from './features';
import { freshViews } from './fresh-view';
import { FleetCache } from './fleet-cache';
import { Follower } from './follower/follower';
import { countedWrites } from './metrics/counted-writes';
import { Metrics } from './metrics/metrics';
import { accessNodes } from './node-access';
import { NodeProbes } from './node-probes';
import { Pod } from './pod';
import { Hedges } from './search/hedges';
import { SharedReads } from './search/shared-reads';
import type { Gathered } from './search/types';
import { SettingsWatch } from './settings/settings-watch';
import { TaskRuns } from './task-runs';
import { startUpkeep } from './upkeep';
import { TemporalGateway } from './temporal-gateway';
import { WebhookSender } from './webhooks/webhook-sender';
import { WriteService } from './writes/write-service';

export interface Runtime {
  readonly ctx: ApiContext;
  readonly app: FastifyInstance;
  /** Ends the requests under way, gives the leases back and signs off. */
  close(): Promise<void>;
}

export interface RuntimeOptions {
  readonly config: Config;
  readonly log: Log;
  /** False: without Temporal, as in tests of the data path. */
  readonly temporal?: boolean;
  /** Stands between the pod and its store, for faults in tests. */
  readonly wrapStore?: (store: Store) => Store;
  /** How the pod reaches Redis and the nodes; the model of the fleet has its own network. */
  readonly outside?: Outside;
}

export interface Outside {
  readonly connectRedis: typeof connectRedis;
  readonly createNodes: (options: NodesOptions) => Nodes;
  /** In the place of the connection to Temporal. */
  readonly temporal?: TemporalGateway;
}

/** One pod, complete and running, but without a socket. */
export async function startRuntime(options: RuntimeOptions): Promise<Runtime> {
  const { ctx, close } = await startParts(options);
  const app = buildApp(ctx);
  return {
    ctx,
    app,
    close: async () => {
      await app.close();
      await close();
    },
  };
}

/** All of a pod that runs by itself: everything but the routes. */
export async function startParts(options: RuntimeOptions): Promise<Omit<Runtime, 'app'>> {
  const { config, log } = options;
  const outside: Outside = options.outside ?? { connectRedis, createNodes };
  const redis = outside.connectRedis(config.redis.url);
  const subscriber = outside.connectRedis(config.redis.url);
  const plain = openStore(config, redis, subscriber);
  const store = options.wrapStore?.(plain) ?? plain;
  const fleet = new FleetCache(store.fleet);
  const keys = new KeyRing(config.api.masterKey, store);
  const features = new Features(store);
  const webhooks = new WebhookSender({ store, rules: config.outbound, log });
  fleet.onReload(async () => {
    await Promise.all([keys.reload(), features.reload(), webhooks.reload()]);
  });
  const pod = new Pod({
    ...{ config, pods: store.pods, log, epoch: () => fleet.current().epoch },
    behind: (epoch) => {
      fleet.reload(epoch).catch((error: unknown) => {
        log.warn({ err: error }, 'reload of the fleet failed');
      });
    },
  });
  let writes: WriteService | null = null;
  const metrics = new Metrics();
  const access = accessNodes({
    ...{ config, store, fleet, pod, log, metrics, writes: () => writes },
    createNodes: outside.createNodes,
  });
  const settings = new SettingsWatch({ store, fleet, log, ...access });
  const temporal =
    outside.temporal ?? (options.temporal === false ? null : gatewayOf(config, store, log));
  const archives = openArchives(config);
  const parts = {
    ...{ config, store, fleet, pod, log, ...access, ...readsOf(config, metrics) },
    ...{ keys, features, webhooks, metrics, settings, temporal, archives },
    taskRuns: new TaskRuns(temporal, store, log),
    disks: new DiskWatch({ config, store, fleet, pod, log, nodes: access.nodes }),
  };
  const follower = new Follower(parts);
  writes = new WriteService({ ...parts, follower });
  const ctx: ApiContext = { ...parts, follower, writes: countedWrites(writes, metrics) };

  await bootstrap(store, config);
  await fleet.reload();
  await pod.start();
  fleet.onReload(() => beatSoon(pod, log));
  const unfollow = fleet.follow((error) => log.warn({ err: error }, 'reload of the fleet failed'));
  const probes = new NodeProbes(parts);
  await probes.start();
  settings.start();
  const endUpkeep = await startUpkeep(ctx);
  follower.start();
  writes.start();
  const close = async (): Promise<void> => {
    await probes.stop();
    await settings.close();
    await endUpkeep();
    unfollow();
    await writes.close();
    await follower.close();
    await webhooks.close();
    await pod.close();
    await temporal?.close();
    archives.close();
    await access.nodes.close();
    await store.close();
    redis.disconnect();
    subscriber.disconnect();
  };
  return { ctx, close };
}

const readsOf = (
  { search }: Config,
  metrics: Metrics,
): Pick<ApiContext, 'hedges' | 'sharedReads'> => ({
  hedges: new Hedges(search, (outcome) => metrics.hedged(outcome)),
  sharedReads: new SharedReads<Gathered>(search.coalesceMs, () => metrics.joined()),
});

const gatewayOf = (config: Config, store: Store, log: Log): TemporalGateway =>
  new TemporalGateway(config.temporal, freshViews(store, log));

function openStore(config: Config, redis: Redis, subscriber: Redis): Store {
  return createStore({
    redis,
    subscriber,
    prefix: config.redis.prefix,
    requestDeadlineMs: config.api.requestDeadlineMs,
    podLeaseMs: config.pods.leaseMs,
    waitAof: waitAofOf(config.redis),
  });
}

/** Barriers wait for this pod's word; it must not wait for the next heartbeat. */
function beatSoon(pod: Pod, log: Log): void {
  setImmediate(() => {
    pod.beat().catch((error: unknown) => log.warn({ err: error }, 'heartbeat failed'));
  });
}

/** The nodes that the configuration names and the four keys of a new Meilisearch, each made once. */
async function bootstrap(store: Store, config: Config): Promise<void> {
  const audit = { who: 'configuration', why: 'start of a pod', what: 'first nodes' };
  await store.fleet.update(audit, (fleet) => {
    if (fleet.nodes.length > 0) return null;
    const ops = config.nodes.bootstrap.map((node): FleetOp => ({
      op: 'set-node',
      node: firstNode(node),
    }));
    return ops.length === 0 ? null : ops;
  });
  const lease = await store.leases.acquire('first-keys', 'bootstrap', 10_000);
  if (lease === null) return;
  try {
    if ((await store.apiKeys.count()) > 0) return;
    for (const key of defaultKeys(new Date())) await store.apiKeys.create(key);
  } finally {
    await store.leases.release(lease);
  }
}

function firstNode(node: Config['nodes']['bootstrap'][number]): FleetNode {
  const { url, zone, weight } = node;
  return {
    id: nodeId(node.id),
    url,
    group: groupId(node.group),
    zone,
    weight,
    intent: 'active',
    instanceId: null,
  };
}
