/**
 * Goal: `miroir dev` prints one line that other tools can read, and leaves nothing behind.
 * Method: run the compiled command with embedded nodes, real Valkey and Temporal, and stand-ins for api
 * and worker; end it by signals and look for its processes.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { DevLine } from '../../local/dev-line';
import { alive } from '../support/processes';
import { builtWithStandIns } from '../support/stand-ins';
import { waitFor } from '../support/wait-for';

jest.setTimeout(90_000);

const run = promisify(execFile);
const built = builtWithStandIns();
const command = join(built.root, 'cli', 'main.js');
const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], MIROIR_BUILT: built.root };

afterAll(() => built.remove());

interface Dev {
  readonly process: ChildProcess;
  readonly stdout: string[];
}

function start(...flags: string[]): Dev {
  const args = [command, 'dev', '--json', '--engine', 'embedded', ...flags];
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const stdout: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => stdout.push(line));
  return { process: child, stdout };
}

/** All processes below `pid`, found through /proc; the guard leads a session, but keeps its parent. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
    } catch {
      // It ended while it was looked at.
    }
  }
  const found = [pid];
  for (let at = 0; at < found.length; at += 1) {
    for (const [child, parent] of parents) if (parent === found[at]) found.push(child);
  }
  return found.slice(1);
}

test.each(['SIGINT', 'SIGKILL'] as const)(
  'one line when ready; after %s nothing is left',
  async (signal) => {
    const dev = start('--nodes', '2');
    await waitFor(() => dev.stdout.length > 0, { deadlineMs: 60_000, what: 'the line' });
    const line = JSON.parse(dev.stdout[0] ?? '') as DevLine;
    expect(Object.keys(line).sort()).toEqual(
      ['adminKey', 'api', 'engine', 'masterKey', 'nodes', 'redis', 'temporal', 'temporalUi'].sort(),
    );
    expect(line.nodes.map(({ id, group }) => ({ id, group }))).toEqual([
      { id: 'meili-0', group: 0 },
      { id: 'meili-1', group: 0 },
    ]);
    const pids = descendants(dev.process.pid ?? 0);
    expect(pids.length).toBeGreaterThanOrEqual(7);
    dev.process.kill(signal);
    await waitFor(() => !pids.some(alive), { deadlineMs: 20_000, what: 'all processes to end' });
    expect(dev.stdout).toHaveLength(1);
  },
);

test('a signal while parts are starting ends them all', async () => {
  const dev = start();
  let seen: number[] = [];
  await waitFor(() => (seen = descendants(dev.process.pid ?? 0)).length >= 3, {
    what: 'the first parts',
  });
  dev.process.kill('SIGTERM');
  await waitFor(() => !alive(dev.process.pid ?? 0) && !seen.some(alive), {
    deadlineMs: 60_000,
    what: 'all processes to end',
  });
  expect(dev.stdout).toEqual([]);
});

async function fails(...args: string[]): Promise<{ code: number; stderr: string }> {
  try {
    await run(process.execPath, [command, ...args], { env });
  } catch (error) {
    return error as { code: number; stderr: string };
  }
  throw new Error('the command did not fail');
}

test('a flag that cannot be is a usage error', async () => {
  expect(await fails('dev', '--nodes', 'many')).toMatchObject({ code: 2 });
  expect(await fails('nonsense')).toMatchObject({ code: 2 });
});

test('numbers that make no fleet are told with the reason', async () => {
  const { code, stderr } = await fails('dev', '--nodes', '2', '--rf', '3');
  expect(code).toBe(1);
  expect(stderr).toContain('two copies of a shard never share a node');
});

test('api and worker tell a wrong configuration and start nothing', async () => {
  for (const name of ['api', 'worker']) {
    const { code, stderr } = await fails(name);
    expect(code).toBe(2);
    expect(stderr).toContain('MIROIR_NODE_KEY');
  }
});

test('doctor names every part and is content with this machine', async () => {
  const { stdout } = await run(process.execPath, [command, 'doctor'], { env });
  for (const part of [
    'node',
    'python',
    'pip',
    'redis',
    'temporal',
    'meilisearch',
    'docker',
    'port',
  ]) {
    expect(stdout).toMatch(new RegExp(`^${part} +(ok|absent) `, 'm'));
  }
});

test('doctor fails when the api that it is pointed at does not answer', async () => {
  const pointed = { ...env, MIROIR_API: 'http://127.0.0.1:1' };
  const failed = run(process.execPath, [command, 'doctor', '--json'], { env: pointed });
  const error = (await failed.catch((caught: unknown) => caught)) as {
    code: number;
    stdout: string;
  };
  expect(error.code).toBe(3);
  const checks = JSON.parse(error.stdout) as { name: string; ok: boolean }[];
  expect(checks.find((check) => check.name === 'api')?.ok).toBe(false);
});
