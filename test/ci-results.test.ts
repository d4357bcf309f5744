/**
 * Goal: the last line of CI counts what Jest ran, and nothing that is missing passes for success.
 * Method: `.ci/results.js` on reports as Jest writes them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = join(__dirname, '..', '.ci', 'results.js');
const directory = mkdtempSync(join(tmpdir(), 'miroir-ci-results-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** A file of tests with these results; one without results could not start. */
const suite = (file: string, ...statuses: ('passed' | 'failed' | 'pending')[]): object => ({
  name: join(directory, file),
  status: statuses.length === 0 || statuses.includes('failed') ? 'failed' : 'passed',
  assertionResults: statuses.map((status) => ({ status })),
});

function report(name: string, ...testResults: object[]): string {
  const file = join(directory, name);
  writeFileSync(file, JSON.stringify({ testResults }));
  return file;
}

function results(...args: string[]): { lines: string[]; status: number | null } {
  const { stdout, status } = spawnSync(process.execPath, [program, ...args], { cwd: directory });
  return { lines: stdout.toString().trim().split('\n'), status };
}

const first = report(
  'first.json',
  suite('a.test.ts', 'passed', 'pending'),
  suite('b.test.ts', 'passed', 'failed'),
  suite('c.test.ts'),
);
const good = report('good.json', suite('d.test.ts', 'passed'));

test('names the files with a failure, and those that could not start', () => {
  expect(results('failed', first).lines).toEqual(['b.test.ts', 'c.test.ts']);
});

test('counts over all reports', () => {
  expect(results('count', '0', first, good)).toEqual({ lines: ['3 passed, 2 failed'], status: 1 });
});

test('takes the last word on a file that ran again', () => {
  const mended = report('mended.json', suite('b.test.ts', 'passed', 'passed'));
  const rest = report('rest.json', suite('c.test.ts', 'passed'));
  const worse = report('worse.json', suite('d.test.ts', 'failed'));
  expect(results('count', '0', first, mended, rest).lines).toEqual(['4 passed, 0 failed']);
  expect(results('count', '0', first, mended, rest).status).toBe(0);
  expect(results('count', '0', good, worse)).toEqual({ lines: ['0 passed, 1 failed'], status: 1 });
});

test('a missing report and a failed step are failures', () => {
  const missing = join(directory, 'missing.json');
  expect(results('count', '0', good, missing)).toEqual({
    lines: ['1 passed, 1 failed'],
    status: 1,
  });
  expect(results('count', '1', good)).toEqual({ lines: ['1 passed, 1 failed'], status: 1 });
  expect(results('count', '0', missing)).toEqual({ lines: ['0 passed, 1 failed'], status: 1 });
});
