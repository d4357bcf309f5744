import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError, exitCodes } from '../exit-codes';
import { createScreen } from '../ui';

interface Plan {
  readonly epoch: number;
  readonly kind: string;
  readonly indexes: readonly {
    readonly index: string;
    readonly group: number | null;
    readonly why: readonly string[];
    readonly approximate: readonly { readonly reason: string; readonly why: string }[];
    readonly nodes: readonly {
      readonly node: string;
      readonly shards: readonly number[];
      readonly filtered: boolean;
    }[];
  }[];
}

interface ExplainFlags extends ConnectFlags {
  readonly body?: string;
  readonly execute?: true;
}

/** `miroir explain`: whom a search asks, and why. */
export function registerExplain(program: Command): void {
  withConnection(
    program
      .command('explain <index> [query]')
      .description('Show which nodes a search asks for which shards, and why.'),
  )
    .option('--body <json>', 'the whole search body instead of a query')
    .option('--execute', 'also run it')
    .action(async (index: string, query: string | undefined, flags: ExplainFlags) => {
      const body = flags.body === undefined ? { q: query ?? '' } : parseBody(flags.body);
      const path = `/indexes/${encodeURIComponent(index)}/explain${flags.execute ? '?execute=true' : ''}`;
      const plan = await connect(flags).post<Plan>(path, body);
      if (flags.json || flags.execute) return console.log(JSON.stringify(plan, null, 2));
      print(plan);
    });
}

function print(plan: Plan): void {
  const screen = createScreen(process.stdout);
  screen.line(`${plan.kind} search at epoch ${plan.epoch}`);
  for (const index of plan.indexes) {
    screen.line(`${index.index}, group ${index.group ?? 'none'}`);
    screen.table(
      ['node', 'filtered', 'shards'],
      index.nodes.map((node) => [node.node, node.filtered ? 'yes' : 'no', node.shards.join(',')]),
    );
    for (const why of index.why) screen.line(`  ${why}`);
    if (index.approximate.length > 0) screen.line('  What can differ from one Meilisearch:');
    for (const { reason, why } of index.approximate) screen.line(`    ${reason}: ${why}`);
  }
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandError('--body is not JSON.', exitCodes.usage);
  }
}
