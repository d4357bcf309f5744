/**
 * Goal: an export sends each index once, by the first pattern that matches it, and what an alias means.
 * Method: a small catalogue and the choices of a client.
 */
import { chooseExported } from '../../../core/export/choose';
import type { ExportChoice } from '../../../core/export/types';
import { indexUid, physicalUid } from '../../../core/ids';

const index = (name: string) => ({ uid: indexUid(name), physicalUid: physicalUid(`${name}-1`) });
const fleet = {
  indexes: ['logs-2', 'logs-1', 'films'].map(index),
  aliases: [
    { name: indexUid('now'), targets: [indexUid('logs-2')] },
    { name: indexUid('all'), targets: [indexUid('logs-1'), indexUid('logs-2')] },
  ],
};
const choice = (pattern: string): ExportChoice => ({
  ...{ pattern, filter: null, overrideSettings: false },
});

function chosen(...patterns: string[]): string[] | string {
  const found = chooseExported(fleet, patterns.map(choice));
  if (!found.ok) return found.reason;
  return found.targets.map(
    ({ uid, physicalUid: physical, pattern }) => `${uid} ${physical} ${pattern}`,
  );
}

test('`*` means every index and no alias, in the order of names', () => {
  expect(chosen('*')).toEqual(['films films-1 *', 'logs-1 logs-1-1 *', 'logs-2 logs-2-1 *']);
});

test('the first pattern in the order of bytes counts', () => {
  expect(chosen('logs-1', 'logs-*')).toEqual(['logs-1 logs-1-1 logs-*', 'logs-2 logs-2-1 logs-*']);
  expect(chosen('films', 'nothing')).toEqual(['films films-1 films']);
});

test('an alias by its whole name sends its index under that name', () => {
  expect(chosen('now')).toEqual(['now logs-2-1 now']);
  expect(chosen('no*')).toEqual([]);
});

test('an alias with several targets is refused, with their names', () => {
  expect(chosen('all')).toMatch(/has 2 targets.*`logs-1`, `logs-2`/);
});
