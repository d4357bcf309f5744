import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { dockerCommand } from './docker';
import { findExecutable, isExecutable } from './find-executable';
import { freePort } from './free-port';
import { cacheDirectory } from './paths';
import { pings } from './redis';
import { temporalAnswers } from './temporal-answers';
import type { Wheel } from './wheels';
import { temporalWheel, valkeyWheel } from './wheels';

const run = promisify(execFile);

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, or what to do. */
  readonly text: string;
  /** Miroir can start without it. */
  readonly optional: boolean;
}

type Env = NodeJS.ProcessEnv;

/** Looks for everything that `miroir dev` can use; starts nothing but `--version` calls. */
export async function diagnose(env: Env): Promise<Check[]> {
  const wheels = await wheelSupport(env);
  return Promise.all([
    nodeVersion(),
    Promise.resolve(wheels.python),
    Promise.resolve(wheels.pip),
    redis(env, wheels.pip.ok),
    temporal(env, wheels.pip.ok),
    meilisearch(env),
    docker(env),
    ports(env),
    ...(given(env['MIROIR_API']) === null ? [] : [api(env)]),
  ]);
}

function nodeVersion(): Check {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > 20 || (major === 20 && minor >= 19);
  const text = ok ? process.versions.node : `${process.versions.node}; install Node 20.19 or newer`;
  return { name: 'node', ok, text, optional: false };
}

async function wheelSupport(env: Env): Promise<{ python: Check; pip: Check }> {
  const command = findExecutable(['python3', 'python'], env);
  const optional = true;
  const missing = (name: string, text: string): Check => ({ name, ok: false, text, optional });
  const why = 'needed only to download Redis and Temporal by themselves';
  if (command === null) {
    return {
      python: missing('python', `not on PATH; ${why}`),
      pip: missing('pip', `comes with Python; ${why}`),
    };
  }
  const python: Check = { name: 'python', ok: true, text: command, optional };
  try {
    const { stdout } = await run(command, ['-m', 'pip', '--version'], { env, timeout: 20_000 });
    return {
      python,
      pip: { name: 'pip', ok: true, text: stdout.split(' from ')[0] ?? '', optional },
    };
  } catch {
    const text = `${command} -m ensurepip installs it; ${why}`;
    return { python, pip: missing('pip', text) };
  }
}

async function redis(env: Env, pip: boolean): Promise<Check> {
  const name = 'redis';
  const url = given(env['REDIS_URL']);
  if (url !== null) {
    const at = URL.canParse(url) ? new URL(url) : null;
    const ok = at !== null && (await pings(Number(at.port === '' ? 6379 : at.port), at.hostname));
    const where = at === null ? 'REDIS_URL is no url' : `REDIS_URL (${at.host})`;
    const text = ok
      ? `${where} answers`
      : `${where} does not answer PING; start it or unset REDIS_URL`;
    return { name, ok, text, optional: false };
  }
  const found = findExecutable(['valkey-server', 'redis-server'], env);
  if (found !== null) return { name, ok: true, text: found, optional: false };
  return orWheel(name, valkeyWheel, {
    env,
    pip,
    advice: 'install Valkey or Redis, or Python with pip, or Docker, or set REDIS_URL',
  });
}

async function temporal(env: Env, pip: boolean): Promise<Check> {
  const name = 'temporal';
  const address = given(env['TEMPORAL_ADDRESS']);
  if (address !== null) {
    const ok = await temporalAnswers(address, given(env['MIROIR_TEMPORAL_NAMESPACE']) ?? 'default');
    const text = ok
      ? `TEMPORAL_ADDRESS (${address}) answers`
      : `TEMPORAL_ADDRESS (${address}) does not answer, or has not the namespace`;
    return { name, ok, text, optional: false };
  }
  const found = findExecutable(['temporal'], env);
  if (found !== null) return { name, ok: true, text: found, optional: false };
  return orWheel(name, temporalWheel, {
    env,
    pip,
    advice:
      'install the Temporal CLI (https://docs.temporal.io/cli), or Python with pip, or set TEMPORAL_ADDRESS',
  });
}

async function orWheel(
  name: string,
  wheel: Wheel,
  { env, pip, advice }: { env: Env; pip: boolean; advice: string },
): Promise<Check> {
  const exact = `${wheel.package} ${wheel.version}`;
  const cached = join(cacheDirectory(env), `${wheel.package}-${wheel.version}`);
  if (existsSync(cached)) {
    return { name, ok: true, text: `PyPI wheel ${exact}, downloaded`, optional: false };
  }
  if (pip) {
    return { name, ok: true, text: `PyPI wheel ${exact}, on the first start`, optional: false };
  }
  const ok = (await dockerCommand(env)) !== null;
  return { name, ok, text: ok ? 'by Docker' : advice, optional: false };
}

async function meilisearch(env: Env): Promise<Check> {
  const name = 'meilisearch';
  const optional = true;
  const urls = given(env['MIROIR_NODES']);
  if (urls !== null) return { name, ok: true, text: `MIROIR_NODES (${urls})`, optional };
  const named = given(env['MEILISEARCH_BIN']);
  if (named !== null && !isExecutable(named)) {
    const text = `MEILISEARCH_BIN names ${named}, which cannot be run`;
    return { name, ok: false, text, optional: false };
  }
  const found = named ?? findExecutable(['meilisearch'], env);
  if (found !== null) {
    const { stdout } = await run(found, ['--version'], { timeout: 10_000 });
    return { name, ok: true, text: `${stdout.trim()} (${found})`, optional };
  }
  if ((await dockerCommand(env)) !== null) return { name, ok: true, text: 'by Docker', optional };
  const text =
    'not found; the embedded node is used. Install it (https://www.meilisearch.com/docs) or set MEILISEARCH_BIN';
  return { name, ok: false, text, optional };
}

async function docker(env: Env): Promise<Check> {
  const command = await dockerCommand(env);
  const text = command ?? 'no daemon answers; only needed where nothing else is found';
  return { name: 'docker', ok: command !== null, text, optional: true };
}

async function ports(env: Env): Promise<Check> {
  const wanted = Number(given(env['MIROIR_API_PORT']) ?? 7700);
  const free = (await freePort(wanted)) === wanted;
  const text = free
    ? `${String(wanted)} is free`
    : `${String(wanted)} is taken; set MIROIR_API_PORT for miroir api (miroir dev takes a free one)`;
  return { name: 'port', ok: free, text, optional: true };
}

async function api(env: Env): Promise<Check> {
  const url = given(env['MIROIR_API']) ?? '';
  const check = (ok: boolean, text: string): Check => ({ name: 'api', ok, text, optional: false });
  try {
    const answer = await fetch(`${url}/_miroir/ready`, {
      headers: { authorization: `Bearer ${env['MIROIR_ADMIN_KEY'] ?? ''}` },
      signal: AbortSignal.timeout(5_000),
    });
    const text = (await answer.text()).slice(0, 200);
    if (answer.status === 200) return check(true, `${url} is ready`);
    return check(false, `${url} is not ready: ${String(answer.status)} ${text}`);
  } catch {
    return check(false, `${url} (MIROIR_API) does not answer`);
  }
}

function given(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}
