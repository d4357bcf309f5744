import { join } from 'node:path';
import { table } from '../config/table';
import { foreignEnv } from './part';
import type { PartContext } from './part';
import { builtEntry } from './paths';
import type { RunningProgram } from './supervisor';
import { until } from './until';

/** How the vendor's client of the storage finds its credentials, and whom a program trusts. */
const isForClients = (name: string): boolean =>
  name.startsWith('AWS_') || name === 'NODE_EXTRA_CA_CERTS';

/** The variables of the configuration that the user has set, and what a program needs to run. */
export function settingsFrom(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = foreignEnv(env);
  for (const name of Object.keys(env).filter(isForClients)) kept[name] = env[name];
  const names = [...Object.values(table).map((setting) => setting.env), 'MIROIR_CONFIG'];
  for (const name of names) if (env[name] !== undefined) kept[name] = env[name];
  return kept;
}

/** Starts an api process and waits until it says that it is ready. */
export async function startApiProcess(
  context: PartContext,
  name: string,
  { settings, port, adminKey }: { settings: NodeJS.ProcessEnv; port: number; adminKey: string },
): Promise<RunningProgram> {
  const program = await startOwn(context, name, {
    entry: 'api/main.js',
    settings: { ...settings, MIROIR_API_HOST: '127.0.0.1', MIROIR_API_PORT: String(port) },
  });
  const url = `http://127.0.0.1:${String(port)}`;
  try {
    await until(() => ready(url, adminKey), {
      what: name,
      deadlineMs: 60_000,
      programs: [program],
    });
  } catch (error) {
    await program.kill();
    throw error;
  }
  return program;
}

export async function startOwn(
  context: PartContext,
  name: string,
  { entry, settings }: { entry: string; settings: NodeJS.ProcessEnv },
): Promise<RunningProgram> {
  return context.supervisor.start({
    name,
    command: process.execPath,
    args: ['--enable-source-maps', builtEntry(entry)],
    env: settings,
    cwd: context.directory,
    logFile: join(context.directory, 'logs', `${name}.log`),
  });
}

async function ready(url: string, adminKey: string): Promise<boolean> {
  const answer = await fetch(`${url}/_miroir/ready`, {
    headers: { authorization: `Bearer ${adminKey}` },
    signal: AbortSignal.timeout(5_000),
  });
  const text = await answer.text();
  if (answer.status === 200) return true;
  throw new Error(`${url}/_miroir/ready: ${String(answer.status)} ${text.slice(0, 300)}`);
}
