/**
 * Goal: nothing that was started outlives its starter, however that one ends.
 * Method: a parent process starts programs (one with a child of its own, one that ignores SIGTERM),
 * then is killed; wait until every process id is gone.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createSupervisor } from '../../local/supervisor';
import type { Program } from '../../local/supervisor';
import { builtForTest } from '../support/built';
import { alive } from '../support/processes';
import { waitFor } from '../support/wait-for';

const family = 'sleep 600 & echo $!; wait';
const stubborn = 'trap "" TERM; echo ready; while true; do sleep 1; done';

interface Started {
  readonly parent: ChildProcess;
  readonly pids: readonly number[];
  readonly directory: string;
}

/** A parent of its own, because this test process must live on. */
async function startParent(): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), 'miroir-guard-'));
  const script = `
    const { createSupervisor } = require(${JSON.stringify(join(builtForTest(), 'local/supervisor.js'))});
    (async () => {
      const supervisor = createSupervisor();
      const directory = ${JSON.stringify(directory)};
      supervisor.removeAtEnd(directory);
      const line = {};
      const start = (name, text) => new Promise(async (resolve) => {
        const program = await supervisor.start({ name, command: '/bin/sh', args: ['-c', text],
          env: { PATH: process.env.PATH }, cwd: directory, logFile: directory + '/' + name + '.log',
          onLine: (said) => { line[name] = said; setImmediate(() => resolve(program)); } });
        programs[name] = program;
      });
      const programs = {};
      await start('family', ${JSON.stringify(family)});
      await start('stubborn', ${JSON.stringify(stubborn)});
      const pids = [supervisor.guardPid, programs.family.pid, programs.stubborn.pid, Number(line.family)];
      console.log(JSON.stringify(pids));
    })();`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const pids = await new Promise<number[]>((resolve, reject) => {
    createInterface({ input: parent.stdout }).once('line', (line) =>
      resolve(JSON.parse(line) as number[]),
    );
    parent.once('exit', () => reject(new Error('the parent ended early')));
  });
  expect(pids).toHaveLength(4);
  expect(pids.every((pid) => pid > 0 && alive(pid))).toBe(true);
  return { parent, pids, directory };
}

test.each(['SIGKILL', 'SIGTERM'] as const)(
  'a parent ended by %s leaves no process and no directory',
  async (signal) => {
    const { parent, pids, directory } = await startParent();
    parent.kill(signal);
    await waitFor(() => pids.every((pid) => !alive(pid)), {
      deadlineMs: 15_000,
      what: 'all processes to end',
    });
    expect(existsSync(directory)).toBe(false);
  },
);

test('a guard that is killed takes its programs along, while the parent lives', async () => {
  const { parent, pids, directory } = await startParent();
  const [guard = 0, ...programs] = pids;
  process.kill(guard, 'SIGKILL');
  await waitFor(() => programs.every((pid) => !alive(pid)), { what: 'all programs to end' });
  parent.kill('SIGKILL');
  // Only the guard would have removed it.
  rmSync(directory, { recursive: true });
});

describe('one supervisor', () => {
  const directory = mkdtempSync(join(tmpdir(), 'miroir-guard-'));
  const supervisor = createSupervisor();
  supervisor.removeAtEnd(directory);
  afterAll(() => supervisor.close());

  const shell = (name: string, text: string, more: Partial<Program> = {}): Program => ({
    ...{ name, command: '/bin/sh', args: ['-c', text], env: { PATH: process.env['PATH'] } },
    ...{ cwd: directory, logFile: join(directory, `${name}.log`) },
    ...more,
  });

  test('a program gets its environment and nothing else, and its output goes to the log', async () => {
    const program = await supervisor.start(
      shell('env', 'env; echo wrong >&2; exit 3', { env: { ONLY: 'this' } }),
    );
    expect(await program.exited).toEqual({ code: 3, signal: null });
    const log = readFileSync(program.logFile, 'utf8');
    expect(log).toMatch(/^ONLY=this$/m);
    expect(log).toMatch(/^wrong$/m);
    expect(log).not.toMatch(/^HOME=/m);
    expect(program.running()).toBe(false);
  });

  test('a program that is not there fails with its name', async () => {
    const missing = { ...shell('ghost', ''), command: '/nowhere/ghost' };
    await expect(supervisor.start(missing)).rejects.toThrow(
      /^ghost could not be started: .*ENOENT/,
    );
  });

  test('stop asks first and kills a program that does not listen', async () => {
    let ready = false;
    const program = await supervisor.start(
      shell('stubborn', stubborn, { onLine: () => (ready = true) }),
    );
    await waitFor(() => ready, { what: 'the program' });
    await program.stop(100);
    expect((await program.exited).signal).toBe('SIGKILL');
    expect(alive(program.pid)).toBe(false);
  });
});
