/**
 * Goal: every bench runs and says a ratio, and workloads, benches and baselines speak of the same rows;
 * no figure is judged, because a test machine is never quiet.
 * Method: the compiled program at its tiny size, as `npm run bench -- --tiny` runs it.
 */
import { execFile, spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { baselinesDirectory, readBaseline } from '../../bench/baseline';
import { benches } from '../../bench/benches';
import type { Row } from '../../bench/row';
import { loadWorkloads } from '../../bench/workload';
import { builtForTest } from '../support/built';
import { alive } from '../support/processes';
import { waitFor } from '../support/wait-for';

jest.setTimeout(120_000);

const workloads = loadWorkloads();
const names = workloads.map(({ name }) => name);

const program = (): string => join(builtForTest(), 'bench', 'main.js');

async function bench(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [program(), ...args], {
    timeout: 100_000,
  });
  return stdout;
}

test.each(names)('%s runs at its tiny size and says ratios beside its baseline', async (name) => {
  const stdout = await bench(name, '--tiny', '--json');
  const { rows } = JSON.parse(stdout) as { rows: (Row & { baselineRatio: number | null })[] };
  const written = readBaseline(name)?.rows.map((row) => [row.name, row.ratio.median]);
  expect(rows.map((row) => [row.name, row.baselineRatio])).toEqual(written);
  for (const row of rows) {
    expect(row.name.startsWith(`${name}.`)).toBe(true);
    expect(row.ratio.median).toBeGreaterThan(0);
    expect(row.ratio.min).toBeLessThanOrEqual(row.ratio.max);
  }
});

test('the table has one line for each row, under its heads', async () => {
  const stdout = await bench('scan', 'merge', '--tiny');
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => line.split(' ')[0])).toEqual([
    'name',
    'merge.time/naive',
    'scan.bytes/parse',
  ]);
});

test('an unknown name is refused with the known ones, and a tiny run makes no baseline', async () => {
  await expect(bench('nothing')).rejects.toThrow(`There are: ${names.join(', ')}.`);
  await expect(bench('scan', '--tiny', '--update')).rejects.toThrow('makes no baseline');
});

test('workloads, benches and baselines have the same names', () => {
  expect(Object.keys(benches).sort()).toEqual(names);
  const files = readdirSync(baselinesDirectory());
  expect(files.map((file) => file.replace(/\.json$/, '')).sort()).toEqual(names);
  for (const name of names) expect(readBaseline(name)?.workload).toBe(name);
});

test('a killed bench leaves no process behind', async () => {
  // At its full size it runs far longer than this test looks at it.
  const running = spawn(process.execPath, [program(), 'api'], { stdio: 'ignore' });
  const pid = running.pid ?? 0;
  const children = (): number[] =>
    readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8')
      .split(' ')
      .map(Number)
      .filter((child) => child > 0);
  try {
    // The guard of Redis, the nodes, two relays and the api.
    await waitFor(() => children().length === 5, { deadlineMs: 60_000, what: 'all servers' });
    const all = children();
    running.kill('SIGKILL');
    await waitFor(() => !all.some(alive), { deadlineMs: 20_000, what: 'the end of all servers' });
    expect(all.filter(alive)).toEqual([]);
  } finally {
    running.kill('SIGKILL');
  }
});
