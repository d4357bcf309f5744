import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { GuardEvent, GuardRequest } from './guard-messages';
import { logTail } from './log-tail';
import { builtEntry } from './paths';

export interface Program {
  /** Shown to people, as `valkey` or `meili-0`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the program; nothing is inherited. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly logFile: string;
  /** Called with each line of standard output, which then does not go to the log file. */
  readonly onLine?: (line: string) => void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that runs under the guard. */
export interface RunningProgram {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when the process has ended, for whatever reason. */
  readonly exited: Promise<Exit>;
  running(): boolean;
  /** SIGTERM, after `graceMs` (5 s) SIGKILL; resolves when the process has ended. */
  stop(graceMs?: number): Promise<void>;
  /** SIGKILL to its whole process group; resolves when the process has ended. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
}

export interface Supervisor {
  readonly guardPid: number;
  start(program: Program): Promise<RunningProgram>;
  /** The guard removes this directory when all has ended, also after the death of this process. */
  removeAtEnd(directory: string): void;
  /** Ends everything that still runs; resolves when the guard itself has ended. */
  close(): Promise<void>;
}

interface Entry {
  pid: number;
  ended: Exit | null;
  readonly program: Program;
  readonly onStarted: () => void;
  readonly onFailed: (message: string) => void;
  readonly onExit: (exit: Exit) => void;
}

/** Starts the guard process of this process; everything below it ends with this process. */
export function createSupervisor(): Supervisor {
  const guard = spawn(process.execPath, [builtEntry('local/guard.js')], {
    // A session of its own: Ctrl-C in the terminal reaches only the parent, which stops in order.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return new GuardedSupervisor(guard);
}

class GuardedSupervisor implements Supervisor {
  readonly guardPid: number;
  readonly #guard: ChildProcess;
  readonly #entries = new Map<number, Entry>();
  readonly #guardEnded: Promise<void>;
  #nextId = 1;

  constructor(guard: ChildProcess) {
    this.#guard = guard;
    this.guardPid = guard.pid ?? 0;
    this.#guardEnded = new Promise((resolve) => {
      guard.once('exit', () => {
        this.#onGuardEnd();
        resolve();
      });
      guard.once('error', () => {
        this.#onGuardEnd();
        resolve();
      });
    });
    guard.stdin?.on('error', () => undefined);
    if (guard.stdout !== null) {
      createInterface({ input: guard.stdout }).on('line', (line) =>
        this.#onEvent(JSON.parse(line) as GuardEvent),
      );
    }
  }

  async start(program: Program): Promise<RunningProgram> {
    mkdirSync(dirname(program.logFile), { recursive: true });
    const id = this.#nextId;
    this.#nextId += 1;
    let onExit: (exit: Exit) => void = () => undefined;
    let onStarted: () => void = () => undefined;
    let onFailed: (message: string) => void = () => undefined;
    const exited = new Promise<Exit>((resolve) => {
      onExit = resolve;
    });
    const started = new Promise<void>((resolve, reject) => {
      onStarted = resolve;
      onFailed = (message) => reject(new Error(`${program.name} could not be started: ${message}`));
    });
    // Held here and not only in the map: a short program may have ended before its start is told.
    const entry: Entry = { pid: 0, ended: null, program, onStarted, onFailed, onExit };
    this.#entries.set(id, entry);
    if (this.#guard.exitCode !== null || this.#guard.signalCode !== null) {
      this.#entries.delete(id);
      onFailed('the guard process has ended');
    }
    this.#send({
      op: 'start',
      id,
      command: program.command,
      args: [...program.args],
      env: definedOnly(program.env),
      cwd: program.cwd,
      logFile: program.logFile,
      lines: program.onLine !== undefined,
    });
    await started;
    return this.#handle(id, entry, exited);
  }

  removeAtEnd(directory: string): void {
    this.#send({ op: 'temporary', directory });
  }

  async close(): Promise<void> {
    this.#guard.stdin?.end();
    await this.#guardEnded;
  }

  #handle(id: number, entry: Entry, exited: Promise<Exit>): RunningProgram {
    const signal = (name: NodeJS.Signals): void => {
      if (entry.ended === null) this.#send({ op: 'signal', id, signal: name });
    };
    return {
      name: entry.program.name,
      pid: entry.pid,
      logFile: entry.program.logFile,
      exited,
      running: () => entry.ended === null,
      signal,
      kill: async () => {
        signal('SIGKILL');
        await exited;
      },
      stop: async (graceMs = 5_000) => {
        signal('SIGTERM');
        const timer = setTimeout(() => signal('SIGKILL'), graceMs);
        await exited;
        clearTimeout(timer);
      },
    };
  }

  #send(request: GuardRequest): void {
    this.#guard.stdin?.write(`${JSON.stringify(request)}\n`);
  }

  #onEvent(event: GuardEvent): void {
    const entry = this.#entries.get(event.id);
    if (entry === undefined) return;
    switch (event.event) {
      case 'started':
        entry.pid = event.pid;
        entry.onStarted();
        return;
      case 'failed':
        entry.onFailed(event.message);
        this.#entries.delete(event.id);
        return;
      case 'line':
        entry.program.onLine?.(event.line);
        return;
      case 'exited':
        this.#end(event.id, entry, { code: event.code, signal: event.signal });
        return;
    }
  }

  /** The guard never ends before its children, unless someone killed it: then this side cleans up. */
  #onGuardEnd(): void {
    for (const [id, entry] of this.#entries) {
      try {
        if (entry.pid > 0) process.kill(-entry.pid, 'SIGKILL');
      } catch {
        // The group is gone already.
      }
      entry.onFailed('the guard process has ended');
      this.#end(id, entry, { code: null, signal: 'SIGKILL' });
    }
  }

  #end(id: number, entry: Entry, exit: Exit): void {
    entry.ended = exit;
    this.#entries.delete(id);
    entry.onExit(exit);
  }
}

function definedOnly(env: NodeJS.ProcessEnv): { [name: string]: string } {
  const defined: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) defined[name] = value;
  return defined;
}

/** An error for a program that ended while it was waited for, with the end of its log. */
export function endedEarly(program: RunningProgram, exit: Exit): Error {
  const how = exit.signal ?? `code ${String(exit.code)}`;
  return new Error(
    `${program.name} ended (${how}) before it was ready.\n${logTail(program.logFile)}`,
  );
}
