import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from './engines';
import { freePort } from './free-port';
import { withRetries } from './part';
import type { PartContext } from './part';
import type { RunningProgram } from './supervisor';
import { until } from './until';

export interface NodeProcessOptions {
  readonly id: string;
  readonly group: number;
  readonly masterKey: string;
  /** Tried first; another one is taken when it is busy. */
  readonly port: number;
}

/** A node that runs as a process of ours. It keeps its port and its data through a restart. */
export interface NodeProcess {
  readonly id: string;
  readonly group: number;
  readonly port: number;
  readonly url: string;
  program(): RunningProgram;
  /** Resolves when the node answers again; it must have ended before. */
  restart(): Promise<void>;
}

export async function startNodeProcess(
  context: PartContext,
  engine: Engine,
  options: NodeProcessOptions,
): Promise<NodeProcess> {
  const { port, program } = await withRetries(async (attempt) => {
    const chosen = await freePort(attempt === 1 ? options.port : 0);
    return { port: chosen, program: await launch(context, engine, { ...options, port: chosen }) };
  });
  let current = program;
  return {
    id: options.id,
    group: options.group,
    port,
    url: urlOf(port),
    program: () => current,
    restart: async () => {
      if (current.running()) throw new Error(`${options.id} still runs.`);
      current = await launch(context, engine, { ...options, port });
    },
  };
}

async function launch(
  context: PartContext,
  engine: Engine,
  { id, port, masterKey }: NodeProcessOptions,
): Promise<RunningProgram> {
  const dataDirectory = join(context.directory, 'nodes', id);
  mkdirSync(dataDirectory, { recursive: true });
  const program = await context.supervisor.start({
    name: id,
    ...engine.launch({ port, dataDirectory, masterKey }),
    cwd: dataDirectory,
    logFile: join(context.directory, 'logs', `${id}.log`),
  });
  try {
    await until(() => healthy(urlOf(port)), { what: id, deadlineMs: 60_000, programs: [program] });
  } catch (error) {
    await program.kill();
    throw error;
  }
  return program;
}

export async function healthy(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) });
  await answer.arrayBuffer();
  return answer.status === 200;
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${String(port)}`;
}
