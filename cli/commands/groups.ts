import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError, exitCodes } from '../exit-codes';
import { positive, runChange, whole, withRun } from '../run-operation';
import type { RunFlags } from '../run-operation';
import { createScreen } from '../ui';

interface Groups {
  readonly results: readonly {
    readonly group: number;
    readonly nodes: readonly string[];
    readonly indexes: readonly string[];
  }[];
}

/** `miroir groups`: replica groups, each of which holds a copy of everything. */
export function registerGroups(program: Command): void {
  const groups = program.command('groups').description('List replica groups; add, remove them.');

  withConnection(groups.command('list').description('Each group with its nodes.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<Groups>('/_miroir/groups');
      if (flags.json) return console.log(JSON.stringify(results));
      createScreen(process.stdout).table(
        ['group', 'nodes', 'indexes'],
        results.map(({ group, nodes, indexes }) => [group, nodes.join(','), indexes.length]),
      );
    },
  );

  withRun(
    groups
      .command('add <node...>')
      .description('Take running nodes into the fleet as a group of their own, each `id=url`.'),
  )
    .option('--group <n>', 'its number; the next free one by default', whole)
    .option('--zone <zone>', 'the zone of all its nodes')
    .option('--weight <n>', 'the weight of all its nodes', positive)
    .action(
      (
        texts: readonly string[],
        flags: RunFlags & { group?: number; zone?: string; weight?: number },
      ) => {
        const { group, zone, weight } = flags;
        const shared = {
          ...(zone === undefined ? {} : { zone }),
          ...(weight === undefined ? {} : { weight }),
        };
        const nodes = texts.map((text) => ({ ...nodeOf(text), ...shared }));
        return runChange(flags, (api, options) =>
          api.post('/_miroir/groups', {
            ...{ nodes, ...options },
            ...(group === undefined ? {} : { group }),
          }),
        );
      },
    );

  withRun(
    groups
      .command('remove <group>')
      .description('Drop the copies of a group and take its nodes out of the fleet.'),
  )
    .option('--lost', 'its nodes are dead: forget their copies instead of deleting them')
    .action((group: string, flags: RunFlags & { lost?: true }) =>
      runChange(flags, (api, options) =>
        api.delete(`/_miroir/groups/${encodeURIComponent(group)}`, {
          ...options,
          lost: flags.lost === true,
        }),
      ),
    );
}

function nodeOf(text: string): { id: string; url: string } {
  const at = text.indexOf('=');
  if (at > 0) return { id: text.slice(0, at), url: text.slice(at + 1) };
  throw new CommandError(`\`${text}\` is not of the form id=url.`, exitCodes.usage);
}
