/**
 * Goal: the reference page and the table say the same, in both directions.
 * Method: read the page; compare it with the table by name, then byte for byte.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationReference } from '../../config/reference';
import { otherVariables, paths, table } from '../../config/table';

const page = readFileSync(join(__dirname, '../../docs/reference/configuration.md'), 'utf8');
const known = [...paths.map((path) => table[path].env), ...Object.keys(otherVariables)];
const documented = [...page.matchAll(/^\|(?: `[a-zA-Z0-9.]+` +\|)? `([A-Z0-9_]+)`/gm)].map(
  (hit) => hit[1],
);

test('every variable is documented', () => {
  expect(known.filter((name) => !documented.includes(name))).toEqual([]);
});

test('every documented variable exists', () => {
  expect(documented.length).toBeGreaterThan(30);
  expect(documented.filter((name) => name === undefined || !known.includes(name))).toEqual([]);
});

test('no two settings share a variable', () => {
  expect(new Set(known).size).toBe(known.length);
});

test('the page is the one that the table makes', () => {
  expect(page).toBe(configurationReference());
});
