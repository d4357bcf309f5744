/**
 * Goal: filters are understood as the engine understands them, so that hidden fields are refused,
 * `!=` is rewritten, ids are found and nothing is joined as text.
 * Method: examples of each form of the language, the filters of the recordings, and random trees that
 * are printed and parsed again.
 */
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JsonValue } from '../../../core/fleet';
import { filterFields, joinFilters, normalizeClientFilter } from '../../../core/filter/normalize';
import { parseFilter } from '../../../core/filter/parser';
import { pinnedIds } from '../../../core/filter/pinned';
import { printFilter } from '../../../core/filter/print';
import type { FilterAst } from '../../../core/filter/types';

const parsed = (text: string): FilterAst | null => {
  const result = parseFilter(text);
  if (!result.ok) throw new Error(`no filter: ${text}`);
  return result.ast;
};
const printed = (text: string): string => {
  const ast = parsed(text);
  return ast === null ? '' : printFilter(ast);
};
const rewritten = (filter: JsonValue): readonly unknown[] => {
  const result = normalizeClientFilter(filter);
  if (!result.ok) throw new Error('no filter');
  return result.parts;
};
const ids = (text: string): string[] | null => pinnedIds(parsed(text), 'id');

describe('parsing', () => {
  it.each([
    ['genre = drama', '"genre" = "drama"'],
    ['genre=drama', '"genre" = "drama"'],
    [`'a b' >= "1 \\" 2"`, '"a b" >= "1 \\" 2"'],
    ['tags IN [a, "b c", d,]', '"tags" IN ["a", "b c", "d"]'],
    ['tags IN[]', '"tags" IN []'],
    ['tags NOT IN [a]', 'NOT ("tags" IN ["a"])'],
    ['year 2000 TO 2010', '"year" "2000" TO "2010"'],
    ['a EXISTS', '"a" EXISTS'],
    ['a NOT EXISTS', 'NOT ("a" EXISTS)'],
    ['a IS NOT NULL', 'NOT ("a" IS NULL)'],
    ['a IS EMPTY', '"a" IS EMPTY'],
    ['a CONTAINS b', '"a" CONTAINS "b"'],
    ['a NOT STARTS WITH "b"', 'NOT ("a" STARTS WITH "b")'],
    ['a = 1 AND b = 2 OR NOT c = 3', '(("a" = "1") AND ("b" = "2")) OR (NOT ("c" = "3"))'],
    ['NOT NOT a = 1', 'NOT (NOT ("a" = "1"))'],
    ['(a = 1 OR b = 2) AND c = 3', '(("a" = "1") OR ("b" = "2")) AND ("c" = "3")'],
    ['_geoRadius(45, 10, 20)', '_geoRadius(45, 10, 20)'],
    ['_geoBoundingBox([1,2],[3,4]) AND a=1', '(_geoBoundingBox([1,2],[3,4])) AND ("a" = "1")'],
    ['_vectors."my embedder".userProvided EXISTS', '_vectors."my embedder".userProvided EXISTS'],
    ['   ', ''],
    ['ünïcode = 名前', '"ünïcode" = "名前"'],
  ])('%s', (text, wanted) => {
    expect(printed(text)).toBe(wanted);
  });

  it.each([
    ...['genre =', '= a', 'a', 'a b', 'AND = 1', 'a = OR', '(a = 1', 'a = 1)', 'a IN b', 'a IN [b'],
    ...[
      `a = "b`,
      'a = b c = d',
      'a IS',
      'a = 1 AND',
      'a = 🦀',
      `${'('.repeat(100)}a = 1${')'.repeat(100)}`,
    ],
  ])('leaves it to a node to refuse %s', (text) => {
    expect(parseFilter(text)).toEqual({ ok: false, reason: 'syntax' });
  });

  it('resolves escapes, so that a hidden name cannot be disguised', () => {
    const disguised = String.raw`"\x5fmiroir_bucket" = a OR '\u{5f}miroir_slot' = b`;
    expect(filterFields(parsed(disguised))).toEqual(['_miroir_bucket', '_miroir_slot']);
  });

  it('understands every filter of the recordings that the engine accepted', () => {
    const lines = readFileSync(join(__dirname, '../../recordings/api.ndjson'), 'utf8')
      .trim()
      .split('\n');
    const filters = lines
      .map(
        (line) =>
          JSON.parse(line) as { request: { body?: JsonValue }; response: { status: number } },
      )
      .filter(({ response }) => response.status === 200)
      .map(({ request }) => (request.body as { filter?: JsonValue } | null)?.filter)
      .filter((filter) => filter !== undefined && filter !== null);
    expect(filters.length).toBeGreaterThan(10);
    for (const filter of filters) expect(normalizeClientFilter(filter).ok).toBe(true);
  });

  it('reads back what it prints', () => {
    const word = fc.oneof(
      fc.stringMatching(/^[a-z_][a-z0-9_.-]{0,6}$/),
      fc.string({ maxLength: 6 }),
    );
    const token = word.map((text) => ({ text: text.replace(/[\\\n]/g, ''), start: 0, end: 0 }));
    const condition = fc.oneof(
      fc.record({ op: fc.constantFrom('=', '!=', '<', '>=' as const), value: token }),
      fc.record({ op: fc.constant('IN' as const), values: fc.array(token, { maxLength: 3 }) }),
      fc.record({ op: fc.constant('TO' as const), from: token, to: token }),
      fc.record({ op: fc.constantFrom('EXISTS', 'NULL', 'EMPTY' as const) }),
      fc.record({ op: fc.constantFrom('CONTAINS', 'STARTS WITH' as const), value: token }),
    );
    const { tree } = fc.letrec<{ tree: FilterAst }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc
          .record({ field: token, condition })
          .map((one) => ({ kind: 'condition', start: 0, end: 0, ...one }) as FilterAst),
        tie('tree').map((part) => ({ kind: 'not', part }) as FilterAst),
        fc
          .record({
            kind: fc.constantFrom('and', 'or' as const),
            parts: fc.array(tie('tree'), { minLength: 2, maxLength: 3 }),
          })
          .map((one) => one as FilterAst),
      ),
    }));
    const seed = 20261124;
    fc.assert(
      fc.property(tree, (ast) => {
        expect(printed(printFilter(ast))).toBe(printFilter(ast));
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe('rewriting', () => {
  it('turns != into NOT =, in place, and leaves all other bytes', () => {
    expect(rewritten(`a   !=  "x y" AND (b!=1 OR NOT c != 2)`)).toEqual([
      `NOT a = "x y" AND (NOT b = 1 OR NOT NOT c = 2)`,
    ]);
    expect(rewritten('a = "!=" AND b  =  1')).toEqual(['a = "!=" AND b  =  1']);
    expect(rewritten([['a != 1', 'b = 2'], 'c != 3'])).toEqual([
      ['NOT a = 1', 'b = 2'],
      'NOT c = 3',
    ]);
  });

  it.each([null, '', [], [[]], ['', []]])('%j filters nothing', (filter) => {
    expect(rewritten(filter as JsonValue)).toEqual([]);
  });

  it.each([12, true, [1], [['a = 1', 2]], [[['a = 1']]], ['a ='], { a: 1 }])(
    'what is no filter is left to a node: %j',
    (filter) => {
      expect(normalizeClientFilter(filter as JsonValue)).toEqual({ ok: false, reason: 'syntax' });
    },
  );
});

describe('joining', () => {
  it('flattens one level and never makes an AND an OR', () => {
    expect(joinFilters('ours', null, ['genre = a', 'year > 1'])).toEqual([
      'ours',
      'genre = a',
      'year > 1',
    ]);
    expect(joinFilters('ours', ['t = 1'], [['a = 1', 'a = 2']])).toEqual([
      'ours',
      't = 1',
      ['a = 1', 'a = 2'],
    ]);
  });

  it('keeps each text an element, so that none gets out of its parentheses', () => {
    expect(joinFilters('ours', 'tenant = 1', 'a = 1) OR (b = 2')).toEqual([
      'ours',
      'tenant = 1',
      'a = 1) OR (b = 2',
    ]);
  });

  it('is null when nothing is filtered, and a text alone stays a text', () => {
    expect(joinFilters(null, null, [])).toBeNull();
    expect(joinFilters(null, '', ['a = 1'])).toBe('a = 1');
  });
});

describe('pinned ids', () => {
  it.each([
    ['id = 7', ['7']],
    ['id IN [1, 2, 2]', ['1', '2']],
    ['genre = a AND id = 7', ['7']],
    ['id IN [1, 2] AND id IN [2, 3]', ['2']],
    ['id = 1 OR id = 2', ['1', '2']],
    ['id = 2020-01-02', ['2020-01-02']],
  ])('%s pins', (text, wanted) => {
    expect(ids(text)).toEqual(wanted);
  });

  it.each([
    ...['genre = a', 'NOT id = 7', 'id != 7', 'id > 7', 'id = 7 OR genre = a', 'id NOT IN [1]'],
    // Other ids match these too: case is ignored and numbers are compared by value.
    ...['id = abc', 'id = 01', 'id = 1.0', 'id = "1 "', 'id = 9007199254740993'],
  ])('%s does not pin', (text) => {
    expect(ids(text)).toBeNull();
  });
});
