import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { runOperation, withRun } from '../run-operation';
import type { RunFlags } from '../run-operation';
import { createScreen } from '../ui';
import { registerNodeUpgrade } from './upgrade';

interface Topology {
  readonly epoch: number;
  readonly nodes: readonly {
    readonly id: string;
    readonly url: string;
    readonly group: number;
    readonly intent: string;
    readonly resting?: boolean;
    readonly health: { readonly state: string };
    readonly replicas: Readonly<Record<string, number>>;
  }[];
}

/** `miroir nodes`: the fleet's nodes, and the operations on them. */
export function registerNodes(program: Command): void {
  const nodes = program
    .command('nodes')
    .description('List nodes; add, drain, repair, remove, upgrade them.');

  withConnection(nodes.command('list').description('Each node with what it holds.')).action(list);

  withRun(nodes.command('add <id> <url>').description('Take a running node into the fleet.'))
    .option('--group <n>', 'replica group', group, 0)
    .option('--zone <zone>', 'copies of a shard are spread over zones')
    .option('--weight <n>', 'relative capacity', Number, 1)
    .action(
      (
        id: string,
        url: string,
        flags: RunFlags & { group: number; zone?: string; weight: number },
      ) => {
        const { zone, weight } = flags;
        const node = {
          id,
          url,
          group: flags.group,
          weight,
          ...(zone === undefined ? {} : { zone }),
        };
        return runOperation(flags, (api, options) =>
          api.post('/_miroir/nodes', { ...node, ...options }),
        );
      },
    );

  for (const [verb, about] of [
    ['drain', 'Move everything off a node; it stays in the fleet.'],
    ['repair', 'Fill the stale copies of a node again.'],
  ] as const) {
    withRun(nodes.command(`${verb} <id>`).description(about)).action(
      (id: string, flags: RunFlags) =>
        runOperation(flags, (api, options) => api.post(`/_miroir/nodes/${id}/${verb}`, options)),
    );
  }

  withRun(nodes.command('remove <id>').description('Drain a node, then take it out of the fleet.'))
    .option('--lost', 'the node is dead: forget its copies instead of moving them')
    .action((id: string, flags: RunFlags & { lost?: true }) =>
      runOperation(flags, (api, options) =>
        api.delete(`/_miroir/nodes/${id}`, { ...options, lost: flags.lost === true }),
      ),
    );

  withRun(
    nodes.command('rebalance').description('Spread the shards evenly over the nodes.'),
  ).action((flags: RunFlags) =>
    runOperation(flags, (api, options) => api.post('/_miroir/rebalance', options)),
  );

  registerNodeUpgrade(nodes);
}

async function list(flags: ConnectFlags): Promise<void> {
  const topology = await connect(flags).get<Topology>('/_miroir/topology');
  if (flags.json) return console.log(JSON.stringify(topology.nodes));
  createScreen(process.stdout).table(
    ['node', 'group', 'health', 'intent', 'in-sync', 'other', 'url'],
    topology.nodes.map((node) => [
      node.id,
      node.group,
      node.health.state,
      node.resting ? 'resting' : node.intent,
      node.replicas['in-sync'] ?? 0,
      Object.entries(node.replicas).reduce(
        (sum, [state, n]) => sum + (state === 'in-sync' ? 0 : n),
        0,
      ),
      node.url,
    ]),
  );
}

function group(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number of 0 or more.');
}
