import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { dockerCommand, dockerRunArgs, images } from './docker';
import { findExecutable, isExecutable } from './find-executable';
import { foreignEnv } from './part';
import { builtEntry } from './paths';

const run = promisify(execFile);

export interface NodeLaunch {
  readonly port: number;
  readonly dataDirectory: string;
  readonly masterKey: string;
}

/** A way to run a node as a process of ours. */
export interface Engine {
  /** For the dev line: `meilisearch 1.50.0` or `embedded`. */
  readonly name: string;
  /** For people: where it was found. */
  readonly source: string;
  readonly launch: (node: NodeLaunch) => {
    command: string;
    args: string[];
    env: NodeJS.ProcessEnv;
  };
}

export type EngineChoice = 'auto' | 'embedded';

/**
 * `MEILISEARCH_BIN`; `meilisearch` on PATH; Docker; else the embedded node. `choice` or
 * `MIROIR_ENGINE=embedded` takes the embedded node at once.
 */
export async function findEngine(env: NodeJS.ProcessEnv, choice: EngineChoice): Promise<Engine> {
  if (choice === 'embedded' || env['MIROIR_ENGINE'] === 'embedded') return embeddedEngine(env);
  const named = env['MEILISEARCH_BIN'];
  if (named !== undefined && named !== '') {
    if (!isExecutable(named))
      throw new Error(`MEILISEARCH_BIN names ${named}, which cannot be run.`);
    return binaryEngine(named, 'MEILISEARCH_BIN', env);
  }
  const onPath = findExecutable(['meilisearch'], env);
  if (onPath !== null) return binaryEngine(onPath, 'on PATH', env);
  const docker = await dockerCommand(env);
  return docker === null ? embeddedEngine(env) : dockerEngine(docker, env);
}

async function binaryEngine(
  command: string,
  where: string,
  env: NodeJS.ProcessEnv,
): Promise<Engine> {
  const { stdout } = await run(command, ['--version'], { timeout: 10_000 });
  return {
    name: stdout.trim(),
    source: `${command} (${where})`,
    launch: (node) => ({
      command,
      args: [
        ...['--http-addr', `127.0.0.1:${String(node.port)}`, '--db-path', node.dataDirectory],
        ...['--env', 'production', '--no-analytics', '--max-indexing-threads', '1'],
      ],
      env: { ...foreignEnv(env), MEILI_MASTER_KEY: node.masterKey },
    }),
  };
}

function dockerEngine(command: string, env: NodeJS.ProcessEnv): Engine {
  return {
    name: `meilisearch ${images.meilisearch.replace(/^.*:v/, '')}`,
    source: `Docker ${images.meilisearch}`,
    launch: (node) => ({
      command,
      args: dockerRunArgs({
        image: images.meilisearch,
        ports: [[node.port, 7700]],
        volumes: [[node.dataDirectory, '/meili_data']],
        env: ['MEILI_MASTER_KEY'],
        args: [
          ...['meilisearch', '--env', 'production', '--no-analytics'],
          ...['--max-indexing-threads', '1'],
        ],
      }),
      env: { ...foreignEnv(env), MEILI_MASTER_KEY: node.masterKey },
    }),
  };
}

function embeddedEngine(env: NodeJS.ProcessEnv): Engine {
  return {
    name: 'embedded',
    source: 'the embedded node (no replacement for Meilisearch: for demos and tests)',
    launch: (node) => ({
      command: process.execPath,
      args: [
        builtEntry('local/embedded-node/main.js'),
        ...['--port', String(node.port), '--master-key-env', 'MEILI_MASTER_KEY'],
        ...['--data-dir', node.dataDirectory],
      ],
      env: { ...foreignEnv(env), MEILI_MASTER_KEY: node.masterKey },
    }),
  };
}
