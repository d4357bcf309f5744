import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonValue } from '../../core/fleet';
import { startEmbeddedNode } from '../../local/embedded-node/server';
import { fleetForTest } from '../api/support';
import type { FleetForTest, FleetForTestOptions, Json, PodForTest } from '../api/support';
import { waitFor } from '../support/wait-for';

export type Engine = 'embedded' | 'real';

const binary = process.env['MEILISEARCH_BIN'] ?? '';
/** The real Meilisearch takes part whenever MEILISEARCH_BIN names one. */
export const engines: readonly Engine[] = binary === '' ? ['embedded'] : ['embedded', 'real'];

/** One that answers as Meilisearch: the fleet by its pod, or a node without Miroir. */
export interface Side {
  send: PodForTest['send'];
  /** Sends a write and waits for its task. */
  write: PodForTest['write'];
}

/** One that also takes bytes over a socket, with this key. */
export interface SideOnWire extends Side {
  readonly url: string;
  readonly key: string;
}

/** A fleet, and one node without Miroir, of the same engine. */
export interface Sides {
  readonly fleet: FleetForTest;
  readonly pod: PodForTest;
  readonly single: SideOnWire;
  /** The same write on both sides. */
  both(method: string, path: string, body?: unknown): Promise<void>;
  close(): Promise<void>;
}

const nodeKey = 'the-key-of-a-node-under-test';

export async function sidesForTest(
  engine: Engine,
  options: FleetForTestOptions = {},
): Promise<Sides> {
  const directory = await mkdtemp(join(tmpdir(), 'miroir-sides-'));
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.reverse()) await one();
    await rm(directory, { recursive: true, force: true });
  };
  const start = async (id: string): Promise<string> => {
    const dataDir = join(directory, id);
    const node = engine === 'real' ? await startReal(dataDir) : await startEmbedded(dataDir);
    closers.push(node.close);
    return node.url;
  };
  try {
    const url = await start('single');
    const external: string[] = [];
    const count = engine === 'real' ? (options.nodes ?? 3) : 0;
    for (let i = 0; i < count; i += 1) external.push(await start(`meili-${String(i)}`));
    const fleet = await fleetForTest({
      ...options,
      ...(engine === 'real' ? { external: { urls: external, key: nodeKey } } : {}),
    });
    closers.push(() => fleet.close());
    const pod = await fleet.pod();
    const single = sideOf(url, nodeKey);
    const both = async (method: string, path: string, body?: unknown): Promise<void> => {
      for (const side of [single, pod]) {
        const task = await side.write(method, path, body);
        if (task['status'] !== 'succeeded') throw new Error(`${path}: ${JSON.stringify(task)}`);
      }
    };
    return { fleet, pod, single, both, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A Meilisearch at `url`, spoken to as pods are. */
export function sideOf(url: string, key: string): SideOnWire {
  const send: Side['send'] = async (method, path, body, headers = {}) => {
    const isRaw = typeof body === 'string' || Buffer.isBuffer(body);
    const answer = await fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: isRaw ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      text,
      body: (/^[{["]/.test(text) ? JSON.parse(text) : {}) as Json['body'],
    };
  };
  const write: Side['write'] = async (method, path, body, headers) => {
    const answer = await send(method, path, body, headers);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.text}`);
    const uid = String(answer.body['taskUid']);
    return await waitFor(
      async (): Promise<Record<string, JsonValue> | null> => {
        const task = (await send('GET', `/tasks/${uid}`)).body;
        return ['enqueued', 'processing'].includes(String(task['status'])) ? null : task;
      },
      { what: `task ${uid}`, deadlineMs: 60_000 },
    );
  };
  return { send, write, url, key };
}

interface Started {
  readonly url: string;
  close(): Promise<void>;
}

async function startEmbedded(dataDir: string): Promise<Started> {
  const node = await startEmbeddedNode({
    port: 0,
    host: '127.0.0.1',
    masterKey: nodeKey,
    dataDir,
  });
  return { url: node.url, close: () => node.close() };
}

async function startReal(dataDir: string): Promise<Started> {
  const port = await freePort();
  const address = `127.0.0.1:${String(port)}`;
  const child = spawn(
    binary,
    ['--db-path', dataDir, '--http-addr', address, '--master-key', nodeKey, '--no-analytics'],
    { stdio: 'ignore', cwd: tmpdir() },
  );
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  const url = `http://${address}`;
  const close = async (): Promise<void> => {
    process.off('exit', atExit);
    await kill(child);
  };
  try {
    await waitFor(async () => (await fetch(`${url}/health`)).ok, {
      what: `Meilisearch at ${url}`,
      deadlineMs: 30_000,
    });
  } catch (error) {
    await close();
    throw error;
  }
  return { url, close };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
