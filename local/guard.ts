/**
 * The guard: a small process that starts foreign programs for its parent and outlives it by a moment.
 *
 * Invariant: nothing it started lives on once the pipe on its standard input is closed. The kernel
 * closes that pipe however the parent dies, SIGKILL included, so nobody has to clean up by hand.
 * Each child leads its own process group and the whole group is ended: first asked (SIGTERM), after
 * `graceMs` killed. Directories that the parent named as temporary are removed last.
 *
 * Wire format: one JSON object a line, `GuardRequest` on standard input, `GuardEvent` on standard
 * output. Environments (they hold keys) come through the pipe: arguments would show in `ps`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { GuardEvent, GuardRequest, StartRequest } from './guard-messages';

const graceMs = 5_000;
const children = new Map<number, ChildProcess>();
const temporary: string[] = [];
let closing = false;

/** The parent may be gone already; then nobody is there to read it. */
function say(event: GuardEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group is gone, which is what was wanted.
  }
}

function start(request: StartRequest): void {
  if (closing) return;
  const log = openSync(request.logFile, 'a', 0o600);
  const child = spawn(request.command, request.args, {
    detached: true,
    cwd: request.cwd,
    env: request.env,
    // Our own programs take the end of this pipe as the order to leave, should the guard be killed.
    stdio: ['pipe', request.lines ? 'pipe' : log, log],
  });
  closeSync(log);
  child.stdin?.on('error', () => undefined);
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) =>
      say({ event: 'line', id: request.id, line }),
    );
  }
  children.set(request.id, child);
  child.once('spawn', () => say({ event: 'started', id: request.id, pid: child.pid ?? 0 }));
  child.once('error', (error) => {
    children.delete(request.id);
    say({ event: 'failed', id: request.id, message: error.message });
    leaveIfDone();
  });
  child.once('exit', (code, signal) => {
    // A leader that died may leave members of its group behind.
    signalGroup(child, 'SIGKILL');
    children.delete(request.id);
    say({ event: 'exited', id: request.id, code, signal });
    leaveIfDone();
  });
}

function leaveIfDone(): void {
  if (!closing || children.size > 0) return;
  for (const directory of temporary) rmSync(directory, { recursive: true, force: true });
  process.exit(0);
}

function close(): void {
  if (closing) return;
  closing = true;
  for (const child of children.values()) signalGroup(child, 'SIGTERM');
  setTimeout(() => {
    for (const child of children.values()) signalGroup(child, 'SIGKILL');
  }, graceMs);
  leaveIfDone();
}

function handle(request: GuardRequest): void {
  if (request.op === 'start') return start(request);
  if (request.op === 'temporary') {
    temporary.push(request.directory);
    return;
  }
  const child = children.get(request.id);
  if (child !== undefined) signalGroup(child, request.signal);
}

// Signals to the parent's group do not concern the guard: the parent stops its parts in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.stdout.on('error', close);
createInterface({ input: process.stdin })
  .on('line', (line) => handle(JSON.parse(line) as GuardRequest))
  .on('close', close);
