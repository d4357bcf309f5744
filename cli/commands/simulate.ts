import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { builtEntry } from '../../local/paths';
import { findTemporalTestServer } from '../../local/temporal-test-server';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError, exitCodes } from '../exit-codes';
import { count, positive, whole } from '../run-operation';
import type { SimulationReport } from '../simulation';
import { absence, printSimulation, runningFleet } from '../simulation';
import { createScreen } from '../ui';

interface SimulateFlags extends ConnectFlags {
  readonly nodes?: number;
  readonly groups: number;
  readonly rf: number;
  readonly indexShards: number;
  readonly documents: number;
  readonly documentBytes: number;
  readonly copyRate: number;
  readonly readRate: number;
  readonly deleteRate: number;
  readonly writeRate: number;
  readonly taskMs: number;
  readonly barrierMs: number;
  readonly documentsPerSecond?: number;
  readonly parallelSyncs: number;
  readonly graceMs: number;
  readonly away: readonly ReturnType<typeof absence>[];
  readonly slow: Readonly<Record<string, number>>;
  readonly timeline?: true;
  /** Of a new node. */
  readonly group: number;
  readonly weight: number;
  readonly zone?: string;
}

type Fleet = { indexes: readonly { uid: string; physicalUid: string }[]; nodes: readonly Node[] };
interface Node {
  readonly id: string;
  readonly group: number;
  readonly zone: string | null;
  readonly weight: number;
}

/** From the words of the command and the fleet, the change that an operation would make. */
type ChangeOf = (words: readonly string[], flags: SimulateFlags, fleet: Fleet) => object;

const changes: Readonly<Record<string, { about: string; change: ChangeOf }>> = {
  rebalance: {
    about: 'Spread the shards evenly.',
    change: () => ({ kind: 'rebalance', group: null }),
  },
  'add-node <id>': {
    about: 'Take a node into the fleet.',
    change: ([id], flags) => ({ kind: 'add-node', node: newNode(id, flags, flags.group) }),
  },
  'drain-node <id>': {
    about: 'Move everything off a node.',
    change: ([id]) => ({ kind: 'drain-node', node: id, lost: false }),
  },
  'remove-node <id>': {
    about: 'Drain a node and take it out of the fleet.',
    change: ([id]) => ({ kind: 'remove-node', node: id, lost: false }),
  },
  'set-node <id>': {
    about: 'Another weight or zone of a node.',
    change: ([id = ''], { weight, zone }, fleet) => {
      const present = fleet.nodes.find((node) => node.id === id);
      return { kind: 'set-node', node: id, weight, zone: zone ?? present?.zone ?? null };
    },
  },
  'replace-node <old> <id>': {
    about: 'A new node takes over every copy of an old one.',
    change: ([old = '', id], flags, fleet) => {
      const group = fleet.nodes.find((node) => node.id === old)?.group ?? 0;
      return { kind: 'replace-node', old, node: newNode(id, flags, group), lost: false };
    },
  },
  'add-group <group> <ids...>': {
    about: 'A group of nodes that holds a copy of everything.',
    change: ([group = '', ...ids], flags) => {
      const number = whole(group);
      const nodes = ids.map((id) => newNode(id, flags, number));
      return { kind: 'add-group', group: number, nodes };
    },
  },
  'remove-group <group>': {
    about: 'Drop a group.',
    change: ([group = '']) => ({ kind: 'remove-group', group: whole(group), lost: false }),
  },
  'replication <copies>': {
    about: 'Another number of copies of every index.',
    change: ([copies = ''], _flags, fleet) => ({
      kind: 'set-replication',
      factors: fleet.indexes.map(({ uid: index, physicalUid }) => ({
        ...{ index, physicalUid, replicationFactor: count(copies) },
      })),
    }),
  },
  'reshard <index> <shards>': {
    about: 'Another number of shards of an index.',
    change: ([index = '', shards = ''], _flags, fleet) => {
      const entry = fleet.indexes.find(({ uid }) => uid === index);
      if (entry === undefined) throw usage(`There is no index ${index} in the fleet.`);
      return {
        ...{ kind: 'reshard', index, physicalUid: entry.physicalUid, shardCount: count(shards) },
      };
    },
  },
};

/** `miroir simulate`: how an operation would go, without touching the fleet. */
export function registerSimulate(program: Command): void {
  const simulate = program
    .command('simulate')
    .description('Run the workflow of an operation against a model of the fleet; touches nothing.');
  for (const [words, { about, change }] of Object.entries(changes)) {
    withModel(withConnection(simulate.command(words).description(about))).action(
      async (...given: unknown[]) => {
        // The words, as the command has them; then the flags, then the command.
        const args = given.slice(0, -2).flat() as string[];
        await run(args, given.at(-2) as SimulateFlags, change);
      },
    );
  }
}

const collect = <T>(read: (text: string) => T) => {
  return (text: string, before: readonly T[]): readonly T[] => [...before, read(text)];
};

function slowNode(text: string, before: Readonly<Record<string, number>>): Record<string, number> {
  const [node = '', factor = ''] = text.split('=');
  return { ...before, [node]: positive(factor) };
}

function withModel(command: Command): Command {
  return command
    .option(
      '--nodes <n>',
      'invent a fleet of so many nodes a group, instead of the running one',
      count,
    )
    .option('--groups <n>', 'groups of the invented fleet', count, 1)
    .option('--rf <n>', 'copies in each group of the invented fleet', count, 2)
    .option('--index-shards <n>', 'shards of its one index', count, 64)
    .option('--documents <n>', 'documents of its one index', whole, 1_000_000)
    .option('--document-bytes <n>', 'bytes of each', whole, 1_000)
    .option('--group <n>', 'group of a new node', whole, 0)
    .option('--weight <n>', 'weight of the node', positive, 1)
    .option('--zone <zone>', 'zone of the node')
    .option('--copy-rate <n>', 'documents a second that a node takes in', count, 3_500)
    .option('--read-rate <n>', 'documents a second that a node gives out', count, 20_000)
    .option('--delete-rate <n>', 'documents a second that a node deletes', count, 20_000)
    .option('--write-rate <n>', 'writes of clients a second, over the fleet', whole, 50)
    .option('--task-ms <n>', 'what a small task takes on a node', count, 1_500)
    .option(
      '--barrier-ms <n>',
      'until every pod knows an epoch, with its longest request',
      whole,
      12_000,
    )
    .option('--documents-per-second <n>', 'throttle of the copies', count)
    .option('--parallel-syncs <n>', 'pairs of nodes that copy at once', count, 4)
    .option('--grace-ms <n>', 'how long `reverse` stays possible', whole, 300_000)
    .option(
      '--away <node=from-to>',
      'a node that does not answer, in seconds; repeatable',
      collect(absence),
      [],
    )
    .option('--slow <node=factor>', 'a node at this part of the rates; repeatable', slowNode, {})
    .option('--timeline', 'print every phase of every run');
}

const newNode = (id: string | undefined, { weight, zone }: SimulateFlags, group: number) => ({
  ...{ id, url: `http://${id ?? ''}.invalid`, group, weight, zone: zone ?? null },
});

const usage = (message: string): CommandError => new CommandError(message, exitCodes.usage);

async function run(
  words: readonly string[],
  flags: SimulateFlags,
  changeOf: ChangeOf,
): Promise<void> {
  const fleet = flags.nodes === undefined ? await runningFleet(connect(flags)) : null;
  const known = (fleet as { fleet: Fleet } | null)?.fleet ?? inventedNames(flags);
  const request = {
    ...(fleet === null ? { invented: inventedOf(flags) } : { running: fleet }),
    change: changeOf(words, flags, known),
    rates: {
      copyPerSecond: flags.copyRate,
      readPerSecond: flags.readRate,
      deletePerSecond: flags.deleteRate,
      writesPerSecond: flags.writeRate,
      taskMs: flags.taskMs,
      barrierMs: flags.barrierMs,
    },
    options: {
      parallelSyncs: flags.parallelSyncs,
      graceMs: flags.graceMs,
      documentsPerSecond: flags.documentsPerSecond ?? null,
      smallRoundIds: 200,
    },
    ...{ away: flags.away, slow: flags.slow, testServer: await findTemporalTestServer() },
  };
  const report = await simulated(request);
  if (flags.json) console.log(JSON.stringify(report));
  else printSimulation(createScreen(process.stdout), report, flags.timeline === true);
  if (report.outcome === 'failed') {
    throw new CommandError(`${report.operation} would fail: ${report.error ?? 'no reason'}`);
  }
}

const inventedOf = (flags: SimulateFlags): object => ({
  ...{ nodes: flags.nodes, groups: flags.groups, replicationFactor: flags.rf },
  ...{ shards: flags.indexShards, documents: flags.documents, bytesEach: flags.documentBytes },
});

/** The names that the invented fleet has; see `worker/simulate/invent.ts`. */
function inventedNames({ nodes = 0, groups }: SimulateFlags): Fleet {
  return {
    nodes: Array.from({ length: nodes * groups }, (_, at) => ({
      ...{ id: `meili-${at}`, group: Math.floor(at / nodes), zone: null, weight: 1 },
    })),
    indexes: [{ uid: 'documents', physicalUid: 'documents-1' }],
  };
}

/** In a process of its own: the worker's code is no part of the command line. */
async function simulated(request: object): Promise<SimulationReport> {
  const entry = builtEntry('worker/simulate/main.js');
  const child = spawn(process.execPath, ['--enable-source-maps', entry], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.stdin.end(JSON.stringify(request));
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if ((await ended) === 0) return JSON.parse(out) as SimulationReport;
  throw new CommandError(`The simulation could not be run: ${errors.trim()}`);
}
