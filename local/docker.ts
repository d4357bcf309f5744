import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findExecutable } from './find-executable';

const run = promisify(execFile);

/** The images used when Docker is the way; the same versions as the programs that were tested. */
export const images = {
  redis: 'valkey/valkey:9.1',
  temporal: 'temporalio/temporal:1.9.1',
  meilisearch: 'getmeili/meilisearch:v1.50.0',
} as const;

let answer: Promise<string | null> | undefined;

/** Path of the docker command when a daemon answers it; `null` when none does. Asked once. */
export function dockerCommand(env: NodeJS.ProcessEnv = process.env): Promise<string | null> {
  answer ??= ask(env);
  return answer;
}

async function ask(env: NodeJS.ProcessEnv): Promise<string | null> {
  const docker = findExecutable(['docker'], env);
  if (docker === null) return null;
  try {
    await run(docker, ['version', '--format', '{{.Server.Version}}'], { env, timeout: 5_000 });
    return docker;
  } catch {
    return null;
  }
}

export interface Container {
  readonly image: string;
  /** Host port of 127.0.0.1 → port inside. */
  readonly ports: readonly (readonly [number, number])[];
  /** Host folder → folder inside. */
  readonly volumes?: readonly (readonly [string, string])[];
  /** Names of variables that docker takes from its own environment, so that no key shows in `ps`. */
  readonly env?: readonly string[];
  readonly args: readonly string[];
}

/**
 * Arguments of `docker run` in the foreground: it forwards the guard's SIGTERM, and `--rm` with an
 * init inside leaves nothing behind.
 */
export function dockerRunArgs(container: Container): string[] {
  return [
    'run',
    '--rm',
    '--init',
    ...container.ports.flatMap(([host, inside]) => [
      '--publish',
      `127.0.0.1:${String(host)}:${String(inside)}`,
    ]),
    ...(container.volumes ?? []).flatMap(([host, inside]) => ['--volume', `${host}:${inside}`]),
    ...(container.env ?? []).flatMap((name) => ['--env', name]),
    container.image,
    ...container.args,
  ];
}
