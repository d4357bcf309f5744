import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect } from '../connect';
import { etaText } from '../operations';
import type { Operation } from '../operations';
import { count, runChange, whole, withRun } from '../run-operation';
import type { RunFlags } from '../run-operation';
import { createScreen } from '../ui';

interface ReshardStatus {
  readonly index: string;
  readonly shards: number;
  readonly operation: Operation | null;
}

const pathOf = (index: string): string => `/_miroir/indexes/${encodeURIComponent(index)}`;

/** `miroir reshard`, `replication`, `repair`: where and how often the copies of an index are. */
export function registerIndexPlacement(program: Command): void {
  withRun(
    program
      .command('reshard <index> [shards]')
      .description(
        'Give an index another number of shards, online; without one, show what it has.',
      ),
  ).action((index: string, shards: string | undefined, flags: RunFlags) => {
    if (shards === undefined) return status(index, flags);
    return runChange(flags, (api, options) =>
      api.post(`${pathOf(index)}/reshard`, { ...options, shards: count(shards) }),
    );
  });

  withRun(
    program
      .command('replication <copies>')
      .description('Set how many copies of each shard a group has.'),
  )
    .option('--index <index>', 'only of this index')
    .action((copies: string, flags: RunFlags & { index?: string }) =>
      runChange(flags, (api, options) =>
        api.post(
          flags.index === undefined ? '/_miroir/replication' : `${pathOf(flags.index)}/replication`,
          { ...options, replicationFactor: count(copies) },
        ),
      ),
    );

  withRun(
    program
      .command('repair <index>')
      .description('Fill the stale copies of an index or of one shard again.'),
  )
    .option('--shard <n>', 'only this shard', whole)
    .option('--node <id>', 'only on this node')
    .action((index: string, flags: RunFlags & { shard?: number; node?: string }) =>
      runChange(flags, (api, options) =>
        api.post(`${pathOf(index)}/repair`, {
          ...options,
          ...(flags.shard === undefined ? {} : { shard: flags.shard }),
          ...(flags.node === undefined ? {} : { node: flags.node }),
        }),
      ),
    );
}

async function status(index: string, flags: ConnectFlags): Promise<void> {
  const view = await connect(flags).get<ReshardStatus>(`${pathOf(index)}/reshard/status`);
  if (flags.json) return console.log(JSON.stringify(view));
  const screen = createScreen(process.stdout);
  screen.line(`${view.index}: ${view.shards} shards`);
  const { operation } = view;
  if (operation === null) return;
  screen.line(`${operation.id}: ${operation.status}, ${operation.phase}`);
  if (operation.eta) screen.line(etaText(operation.eta));
}
