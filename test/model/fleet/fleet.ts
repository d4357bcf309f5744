import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startParts } from '../../../api/runtime';
import type { Outside } from '../../../api/runtime';
import type { ApiContext } from '../../../api/context';
import type { Log } from '../../../api/log';
import { loadConfig } from '../../../config/load';
import type { Config } from '../../../config/config';
import { createNodes } from '../../../meili/nodes';
import { createStore } from '../../../store/create-store';
import { createKeys } from '../../../store/keys';
import type { Keys } from '../../../store/keys';
import type { Store } from '../../../store/types';
import { MemoryRedis } from '../redis/commands';
import { RedisNetwork } from '../redis/network';
import { NetworkWeather } from '../world/weather';
import { startMs } from '../world/world';
import type { World } from '../world/world';
import type { Mutation } from '../mutations';
import { ModelNode } from './model-node';
import { NodeNetwork } from './node-network';
import { gatewayOf } from './gateway';
import { Temporal } from './temporal';
import { startWorker } from './worker';

export interface FleetSize {
  readonly pods: number;
  readonly workers: number;
  /** Nodes of group 0 at the start. */
  readonly nodes: number;
  /** Nodes that are running and not in the fleet yet. */
  readonly spares: number;
  readonly shards: number;
  readonly replicationFactor: number;
  /** Nodes write to disks, so that one can have an old one back. */
  readonly disks?: boolean;
}

export interface ModelPod {
  readonly name: string;
  readonly ctx: ApiContext;
}

const masterKey = 'the-master-key-of-the-nodes';
const prefix = 'model';
const restartMs = 200;

/** Short spans, in the relations that the product demands of them. */
const spans: Readonly<Record<string, string>> = {
  MIROIR_REQUEST_DEADLINE_MS: '1200',
  MIROIR_NODE_DEADLINE_MS: '600',
  MIROIR_POD_LEASE_MS: '1500',
  MIROIR_POD_HEARTBEAT_MS: '500',
  MIROIR_WRITER_LEASE_MS: '1200',
  MIROIR_FENCE_MAX_MS: '800',
};

/** All processes of one fleet in one world: the product's own code, on the model's network. */
export class ModelFleet {
  readonly config: Config;
  readonly keys: Keys = createKeys(prefix);
  readonly weather: NetworkWeather;
  readonly redis: RedisNetwork;
  readonly nodes = new Map<string, ModelNode>();
  readonly network: NodeNetwork;
  readonly temporal: Temporal;
  /** Pods that run or are paused, by name. */
  readonly pods = new Map<string, ModelPod>();
  /** The checker's own view: a connection that nothing disturbs. */
  readonly store: Store;
  readonly #folder: string | null;
  #podsMade = 0;
  #workersMade = 0;

  constructor(
    readonly world: World,
    readonly size: FleetSize,
    private readonly mutation: Mutation | null,
    keepsStates: boolean,
  ) {
    this.#folder = size.disks === true ? mkdtempSync(join(tmpdir(), 'miroir-model-')) : null;
    for (let i = 0; i < size.nodes + size.spares; i += 1) {
      const id = `meili-${String(i)}`;
      this.nodes.set(id, new ModelNode(world, id, masterKey, this.#folder));
    }
    const bootstrap = [...this.nodes.values()].slice(0, size.nodes).map(({ url }) => url);
    this.config = loadConfig({
      env: {
        ...spans,
        REDIS_URL: 'redis://model:6379',
        TEMPORAL_ADDRESS: 'model:7233',
        MIROIR_REDIS_PREFIX: prefix,
        MIROIR_NODES: bootstrap.join(','),
        MIROIR_NODE_KEY: masterKey,
        MIROIR_MASTER_KEY: 'the-key-of-clients',
        MIROIR_ADMIN_KEY: 'the-key-of-the-operators',
        MIROIR_SHARDS: String(size.shards),
        MIROIR_RF: String(size.replicationFactor),
        MIROIR_META: String(keepsStates),
        MIROIR_META_EVERY_MS: '400',
        ...mutation?.settings,
      },
    });
    this.weather = new NetworkWeather(world, this.config.nodes.deadlineMs);
    this.redis = this.#redisNetwork(this.weather);
    this.network = new NodeNetwork(world, this.weather, this.nodes);
    if (mutation?.tamper !== undefined) this.network.tamper = mutation.tamper;
    this.temporal = new Temporal(world, mutation?.skips ?? []);
    this.store = this.openStore('checker', false);
  }

  async start(): Promise<void> {
    for (const node of this.nodes.values()) await node.start();
    for (let i = 0; i < this.size.pods; i += 1) await this.startPod();
    for (let i = 0; i < this.size.workers; i += 1) await this.startWorker();
  }

  close(): void {
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true });
  }

  /** A pod that cannot start ends, as its process does, and another one is started in its place. */
  async startPod(): Promise<ModelPod> {
    for (;;) {
      const name = `pod-${String((this.#podsMade += 1))}`;
      try {
        return await this.#startPod(name);
      } catch (error) {
        this.world.note(`${name} did not start: ${(error as Error).message}`);
        this.world.kill(name);
        await this.world.sleep(restartMs);
      }
    }
  }

  async #startPod(name: string): Promise<ModelPod> {
    const { ctx } = await this.world.as(name, () =>
      startParts({
        config: this.config,
        log: this.#log(),
        temporal: false,
        outside: this.#outside(name),
        ...(this.mutation?.wrapStore === undefined ? {} : { wrapStore: this.mutation.wrapStore }),
      }),
    );
    const pod = { name, ctx };
    this.pods.set(name, pod);
    return pod;
  }

  async startWorker(): Promise<void> {
    for (;;) {
      const name = `worker-${String((this.#workersMade += 1))}`;
      try {
        const tools = await this.world.as(name, () => startWorker(this, name));
        this.temporal.addWorker({ name, tools: this.mutation?.wrapTools?.(tools) ?? tools });
        return;
      } catch (error) {
        this.world.note(`${name} did not start: ${(error as Error).message}`);
        this.world.kill(name);
        await this.world.sleep(restartMs);
      }
    }
  }

  killPod(name: string): void {
    this.pods.delete(name);
    this.world.kill(name);
  }

  /** A pod that takes requests; the one that was asked for when it does. */
  podFor(ordinal: number): ModelPod | null {
    const living = [...this.pods.values()];
    return living[ordinal % Math.max(1, living.length)] ?? null;
  }

  openStore(owner: string, disturbed = true): Store {
    const network = disturbed ? this.redis : this.redis.calmView();
    const store = createStore({
      redis: network.connect(owner),
      subscriber: network.connect(owner),
      prefix,
      requestDeadlineMs: this.config.api.requestDeadlineMs,
      podLeaseMs: this.config.pods.leaseMs,
    });
    return disturbed ? (this.mutation?.wrapStore?.(store) ?? store) : store;
  }

  nodesOf(owner: string, nodeKeyUid: string): ReturnType<typeof createNodes> {
    const options = {
      masterKey,
      nodeKeyUid,
      deadlineMs: this.config.nodes.deadlineMs,
    };
    return createNodes(options, (to) => this.network.transport(to, owner));
  }

  #outside(owner: string): Outside {
    return {
      connectRedis: () => this.redis.connect(owner),
      temporal: gatewayOf(this.world, this.temporal),
      createNodes: (options) => {
        const nodes = createNodes(options, (to) => this.network.transport(to, owner));
        return this.mutation?.wrapNodes?.(nodes) ?? nodes;
      },
    };
  }

  #redisNetwork(weather: NetworkWeather): RedisNetwork {
    return new RedisNetwork(
      this.world,
      {
        delay: () => weather.redisDelay(),
        breaks: (owner) => weather.redisBreaks(owner),
        away: (owner) => weather.isRedisAway(owner),
        losesMessage: (owner) => weather.losesMessage(owner),
        script: (name, lua) => this.mutation?.script?.(name, lua) ?? lua,
      },
      new MemoryRedis(() => startMs + this.world.now),
    );
  }

  #log(): Log {
    const note = (fields: object, text: string): void => {
      const { err, ...rest } = fields as { err?: Error };
      this.world.note(`${text} ${JSON.stringify(rest)} ${err?.message ?? ''}`);
    };
    return { debug: () => undefined, info: note, warn: note, error: note };
  }
}
