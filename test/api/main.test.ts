/**
 * Goal: an api process says where it listens, ends with its parent, and may be killed at any instant
 * without losing a write that it has acknowledged.
 * Method: the compiled program as real processes before three embedded nodes; one of two is killed
 * while both are written to.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { builtForTest } from '../support/built';
import { waitFor } from '../support/wait-for';
import { fleetForTest } from './support';
import type { FleetForTest } from './support';

jest.setTimeout(60_000);

let fleet: FleetForTest;
const processes: ChildProcess[] = [];

beforeAll(async () => {
  fleet = await fleetForTest({
    env: {
      MIROIR_NODE_DEADLINE_MS: '400',
      MIROIR_WRITER_LEASE_MS: '700',
      MIROIR_POD_LEASE_MS: '1500',
      MIROIR_POD_HEARTBEAT_MS: '300',
    },
  });
});
afterAll(async () => {
  for (const one of processes) one.kill('SIGKILL');
  await fleet.close();
});

async function startProcess(): Promise<{ url: string; process: ChildProcess }> {
  const child = spawn(process.execPath, [join(builtForTest(), 'api', 'main.js')], {
    env: { PATH: process.env['PATH'], ...fleet.env, MIROIR_PARENT: '1', MIROIR_LOG_LEVEL: 'warn' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  processes.push(child);
  const lines = createInterface({ input: child.stdout! });
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve);
    child.once('exit', (code) => reject(new Error(`api ended with ${String(code)}`)));
  });
  return { url: (JSON.parse(line) as { url: string }).url, process: child };
}

async function post(url: string, path: string, body: unknown): Promise<Response> {
  return await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${fleet.masterKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function get(url: string, path: string): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${fleet.masterKey}` };
  return (await (await fetch(`${url}${path}`, { headers })).json()) as Record<string, unknown>;
}

test('no acknowledged write is lost when a process is killed, and every task ends', async () => {
  const [victim, survivor] = [await startProcess(), await startProcess()];
  expect(
    (await post(victim.url, '/indexes/killed/documents?primaryKey=id', [{ id: 0 }])).status,
  ).toBe(202);
  const acknowledged = new Set<number>([0]);
  let next = 1;
  let killed = false;
  const writer = async (url: string, until: () => boolean): Promise<void> => {
    while (!until()) {
      const id = next++;
      const answer = await post(url, '/indexes/killed/documents', [
        { id, v: 'x'.repeat(500) },
      ]).catch(() => null);
      if (answer?.status === 202) acknowledged.add(id);
      else if (answer === null && url === victim.url) return;
    }
  };
  const stopAt = performance.now() + 6_000;
  const over = (): boolean => performance.now() > stopAt;
  const writers = [victim.url, victim.url, survivor.url, survivor.url].map((url) =>
    writer(url, over),
  );
  await waitFor(() => acknowledged.size > 20, { what: 'some writes' });
  victim.process.kill('SIGKILL');
  killed = true;
  const before = acknowledged.size;
  await Promise.all(writers);
  expect(killed).toBe(true);
  expect(acknowledged.size).toBeGreaterThan(before);
  await waitFor(
    async () => {
      const open = await get(survivor.url, '/tasks?statuses=enqueued,processing&limit=1');
      return open['total'] === 0;
    },
    { what: 'all tasks to end', deadlineMs: 20_000 },
  );
  const stored = new Set<number>();
  for (let offset = 0; ; offset += 1_000) {
    const page = await get(
      survivor.url,
      `/indexes/killed/documents?limit=1000&offset=${offset}&fields=id`,
    );
    const results = page['results'] as { id: number }[];
    for (const { id } of results) stored.add(id);
    if (results.length < 1_000) break;
  }
  expect([...acknowledged].filter((id) => !stored.has(id))).toEqual([]);
});

test('a process ends when its parent goes away', async () => {
  const { process: child } = await startProcess();
  child.stdin?.end();
  await waitFor(() => child.exitCode !== null, { what: 'the process to end' });
  expect(child.exitCode).toBe(0);
});
