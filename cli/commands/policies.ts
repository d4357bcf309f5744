import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError, exitCodes } from '../exit-codes';
import { createScreen } from '../ui';

interface Kind {
  readonly command: string;
  readonly path: string;
  readonly about: string;
  readonly header: readonly string[];
  readonly row: (record: Record) => (string | number)[];
}

type Record = { readonly [member: string]: unknown };

const kinds: readonly Kind[] = [
  {
    command: 'rollover',
    path: '/_miroir/rollover-policies',
    about: 'Rollover policies: list, set from a file, run now, pause, delete.',
    header: ['policy', 'version', 'enabled', 'write alias', 'read alias', 'pattern'],
    row: (policy) =>
      ['name', 'version', 'enabled', 'writeAlias', 'readAlias', 'pattern'].map((name) =>
        text(policy[name]),
      ),
  },
  {
    command: 'canary',
    path: '/_miroir/canaries',
    about: 'Canaries: list with their last run, set from a file, run now, delete.',
    header: ['canary', 'index', 'enabled', 'last run', 'failures'],
    row: (canary) => {
      const run = canary['lastRun'] as Record | null | undefined;
      const colour =
        run === null || run === undefined ? 'never' : run['ok'] === true ? 'green' : 'red';
      return [
        text(canary['id']),
        text(canary['index']),
        text(canary['enabled']),
        colour,
        text(run?.['failures'] ?? ''),
      ];
    },
  },
];

/** `miroir rollover` and `miroir canary`: records with a schedule, told by files. */
export function registerPolicies(program: Command): void {
  for (const kind of kinds) registerKind(program, kind);
}

function registerKind(program: Command, kind: Kind): void {
  const command = program.command(kind.command).description(kind.about);
  const one = (name: string): string => `${kind.path}/${encodeURIComponent(name)}`;

  withConnection(command.command('list')).action(async (flags: ConnectFlags) => {
    const { results } = await connect(flags).get<{ results: Record[] }>(kind.path);
    if (flags.json) return console.log(JSON.stringify(results));
    createScreen(process.stdout).table(kind.header, results.map(kind.row));
  });

  withConnection(
    command.command('set <name> <file>').description('Create or replace; the file is JSON.'),
  ).action(async (name: string, file: string, flags: ConnectFlags) => {
    const record = await connect(flags).put(one(name), readJson(file));
    console.log(flags.json ? JSON.stringify(record) : `${name} is set.`);
  });

  withConnection(command.command('run <name>').description('Run it now, beside its schedule.'))
    .option('--dry-run', 'only say what would be done (rollover)')
    .action(async (name: string, flags: ConnectFlags & { dryRun?: true }) => {
      const body = flags.dryRun ? { dryRun: true } : {};
      const answer = await connect(flags).post<{ operation: string }>(`${one(name)}/run`, body);
      console.log(
        flags.json ? JSON.stringify(answer) : `Running: miroir ops watch ${answer.operation}`,
      );
    });

  withConnection(command.command('delete <name>')).action(
    async (name: string, flags: ConnectFlags) => {
      await connect(flags).delete(one(name));
      console.log(`${name} is deleted.`);
    },
  );
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`${file} is not readable as JSON: ${reason}`, exitCodes.usage);
  }
}

function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  return Array.isArray(value) ? value.join('; ') : String(value as string | number | boolean);
}
