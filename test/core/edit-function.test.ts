/**
 * Goal: a function that edits documents cannot reach the hidden fields.
 * Method: what stands around texts that try to; the engine itself runs them in
 * test/api/writes/edit-documents.test.ts, where one is at hand.
 */
import { unwrapEditError, wrapEditFunction } from '../../core/edit-function';

test('the text stands on lines of its own, unchanged, and a comment at its end hides nothing', () => {
  const lines = wrapEditFunction('doc.a = 1;\ndoc.b = 2 // both').split('\n');
  expect(lines.slice(1, 3)).toEqual(['doc.a = 1;', 'doc.b = 2 // both']);
  expect(lines).toHaveLength(4);
  expect(lines[3]).toMatch(/^\}; /);
});

test('names that the text contains are not used', () => {
  const text = 'miroir_kept_0 = #{}; miroir_edit_0 = 1; miroir_kept_1';
  const wrapped = wrapEditFunction(text).replace(text, '');
  expect(wrapped).toContain('let miroir_kept_2 = #{}');
  expect(wrapped).toContain('let miroir_edit_1 = || {');
  expect(wrapped).not.toContain('miroir_kept_0');
  expect(wrapped).not.toContain('miroir_edit_0');
});

test('places in errors are counted in the text of the client', () => {
  expect(unwrapEditError('Variable not found: x (line 2, position 5)')).toBe(
    'Variable not found: x (line 1, position 5)',
  );
});
