import type { Command } from 'commander';
import type { RunFlags } from '../run-operation';
import { runOperation, withRun } from '../run-operation';

interface UpgradeFlags extends RunFlags {
  readonly to?: string;
  readonly restart: string;
  readonly acceptUnavailable?: true;
}

/** `miroir nodes upgrade`: one node after another. */
export function registerNodeUpgrade(nodes: Command): void {
  withRun(
    nodes
      .command('upgrade [ids...]')
      .description('Restart nodes one by one, each in step again before the next; all by default.'),
  )
    .option('--to <version>', 'what each node must run afterwards; those that do are left out')
    .option('--restart <who>', '`operator`: you, then `proceed`; `command`: the worker', 'operator')
    .option('--accept-unavailable', 'also where a node has the only copy of shards')
    .action((ids: string[], flags: UpgradeFlags) => {
      const { to, restart, acceptUnavailable } = flags;
      return runOperation(flags, (api, options) =>
        api.post('/_miroir/upgrade', {
          ...options,
          ...(ids.length === 0 ? {} : { nodes: ids }),
          ...(to === undefined ? {} : { version: to }),
          ...{ restart, acceptUnavailable: acceptUnavailable === true },
        }),
      );
    });
}
