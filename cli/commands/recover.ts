import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { createScreen } from '../ui';

interface Plan {
  readonly present: number;
  readonly seen: number;
  readonly from: number | null;
  readonly source: string | null;
  readonly to: number;
  readonly missing: number;
  readonly needed: boolean;
  readonly nodes: readonly string[];
  readonly indexes: readonly string[];
  readonly aliases: readonly string[];
}

interface Flags extends ConnectFlags {
  readonly dryRun?: true;
  readonly acceptMissing?: true;
  readonly why?: string;
}

/** `miroir recover`: the state of the fleet from the nodes, after Redis lost it. */
export function registerRecover(program: Command): void {
  withConnection(
    program
      .command('recover')
      .description('Make the state of the fleet again from its nodes, after Redis lost it.'),
  )
    .option('--dry-run', 'say what would be restored and change nothing')
    .option('--accept-missing', 'give up changes that were seen and are nowhere any more')
    .option('--why <reason>', 'stands in the topology log', '')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const api = connect(flags);
  const plan = flags.dryRun
    ? await api.get<Plan>('/_miroir/recovery')
    : await api.post<Plan>('/_miroir/recovery', {
        who: process.env['USER'] ?? 'operator',
        why: flags.why ?? '',
        acceptMissing: flags.acceptMissing === true,
      });
  if (flags.json) return console.log(JSON.stringify(plan));
  createScreen(process.stdout).table(
    ['', ''],
    [
      ['epoch in redis', plan.present],
      ['highest epoch seen', plan.seen],
      ['state restored', plan.from === null ? 'none' : `${plan.from} (${plan.source ?? ''})`],
      ['changes missing', plan.missing],
      ['new epoch', plan.needed ? plan.to : 'none: nothing is lost'],
      ['nodes', plan.nodes.join(' ')],
      ['indexes', plan.indexes.join(' ')],
      ['aliases', plan.aliases.join(' ')],
    ],
  );
}
