/**
 * Goal: a local fleet starts whole, each part can be killed and started again in its place, and
 * everything ends at the end.
 * Method: real Valkey, real Temporal, embedded nodes; api and worker are stand-ins that show their settings.
 */
import { existsSync } from 'node:fs';
import { Redis } from 'ioredis';
import { loadConfig } from '../../config/load';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { alive } from '../support/processes';
import { builtWithStandIns } from '../support/stand-ins';
import { waitFor } from '../support/wait-for';

jest.setTimeout(90_000);

const built = builtWithStandIns();
let fleet: RunningFleet;

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = built.root;
  fleet = await startFleet({
    nodes: 3,
    groups: 2,
    engine: 'embedded',
    apis: 2,
    settings: { MIROIR_LOG_LEVEL: 'warn' },
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
});

afterAll(async () => {
  await fleet.close();
  built.remove();
});

async function healthOf(url: string): Promise<number> {
  return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) })).status;
}

test('the line names every part', () => {
  const line = fleet.line();
  expect(line.engine).toBe('embedded');
  expect(line.nodes.map(({ id, group }) => [id, group])).toEqual([
    ['meili-0', 0],
    ['meili-1', 1],
    ['meili-2', 0],
  ]);
  expect(line.api).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(line.temporal).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(line.temporalUi).toMatch(/^http:/);
  expect(line.redis).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
  expect(line.masterKey).not.toBe(line.adminKey);
});

test('the api gets settings that make a valid configuration', async () => {
  const answer = await fetch(fleet.api);
  const config = loadConfig({ env: (await answer.json()) as Record<string, string> });
  expect(config.nodes.bootstrap.map((node) => node.url)).toEqual(
    fleet.nodes().map((node) => node.url),
  );
  expect(config.redis).toMatchObject({ url: fleet.redis, prefix: fleet.redisPrefix });
  expect(config.temporal.address).toBe(fleet.temporal);
  expect(config.api.masterKey).toBe(fleet.masterKey);
  expect(config.fleet).toEqual({ shards: 8, replicationFactor: 1, groups: 2 });
  expect(config.log.level).toBe('warn');
});

test('two apis listen at two addresses', async () => {
  expect(new Set(fleet.apis).size).toBe(2);
  for (const url of fleet.apis) expect((await fetch(`${url}/_miroir/ready`)).status).toBe(200);
});

test('a killed api, worker and node come back in their places', async () => {
  const before = fleet.pids();
  await Promise.all([fleet.killApi(), fleet.killWorker(), fleet.killNode('meili-1')]);
  const url = fleet.nodes().find((node) => node.id === 'meili-1')?.url ?? '';
  await expect(healthOf(url)).rejects.toThrow();
  expect(Object.keys(fleet.pids())).not.toContain('meili-1');
  await Promise.all([fleet.startApi(), fleet.startWorker(), fleet.restartNode('meili-1')]);
  expect(await healthOf(url)).toBe(200);
  expect(fleet.pids()['api-0']).not.toBe(before['api-0']);
});

test('a paused node does not answer until it is resumed', async () => {
  const url = fleet.nodes()[0]?.url ?? '';
  fleet.pauseNode('meili-0');
  const isSilent = () =>
    fetch(`${url}/health`, { signal: AbortSignal.timeout(300) }).then(
      () => false,
      ({ name }: Error) => name === 'TimeoutError',
    );
  try {
    // A thread of the process may still answer while the signal is on its way to it.
    await waitFor(isSilent, { what: 'the node to stand still' });
  } finally {
    fleet.resumeNode('meili-0');
  }
  expect(await healthOf(url)).toBe(200);
});

test('what Redis was told is there after it was killed', async () => {
  const write = new Redis(fleet.redis);
  await write.set('kept', 'yes');
  write.disconnect();
  await fleet.killRedis();
  await fleet.startRedis();
  const read = new Redis(fleet.redis);
  expect(await read.get('kept')).toBe('yes');
  read.disconnect();
});

test('Temporal comes back at the same address', async () => {
  const { temporal } = fleet;
  await fleet.killTemporal();
  await fleet.startTemporal();
  expect(fleet.temporal).toBe(temporal);
});

test('a spare one of the running nodes joins before one is started', async () => {
  const urls = fleet.nodes().map((node) => node.url);
  const { PATH, HOME } = process.env;
  const running = await startFleet({
    nodes: 2,
    spareNodes: 1,
    env: { PATH, HOME, MIROIR_NODES: urls.slice(0, 3).join(), MIROIR_NODE_KEY: fleet.nodeKey },
  });
  try {
    expect(running.nodes().map((node) => node.url)).toEqual(urls.slice(0, 2));
    expect((await running.addNodeProcess({ group: 0 })).url).toBe(urls[2]);
    expect(running.nodes()).toHaveLength(3);
  } finally {
    await running.close();
  }
});

test('a node can be added; its name is taken once', async () => {
  const node = await fleet.addNodeProcess({ group: 1 });
  expect(node).toMatchObject({ id: 'meili-3', group: 1 });
  expect(await healthOf(node.url)).toBe(200);
  await expect(fleet.addNodeProcess({ id: 'meili-3' })).rejects.toThrow(/there already/);
});

test('an end that nobody asked for is told', async () => {
  const ended: string[] = [];
  fleet.onUnexpectedEnd((program) => ended.push(program.name));
  process.kill(fleet.pids()['worker-0'] ?? 0, 'SIGKILL');
  await waitFor(() => ended.includes('worker-0'), { what: 'the listener' });
  await fleet.startWorker();
});

test('closing ends every process and removes the data', async () => {
  const pids = Object.values(fleet.pids());
  expect(pids.length).toBeGreaterThanOrEqual(9);
  await fleet.close();
  expect(pids.filter(alive)).toEqual([]);
  expect(existsSync(fleet.directory)).toBe(false);
});
