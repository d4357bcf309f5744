/**
 * Goal: every command that a page names exists, with every option that the page gives it.
 * Method: the words after `miroir` in code spans and shell blocks of all pages are walked through the registered
 * commands. What the commands do is tried elsewhere.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { registerCommands } from '../../cli/commands';

const root = join(__dirname, '..', '..');
const pages = [
  'README.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md') && !name.startsWith('decisions'))
    .map((name) => join('docs', name)),
];

const program = new Command('miroir');
for (const register of registerCommands) register(program);

/** `miroir …` in code spans, and at the beginning of lines and after pipes and `;` in shell blocks. */
function commandsOf(page: string): string[] {
  const text = readFileSync(join(root, page), 'utf8');
  const blocks = [...text.matchAll(/```sh\n([^]*?)```/g)].map(([, block = '']) => block);
  const prose = text.replace(/```[^]*?```/g, '');
  const spans = [...prose.matchAll(/`(miroir [^`]+)`/g)].map(([, span = '']) => span);
  const lines = blocks
    .flatMap((block) => block.replace(/\\\n\s*/g, ' ').split(/\n|;|\||&&/))
    .map((line) => line.replace(/\s+#.*$/, '').trim())
    .filter((line) => line.startsWith('miroir '));
  return [...spans.map((span) => span.replace(/\n/g, ' ')), ...lines];
}

/** Null: it exists. A span may stop before a subcommand, as in "see `miroir ops`". */
function problemOf(command: string): string | null {
  const words = command.split(/\s+/).slice(1);
  let at: Command = program;
  for (const word of words) {
    if (word === '--help' || word === '--version') continue;
    if (word.startsWith('--')) {
      const name = word.replace(/=.*$/, '').replace(/[^a-z-]+$/, '');
      const known = at.options.some(
        ({ long, negate }) => long === name || (negate && long === name),
      );
      if (!known) return `${at.name()} has no ${name}`;
      continue;
    }
    const next = at.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next !== undefined) at = next;
    else if (
      at.commands.length > 0 &&
      /^[a-z-]+$/.test(word) &&
      at.registeredArguments.length === 0
    ) {
      return `${at.name()} has no ${word}`;
    }
  }
  return null;
}

test('pages name commands at all', () => {
  expect(pages.flatMap(commandsOf).length).toBeGreaterThan(150);
});

test('a command or an option that does not exist is seen', () => {
  expect(problemOf('miroir rollover fly logs')).toBe('rollover has no fly');
  expect(problemOf('miroir rollover run logs --fast')).toBe('run has no --fast');
  expect(problemOf('miroir rollover run logs --dry-run')).toBeNull();
});

const lookedUp = ['README', 'failures', 'exactness'];
const operating = pages.filter(
  (page) => /operating.\w/.test(page) && !lookedUp.some((name) => page.endsWith(`${name}.md`)),
);

test.each(operating)('%s has the parts that every page of operating has', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const parts = ['When.', 'Dry run.', 'Command.', 'Watch.', 'Go back.'];
  expect(parts.filter((part) => !text.includes(`**${part}**`))).toEqual([]);
});

test.each(pages)('%s', (page) => {
  const problems = commandsOf(page).flatMap((command) => {
    const problem = problemOf(command);
    return problem === null ? [] : [`${command}: ${problem}`];
  });
  expect(problems).toEqual([]);
});
