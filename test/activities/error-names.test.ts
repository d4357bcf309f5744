/**
 * Goal: no operation ends with a name that an operator finds nowhere.
 * Method: the names with which activities and workflows end a run are looked up on the page of failure modes.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refuseTypes } from '../../activities/errors';

const root = join(__dirname, '..', '..');
const read = (...path: string[]): string => readFileSync(join(root, ...path), 'utf8');
const page = read('docs', 'operating', 'failures.md');

/** Rows of the table, each with what to do. */
const told = new Set(
  [...page.matchAll(/^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \|$/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name),
  ),
);

function namesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...read(folder, name).matchAll(/\b(?:refuse|fatal)\(\s*'([a-z-]+)'/g)])
    .map(([, name = '']) => name);
}

test('names are found at all', () => {
  expect(namesIn('activities').length).toBeGreaterThan(30);
  expect(namesIn('workflows').length).toBeGreaterThan(15);
});

test.each([...new Set([...refuseTypes, ...namesIn('activities'), ...namesIn('workflows')])])(
  '%s',
  (name) => expect([...told]).toContain(name),
);
