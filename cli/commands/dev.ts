import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { devTable } from '../../local/dev-line';
import { startFleet } from '../../local/fleet';
import type { FleetOptions, RunningFleet } from '../../local/fleet';
import { logTail } from '../../local/log-tail';
import { exitCodes } from '../exit-codes';

interface DevFlags {
  readonly json?: true;
  readonly nodes: number;
  readonly groups: number;
  readonly rf: number;
  readonly port?: number;
  readonly shards: number;
  readonly dataDir?: string;
  readonly engine: 'auto' | 'embedded';
}

export function registerDev(program: Command): void {
  program
    .command('dev')
    .description('Start a whole Miroir on this machine: nodes, Redis, Temporal, api, worker.')
    .option('--json', 'print one line of JSON when ready')
    .option('--nodes <n>', 'nodes to start', number(1, 64), 3)
    .option('--groups <n>', 'replica groups', number(1, 16), 1)
    .option('--rf <n>', 'copies of each shard within a group', number(1, 16), 1)
    .option('--port <port>', 'port of the api (a free one by default)', number(0, 65_535))
    .option('--shards <n>', 'shards of a new index, a power of two', number(1, 256), 8)
    .option('--data-dir <path>', 'keep data and keys there between runs')
    .option('--engine <engine>', 'auto, or embedded for the built-in node', engine, 'auto')
    .action((flags: DevFlags) => dev(flags));
}

/** Runs until a signal; resolves when everything has ended. */
async function dev(flags: DevFlags): Promise<void> {
  const interrupted = nextSignal();
  const starting = startFleet(fleetOptions(flags));
  const first = await Promise.race([starting, interrupted.then(() => null)]);
  // Interrupted while starting: what has come up by then must end, too.
  const fleet = first ?? (await starting.catch(() => null));
  if (first !== null) {
    announce(first, flags);
    await interrupted;
  }
  const again = nextSignal();
  const closing = fleet?.close() ?? Promise.resolve();
  // A second Ctrl-C does not wait: this process ends, and the guard ends the rest.
  await Promise.race([closing, again.then(() => process.exit(exitCodes.interrupted))]);
}

function announce(fleet: RunningFleet, flags: DevFlags): void {
  if (flags.json === true) console.log(JSON.stringify(fleet.line()));
  else console.log(`${devTable(fleet.line(), fleet.sources)}\n\nCtrl-C stops everything.`);
  fleet.onUnexpectedEnd((program) => {
    console.error(`${program.name} has ended by itself.\n${logTail(program.logFile)}`);
  });
}

function fleetOptions(flags: DevFlags): FleetOptions {
  return {
    nodes: flags.nodes,
    groups: flags.groups,
    replicationFactor: flags.rf,
    shards: flags.shards,
    engine: flags.engine,
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.dataDir === undefined ? {} : { dataDirectory: flags.dataDir }),
    onProgress: (line) => console.error(line),
  };
}

function nextSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => resolve(signal));
    }
  });
}

function number(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a number from ${String(min)} to ${String(max)}.`);
  };
}

function engine(text: string): 'auto' | 'embedded' {
  if (text === 'auto' || text === 'embedded') return text;
  throw new InvalidArgumentError('Expected auto or embedded.');
}
