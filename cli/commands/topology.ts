import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { createScreen } from '../ui';
import { count } from './ops';
import type { TopologyAt } from '../topology';

interface LogEntry {
  readonly epoch: number;
  readonly at: string;
  readonly who: string;
  readonly why: string;
  readonly what: string;
  readonly ops: readonly string[];
}

interface Difference {
  readonly from: number;
  readonly to: number;
  readonly records: readonly {
    readonly kind: string;
    readonly name: string;
    readonly change: string;
    readonly members: readonly { member: string; from: unknown; to: unknown }[];
  }[];
  readonly replicas: readonly {
    readonly index: string;
    readonly group: number;
    readonly shard: number;
    readonly node: string;
    readonly from: string | null;
    readonly to: string | null;
  }[];
}

/** `miroir topology`: who changed the fleet, what it was, and what differs between two epochs. */
export function registerTopology(program: Command): void {
  const topology = program
    .command('topology')
    .description('Who changed the fleet; what it was at an epoch; what two epochs differ by.');

  withConnection(topology.command('log').description('Changes of the fleet, newest first.'))
    .option('--limit <n>', 'how many', count, 50)
    .option('--who <name>', 'only changes by this name')
    .option('--contains <text>', 'only changes that name this node, index or alias')
    .option('--steps', 'each step of each change')
    .action(log);

  withConnection(
    topology.command('show [epoch]').description('The fleet now, or at an earlier epoch.'),
  ).action(async (epoch: string | undefined, flags: ConnectFlags) => {
    const query = epoch === undefined ? '' : `?epoch=${encodeURIComponent(epoch)}`;
    const state = await connect(flags).get<TopologyAt>(`/_miroir/topology${query}`);
    if (flags.json) return console.log(JSON.stringify(state));
    show(state);
  });

  withConnection(
    topology.command('diff <from> [to]').description('What differs; to the present by default.'),
  ).action(async (from: string, to: string | undefined, flags: ConnectFlags) => {
    const query = new URLSearchParams({ from, ...(to === undefined ? {} : { to }) });
    const difference = await connect(flags).get<Difference>(
      `/_miroir/topology/diff?${query.toString()}`,
    );
    if (flags.json) return console.log(JSON.stringify(difference));
    for (const line of differenceLines(difference)) console.log(line);
  });
}

interface LogFlags extends ConnectFlags {
  readonly limit: number;
  readonly who?: string;
  readonly contains?: string;
  readonly steps?: true;
}

async function log(flags: LogFlags): Promise<void> {
  const { limit, who, contains } = flags;
  const query = new URLSearchParams({
    limit: String(limit),
    ...(who === undefined ? {} : { who }),
    ...(contains === undefined ? {} : { contains }),
  });
  const { results } = await connect(flags).get<{ results: LogEntry[] }>(
    `/_miroir/topology/log?${query.toString()}`,
  );
  if (flags.json) return console.log(JSON.stringify(results));
  for (const { epoch, at, who: by, what, why, ops } of results) {
    console.log([epoch, at, by, what, ...(why === '' ? [] : [`(${why})`])].join('  '));
    if (flags.steps) for (const step of ops) console.log(`    ${step}`);
  }
}

function show({ epoch, nodes, indexes, aliases }: TopologyAt): void {
  const screen = createScreen(process.stdout);
  screen.line(`epoch ${epoch}`);
  screen.table(
    ['node', 'group', 'zone', 'weight', 'intent', 'in-sync'],
    nodes.map((node) => [
      ...[node.id, node.group, node.zone ?? '', node.weight, node.intent],
      node.replicas['in-sync'] ?? 0,
    ]),
  );
  screen.line();
  screen.table(
    ['index', 'on the nodes', 'shards', 'copies', 'settings'],
    indexes.map((index) => [
      ...[index.uid, index.physicalUid, index.shardCount, index.replicationFactor],
      index.settingsVersion,
    ]),
  );
  for (const { name, targets } of aliases) screen.line(`  ${name} -> ${targets.join(', ')}`);
}

/** One line for each difference, so that they can be counted and filtered by line tools. */
export function differenceLines({ records, replicas }: Difference): string[] {
  return [
    ...records.flatMap(({ kind, name, change, members }) =>
      change === 'changed'
        ? members.map(
            ({ member, from, to }) =>
              `${kind} ${name} ${member}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`,
          )
        : [`${kind} ${name} ${change}`],
    ),
    ...replicas.map(
      ({ index, group, shard, node, from, to }) =>
        `replica ${index} ${group}/${shard} ${node}: ${from ?? 'none'} -> ${to ?? 'none'}`,
    ),
  ];
}
