import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { createScreen } from '../ui';

interface Alias {
  readonly name: string;
  readonly targets: readonly string[];
  readonly history: readonly { readonly at: string; readonly targets: readonly string[] }[];
}

interface ChangeFlags extends ConnectFlags {
  readonly why: string;
  readonly allowMissing?: true;
}

const path = (name: string): string => `/_miroir/aliases/${encodeURIComponent(name)}`;
const origin = (why: string) => ({ who: process.env['USER'] ?? 'operator', why });

/** `miroir alias`: names that clients use for changing indexes. */
export function registerAlias(program: Command): void {
  const alias = program.command('alias').description('Aliases: list, set, roll back, delete.');

  withConnection(alias.command('list').description('All aliases with their targets.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: Alias[] }>('/_miroir/aliases');
      if (flags.json) return console.log(JSON.stringify(results));
      createScreen(process.stdout).table(
        ['alias', 'targets', 'flips'],
        results.map(({ name, targets, history }) => [name, targets.join(', '), history.length]),
      );
    },
  );

  withConnection(
    alias.command('show <name>').description('Its targets, and those it had before.'),
  ).action(async (name: string, flags: ConnectFlags) => {
    print(await connect(flags).get<Alias>(path(name)), flags);
  });

  withChange(
    alias
      .command('set <name> <targets...>')
      .description('Create it or flip it; with several targets it can only be read.'),
  )
    .option('--allow-missing', 'a target need not exist yet')
    .action(async (name: string, targets: string[], flags: ChangeFlags) => {
      const one = await connect(flags).put<Alias>(path(name), {
        targets,
        requireTargetExists: flags.allowMissing !== true,
        ...origin(flags.why),
      });
      print(one, flags);
    });

  withChange(alias.command('rollback <name>').description('Flip to the targets before.')).action(
    async (name: string, flags: ChangeFlags) => {
      print(await connect(flags).post<Alias>(`${path(name)}/rollback`, origin(flags.why)), flags);
    },
  );

  withChange(alias.command('delete <name>').description('The indexes behind it stay.')).action(
    async (name: string, flags: ChangeFlags) => {
      await connect(flags).delete(path(name), origin(flags.why));
      if (!flags.json) console.log(`${name} is deleted.`);
    },
  );
}

const withChange = (command: Command): Command =>
  withConnection(command).option('--why <reason>', 'stands in the topology log', '');

function print(alias: Alias, flags: ConnectFlags): void {
  if (flags.json) return console.log(JSON.stringify(alias));
  const screen = createScreen(process.stdout);
  screen.line(`${alias.name} -> ${alias.targets.join(', ')}`);
  if (alias.history.length === 0) return;
  screen.table(
    ['until', 'targets before'],
    [...alias.history].reverse().map(({ at, targets }) => [at, targets.join(', ')]),
  );
}
