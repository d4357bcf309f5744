import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ApiClient } from '../client';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError } from '../exit-codes';
import { awaitPlan, isOver, planTable, watchOperation } from '../operations';
import { createScreen } from '../ui';
import { count } from './ops';

interface RunFlags extends ConnectFlags {
  readonly dryRun?: true;
  readonly yes?: true;
  readonly wait?: true;
  readonly why?: string;
  readonly documentsPerSecond?: number;
}

interface Topology {
  readonly epoch: number;
  readonly nodes: readonly {
    readonly id: string;
    readonly url: string;
    readonly group: number;
    readonly intent: string;
    readonly health: { readonly state: string };
    readonly replicas: Readonly<Record<string, number>>;
  }[];
}

/** `miroir nodes`: the fleet's nodes, and the operations on them. */
export function registerNodes(program: Command): void {
  const nodes = program
    .command('nodes')
    .description('List nodes; add, drain, repair, remove them.');

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
        return run(flags, (api, options) => api.post('/_miroir/nodes', { ...node, ...options }));
      },
    );

  for (const [verb, about] of [
    ['drain', 'Move everything off a node; it stays in the fleet.'],
    ['repair', 'Fill the stale copies of a node again.'],
  ] as const) {
    withRun(nodes.command(`${verb} <id>`).description(about)).action(
      (id: string, flags: RunFlags) =>
        run(flags, (api, options) => api.post(`/_miroir/nodes/${id}/${verb}`, options)),
    );
  }

  withRun(nodes.command('remove <id>').description('Drain a node, then take it out of the fleet.'))
    .option('--lost', 'the node is dead: forget its copies instead of moving them')
    .action((id: string, flags: RunFlags & { lost?: true }) =>
      run(flags, (api, options) =>
        api.delete(`/_miroir/nodes/${id}`, { ...options, lost: flags.lost === true }),
      ),
    );

  withRun(
    nodes.command('rebalance').description('Spread the shards evenly over the nodes.'),
  ).action((flags: RunFlags) =>
    run(flags, (api, options) => api.post('/_miroir/rebalance', options)),
  );
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
      node.intent,
      node.replicas['in-sync'] ?? 0,
      Object.entries(node.replicas).reduce(
        (sum, [state, n]) => sum + (state === 'in-sync' ? 0 : n),
        0,
      ),
      node.url,
    ]),
  );
}

function withRun(command: Command): Command {
  return withConnection(command)
    .option('--dry-run', 'print the plan and change nothing')
    .option('--yes', 'approve the plan without asking')
    .option('--wait', 'follow it to its end')
    .option('--why <reason>', 'stands in the topology log', '')
    .option('--documents-per-second <n>', 'throttle of the copies', count);
}

/**
 * Starts an operation. The plan is always made by the run itself: a dry run is the same run, cancelled
 * when it has shown its plan.
 */
async function run(
  flags: RunFlags,
  start: (api: ApiClient, options: object) => Promise<{ operation: string }>,
): Promise<void> {
  const api = connect(flags);
  const screen = createScreen(process.stdout);
  const { operation: id } = await start(api, {
    who: process.env['USER'] ?? 'operator',
    why: flags.why ?? '',
    ...(flags.documentsPerSecond === undefined
      ? {}
      : { documentsPerSecond: flags.documentsPerSecond }),
  });
  const planned = await awaitPlan(api, id);
  if (flags.json) console.log(JSON.stringify({ operation: id, plan: planned.plan ?? null }));
  else if (planned.plan) screen.line(planTable(planned.plan));
  if (isOver(planned)) return finish(id, planned.status);
  const path = `/_miroir/operations/${encodeURIComponent(id)}`;
  if (flags.dryRun) {
    await api.post(`${path}/cancel`, { why: 'dry run' });
    return;
  }
  if (!flags.yes) {
    screen.line(`Waiting for approval: miroir ops approve ${id}`);
    return;
  }
  await api.post(`${path}/approve`);
  if (flags.wait) finish(id, (await watchOperation(api, id, screen)).status);
  else screen.line(`Running: miroir ops watch ${id}`);
}

function finish(id: string, status: string): void {
  if (status !== 'succeeded') throw new CommandError(`${id} ended as ${status}.`);
}

function group(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number of 0 or more.');
}
