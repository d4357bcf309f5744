/**
 * Goal: the reference of the command line names every command, and none that does not exist.
 * Method: the registered commands and the table of docs/reference/cli.md are compared, both ways.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { registerCommands } from '../../cli/commands';

test('the table has one row for each command', () => {
  const program = new Command('miroir');
  for (const register of registerCommands) register(program);
  const page = readFileSync(join(__dirname, '..', '..', 'docs', 'reference', 'cli.md'), 'utf8');
  const rows = [...page.matchAll(/^\| `miroir ([a-z-]+)`/gm)].map(([, name]) => name);
  expect(rows.sort()).toEqual(program.commands.map((command) => command.name()).sort());
});
