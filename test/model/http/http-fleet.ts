import type { Redis } from 'ioredis';
import type { Fleet, JsonValue } from '../../../core/fleet';
import { startFleet } from '../../../local/fleet';
import type { RunningFleet } from '../../../local/fleet';
import { connectRedis } from '../../../store/connect';
import { createStore } from '../../../store/create-store';
import type { Store } from '../../../store/types';
import { FaultyNetwork } from '../../support/faulty-link';
import type { CheckedFleet, CheckedNode } from '../check/checked-fleet';
import type { FleetSize } from '../fleet/fleet';
import type { SearchSpec } from '../story/types';
import { Random } from '../world/random';
import { deadlines } from '../../support/deadlines';

/** Short enough for a story, in the order that the configuration demands. */
const settings: Readonly<Record<string, string>> = {
  ...deadlines,
  MIROIR_SYNC_GRACE_MS: '200',
  MIROIR_WORKER_HEARTBEAT_MS: '1000',
  MIROIR_WORKER_STICKY_MS: '1000',
};
/** Every process takes part of one small machine. */
const podsMax = 2;
const askMs = 30_000;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: JsonValue;
}

/** Throws fetch's own error when there is no answer. */
export async function request(
  url: string,
  { key, method, body }: { key: string; method: string; body?: unknown },
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    signal: AbortSignal.timeout(askMs),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const parsed = text === '' ? null : (JSON.parse(text) as JsonValue);
  return { status: response.status, headers: response.headers, body: parsed };
}

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** The processes of one fleet with a network between them, in the place of the model's. */
export class HttpFleet implements CheckedFleet {
  readonly nodes = new Map<string, CheckedNode>();
  readonly urls = new Map<string, string>();
  readonly pause = pause;
  #alone = 0;

  private constructor(
    readonly size: FleetSize,
    readonly random: Random,
    readonly running: RunningFleet,
    readonly network: FaultyNetwork,
  ) {
    this.#redis = connectRedis(running.redis);
    this.store = createStore({
      redis: this.#redis,
      prefix: running.redisPrefix,
      requestDeadlineMs: Number(settings['MIROIR_REQUEST_DEADLINE_MS']),
      podLeaseMs: 10_000,
    });
    for (const node of running.nodes()) this.#know(node);
  }

  /** The checker's own view, past every fault. */
  readonly store: Store;
  readonly #redis: Redis;

  static async start(seed: number, size: FleetSize): Promise<HttpFleet> {
    const network = new FaultyNetwork();
    const running = await startFleet({
      nodes: size.nodes,
      replicationFactor: size.replicationFactor,
      shards: size.shards,
      apis: Math.min(size.pods, podsMax),
      settings,
      link: network.link,
    });
    return new HttpFleet(size, new Random(seed), running, network);
  }

  /** A node by its place; those after the fleet's are spares, which are started when they are meant. */
  async node(place: number): Promise<string> {
    const id = `meili-${String(place % (this.size.nodes + this.size.spares))}`;
    if (!this.nodes.has(id)) this.#know(await this.running.addNodeProcess({ id, group: 0 }));
    return id;
  }

  /** The url of a pod; stories name more pods than there are. */
  pod(ordinal: number): string {
    const { apis } = this.running;
    return apis[ordinal % apis.length] ?? this.running.api;
  }

  client(ordinal: number, method: string, path: string, body?: unknown): Promise<Answer> {
    return request(`${this.pod(ordinal)}${path}`, { key: this.running.masterKey, method, body });
  }

  operator(method: string, path: string, body?: unknown): Promise<Answer> {
    return request(`${this.pod(0)}${path}`, { key: this.running.adminKey, method, body });
  }

  load(): Promise<Fleet> {
    return this.store.fleet.load();
  }

  async pods(): Promise<readonly { readonly name: string; readonly epoch: number }[]> {
    const pods = await this.store.pods.list();
    return pods
      .filter(({ kind, alive }) => kind === 'api' && alive)
      .map(({ id, acknowledged }) => ({ name: id, epoch: acknowledged ?? 0 }));
  }

  async search({ index, body }: SearchSpec): Promise<JsonValue> {
    return (await this.client(0, 'POST', `/indexes/${index}/search`, body)).body;
  }

  async alone(): Promise<CheckedNode> {
    const id = `alone-${String((this.#alone += 1))}`;
    const { url } = await this.running.addNodeProcess({ id, group: 0 });
    return this.#asked(id, url);
  }

  async close(): Promise<void> {
    await this.store.close();
    this.#redis.disconnect();
    await this.running.close();
    await this.network.close();
  }

  #know({ id, url }: { readonly id: string; readonly url: string }): void {
    this.urls.set(id, url);
    this.nodes.set(id, this.#asked(id, url));
  }

  #asked(id: string, url: string): CheckedNode {
    const key = this.running.nodeKey;
    return {
      id,
      ask: async (method, path, body) =>
        (await request(`${url}${path}`, { key, method, body })).body,
    };
  }
}
