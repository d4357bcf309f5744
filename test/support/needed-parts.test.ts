/**
 * Goal: a run of pure tests waits for no server, and a run that needs one gets it.
 * Method: ask for what test files of known kinds need.
 */
import { neededParts } from './needed-parts';

test('pure tests need nothing', () => {
  expect(neededParts(['test/config/'])).toEqual({ redis: false, temporal: false, built: false });
});

test('a file that imports a helper needs its part', () => {
  expect(neededParts(['support/parts\\.test'])).toEqual({
    redis: true,
    temporal: true,
    built: false,
  });
});

test('a part that is needed through another helper is found', () => {
  expect(neededParts(['test/local/dev\\.test'])).toMatchObject({ built: true });
});

test('what starts a fleet needs the program', () => {
  expect(neededParts(['test/model/http\\.test'])).toMatchObject({ built: true });
});

test('no pattern means all files', () => {
  expect(neededParts([])).toEqual({ redis: true, temporal: true, built: true });
});
