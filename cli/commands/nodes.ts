import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { positive, runChange, whole, withRun } from '../run-operation';
import type { RunFlags, StartedRun } from '../run-operation';
import { CommandError } from '../exit-codes';
import { shownRun, watchOperation } from '../operations';
import { createScreen } from '../ui';
import { registerNodeUpgrade } from './upgrade';
import type { Topology } from '../topology';

/** `miroir nodes`: the fleet's nodes, and the operations on them. */
export function registerNodes(program: Command): void {
  const nodes = program
    .command('nodes')
    .description('List nodes; add, drain, replace, repair, remove, upgrade; weights, zones.');

  withConnection(nodes.command('list').description('Each node with what it holds.')).action(list);

  withRun(nodes.command('add <id> <url>').description('Take a running node into the fleet.'))
    .option('--group <n>', 'replica group', whole, 0)
    .option('--zone <zone>', 'copies of a shard are spread over zones')
    .option('--weight <n>', 'relative capacity', positive, 1)
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
        return runChange(flags, (api, options) =>
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
        runChange(flags, (api, options) => api.post(`${pathOf(id)}/${verb}`, options)),
    );
  }

  withConnection(
    nodes.command('rebuild <id>').description('Take a node back that lost or changed its disk.'),
  )
    .option('--accept-loss', 'also where it had last copies, or has the disk of another')
    .option('--wait', 'follow it to its end')
    .option('--why <reason>', 'stands in the topology log', '')
    .action(rebuild);

  withRun(nodes.command('remove <id>').description('Drain a node, then take it out of the fleet.'))
    .option('--lost', 'the node is dead: forget its copies instead of moving them')
    .action((id: string, flags: RunFlags & { lost?: true }) =>
      runChange(flags, (api, options) =>
        api.delete(pathOf(id), { ...options, lost: flags.lost === true }),
      ),
    );

  withRun(nodes.command('rebalance').description('Spread the shards evenly over the nodes.'))
    .option('--group <n>', 'only this group', whole)
    .action((flags: RunFlags & { group?: number }) =>
      runChange(flags, (api, options) =>
        api.post('/_miroir/rebalance', {
          ...options,
          ...(flags.group === undefined ? {} : { group: flags.group }),
        }),
      ),
    );

  registerPlace(nodes);
  registerNodeUpgrade(nodes);
}

const pathOf = (id: string): string => `/_miroir/nodes/${encodeURIComponent(id)}`;

/** What a node is to the placement: how much it takes, where it stands, who stands in for it. */
function registerPlace(nodes: Command): void {
  withRun(
    nodes.command('weight <id> <weight>').description('Set the relative capacity of a node.'),
  ).action((id: string, weight: string, flags: RunFlags) =>
    runChange(flags, (api, options) =>
      api.patch(pathOf(id), { ...options, weight: positive(weight) }),
    ),
  );

  withRun(
    nodes
      .command('zone <id> [zone]')
      .description('Set the zone of a node; without a zone it is of none.'),
  ).action((id: string, zone: string | undefined, flags: RunFlags) =>
    runChange(flags, (api, options) => api.patch(pathOf(id), { ...options, zone: zone ?? null })),
  );

  withRun(
    nodes
      .command('replace <old> <id> <url>')
      .description('Have a new node take over every copy of an old one, which leaves the fleet.'),
  )
    .option('--zone <zone>', 'another zone than that of the old node')
    .option('--weight <n>', 'another weight than that of the old node', positive)
    .option('--lost', 'the old node is dead: make its copies from the others')
    .action(
      (
        old: string,
        id: string,
        url: string,
        flags: RunFlags & { zone?: string; weight?: number; lost?: true },
      ) => {
        const { zone, weight, lost } = flags;
        const node = {
          ...{ id, url, lost: lost === true },
          ...(zone === undefined ? {} : { zone }),
          ...(weight === undefined ? {} : { weight }),
        };
        return runChange(flags, (api, options) =>
          api.post(`${pathOf(old)}/replace`, { ...node, ...options }),
        );
      },
    );
}

async function list(flags: ConnectFlags): Promise<void> {
  const topology = await connect(flags).get<Topology>('/_miroir/topology');
  if (flags.json) return console.log(JSON.stringify(topology.nodes));
  createScreen(process.stdout).table(
    ['node', 'group', 'zone', 'weight', 'health', 'intent', 'in-sync', 'other', 'url'],
    topology.nodes.map((node) => [
      node.id,
      node.group,
      node.zone ?? '',
      node.weight,
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

/** It waits for no approval: the node serves nothing, and what would be lost must be accepted here. */
async function rebuild(id: string, flags: RunFlags & { acceptLoss?: true }): Promise<void> {
  const api = connect(flags);
  const after = await shownRun(api, `rebuild/${id}`);
  const { operation } = await api.post<StartedRun>(`${pathOf(id)}/rebuild`, {
    ...{ who: process.env['USER'] ?? 'operator', why: flags.why ?? '' },
    acceptLoss: flags.acceptLoss === true,
  });
  if (!flags.wait) {
    const hint = `Running: miroir ops watch ${operation}`;
    return console.log(flags.json ? JSON.stringify({ operation }) : hint);
  }
  const { status } = await watchOperation(api, operation, createScreen(process.stdout), { after });
  if (status !== 'succeeded') throw new CommandError(`${operation} ended as ${status}.`);
}
