import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../api/log';
import { startRuntime } from '../../api/runtime';
import type { Runtime } from '../../api/runtime';
import type { Config } from '../../config/config';
import { loadConfig } from '../../config/load';
import type { JsonValue } from '../../core/fleet';
import { startEmbeddedNode } from '../../local/embedded-node/server';
import type { RunningEmbeddedNode } from '../../local/embedded-node/server';
import type { Store } from '../../store/types';
import { redisForTest } from '../support/redis';
import type { TemporalForTest } from '../support/temporal';
import { waitFor } from '../support/wait-for';

export interface FleetForTestOptions {
  readonly nodes?: number;
  readonly replicationFactor?: number;
  readonly groups?: number;
  readonly shards?: number;
  readonly env?: Record<string, string>;
  /** Else the pods have none. */
  readonly temporal?: TemporalForTest;
  /** Running nodes with this master key, instead of embedded ones. */
  readonly external?: { readonly urls: readonly string[]; readonly key: string };
}

export interface Json {
  readonly status: number;
  readonly headers: Record<string, string | number | string[] | undefined>;
  readonly text: string;
  // Answers are read member by member; a wrong shape fails the expectation on it.
  readonly body: Record<string, JsonValue> & { readonly [name: string]: JsonValue };
}

/** One pod of the fleet under test, spoken to without a socket. */
export interface PodForTest extends Runtime {
  send(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Json>;
  /** Waits until the task is over and returns its view. */
  task(uid: JsonValue | undefined): Promise<Record<string, JsonValue>>;
  /** Sends a write and waits for its task. */
  write(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Record<string, JsonValue>>;
  listen(): Promise<string>;
}

export interface FleetForTest {
  readonly masterKey: string;
  readonly nodes: RunningEmbeddedNode[];
  readonly config: Config;
  /** The same configuration for processes of the fleet. */
  readonly env: Record<string, string>;
  pod(options?: { wrapStore?: (store: Store) => Store }): Promise<PodForTest>;
  /** What one node holds of an index, straight from the node. */
  askNode(node: number, path: string, init?: RequestInit): Promise<Record<string, JsonValue>>;
  /** The data directory of an embedded node. */
  disk(node: number): string;
  /** Starts an embedded node again that was closed, on its port and data directory. */
  startNode(node: number): Promise<void>;
  close(): Promise<void>;
}

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** Prints what the pods log when `MIROIR_TEST_LOG` is set. */
const shown: Log = {
  debug: () => undefined,
  info: (fields, text) => process.stderr.write(`info ${text} ${JSON.stringify(fields)}\n`),
  warn: (fields, text) => process.stderr.write(`warn ${text} ${print(fields)}\n`),
  error: (fields, text) => process.stderr.write(`error ${text} ${print(fields)}\n`),
};

function print(fields: object): string {
  const { err, ...rest } = fields as { err?: { stack?: string } };
  return `${JSON.stringify(rest)} ${err?.stack ?? ''}`;
}

export async function fleetForTest(options: FleetForTestOptions = {}): Promise<FleetForTest> {
  const { url, prefix } = redisForTest();
  const masterKey = randomBytes(12).toString('hex');
  const nodeKey = options.external?.key ?? randomBytes(16).toString('hex');
  const directory = await mkdtemp(join(tmpdir(), 'miroir-api-'));
  const nodes: RunningEmbeddedNode[] = [];
  const count = options.external === undefined ? (options.nodes ?? 3) : 0;
  for (let i = 0; i < count; i += 1) {
    const dataDir = join(directory, `meili-${i}`);
    nodes.push(
      await startEmbeddedNode({ port: 0, host: '127.0.0.1', masterKey: nodeKey, dataDir }),
    );
  }
  const urls = options.external?.urls ?? nodes.map((node) => node.url);
  const env: Record<string, string> = {
    REDIS_URL: url,
    TEMPORAL_ADDRESS: options.temporal?.address ?? '127.0.0.1:1',
    MIROIR_TEMPORAL_NAMESPACE: options.temporal?.namespace ?? 'default',
    MIROIR_TASK_QUEUE: options.temporal?.taskQueue ?? 'miroir',
    MIROIR_REDIS_PREFIX: prefix,
    MIROIR_NODES: urls.join(','),
    MIROIR_NODE_KEY: nodeKey,
    MIROIR_MASTER_KEY: masterKey,
    MIROIR_ADMIN_KEY: randomBytes(24).toString('hex'),
    MIROIR_API_PORT: '0',
    MIROIR_SHARDS: String(options.shards ?? 8),
    MIROIR_RF: String(options.replicationFactor ?? 2),
    MIROIR_GROUPS: String(options.groups ?? 1),
    ...options.env,
  };
  const config = loadConfig({ env });
  const pods: PodForTest[] = [];
  return {
    masterKey,
    nodes,
    config,
    env,
    pod: async ({ wrapStore } = {}) => {
      const log = process.env['MIROIR_TEST_LOG'] === undefined ? silent : shown;
      const runtime = await startRuntime({
        config,
        log,
        temporal: options.temporal !== undefined,
        ...(wrapStore === undefined ? {} : { wrapStore }),
      });
      const pod = podForTest(runtime, masterKey);
      pods.push(pod);
      return pod;
    },
    askNode: async (node, path, init) => {
      const headers = { authorization: `Bearer ${nodeKey}`, 'content-type': 'application/json' };
      const answer = await fetch(`${urls[node] ?? ''}${path}`, { ...init, headers });
      return (await answer.json()) as Record<string, JsonValue>;
    },
    disk: (node) => join(directory, `meili-${node}`),
    startNode: async (node) => {
      nodes[node] = await startEmbeddedNode({
        port: Number(new URL(urls[node] ?? '').port),
        host: '127.0.0.1',
        masterKey: nodeKey,
        dataDir: join(directory, `meili-${node}`),
      });
    },
    close: async () => {
      await Promise.all(pods.map(async (pod) => await pod.close()));
      await Promise.all(nodes.map(async (node) => await node.close().catch(() => undefined)));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

function podForTest(runtime: Runtime, masterKey: string): PodForTest {
  const send: PodForTest['send'] = async (method, path, body, headers = {}) => {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const answer = await runtime.app.inject({
      method: method as 'GET',
      url: path,
      headers: {
        authorization: `Bearer ${masterKey}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: isRaw ? body : JSON.stringify(body) }),
    });
    const isLines = String(answer.headers['content-type']).startsWith('application/x-ndjson');
    const isJson = !isLines && /^[{["]/.test(answer.payload);
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: answer.payload,
      body: (isJson ? JSON.parse(answer.payload) : {}) as Json['body'],
    };
  };
  const task: PodForTest['task'] = async (uid) =>
    await waitFor(
      async () => {
        const { body } = await send('GET', `/tasks/${String(uid)}`);
        return ['enqueued', 'processing'].includes(String(body['status'])) ? null : body;
      },
      { what: `task ${String(uid)}`, deadlineMs: 60_000 },
    );
  return {
    ...runtime,
    send,
    task,
    write: async (method, path, body, headers) => {
      const answer = await send(method, path, body, headers);
      if (answer.status >= 300)
        throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      return await task(answer.body['taskUid']);
    },
    listen: async () => {
      await runtime.app.listen({ host: '127.0.0.1', port: 0 });
      const { port } = runtime.app.server.address() as AddressInfo;
      return `http://127.0.0.1:${port}`;
    },
  };
}
