import type { RunningProgram, Supervisor } from './supervisor';

/** What every way of starting a part needs. */
export interface PartContext {
  readonly supervisor: Supervisor;
  /** Data and logs of the parts live below it. */
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
}

/** A part that was found or started. */
export interface Part {
  /** For people: which way was taken, as `valkey-server on PATH (/usr/bin/valkey-server)`. */
  readonly source: string;
  /** `null`: it was running already, so it is not ours to stop. */
  readonly program: RunningProgram | null;
}

/** A part for which no way worked: says each way that was tried and what to do. */
export class MissingPartError extends Error {
  readonly code = 'part_missing';

  constructor(part: string, tried: readonly string[], advice: string) {
    super(`${part} was not found.\n${tried.map((line) => `  - ${line}`).join('\n')}\n${advice}`);
    this.name = 'MissingPartError';
  }
}

/** The environment for a foreign program: enough to run, none of our keys. */
export function foreignEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {};
  for (const name of ['PATH', 'HOME', 'LANG', 'TMPDIR', 'TZ', 'DOCKER_HOST', 'DOCKER_CONTEXT']) {
    if (env[name] !== undefined) kept[name] = env[name];
  }
  return kept;
}

/**
 * A free port may be taken between choosing and listening, so a start is tried three times, each
 * time on other ports.
 */
export async function withRetries<T>(start: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(attempt);
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}
