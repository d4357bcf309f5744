/**
 * Goal: filters select as Meilisearch's do, say its errors, and are quick in the forms that sharding
 * sends: hundreds of values in an IN, and ranges of strings.
 * Method: facet indexes built by hand, and one of 20,000 documents against a plain loop; the seed of
 * the random values is printed when the test fails.
 */
import { ApiError } from '../../../local/embedded-node/errors';
import {
  FacetIndex,
  compileFilter,
  parseFilter,
  refuseContains,
} from '../../../local/embedded-node/filter/compile';
import { fromPlain } from '../../../local/embedded-node/engine/json';
import type { Json, JsonObject } from '../../../local/embedded-node/engine/json';

function build(filterable: unknown[], documents: readonly unknown[]): FacetIndex {
  const index = new FacetIndex(fromPlain(filterable) as Json[]);
  documents.forEach((document, docid) => index.add(docid, fromPlain(document) as JsonObject));
  return index;
}

function select(index: FacetIndex, filter: unknown): number[] {
  const found = compileFilter(fromPlain(filter), index) ?? index.documents;
  return [...found].sort((left, right) => left - right);
}

function errorOf(index: FacetIndex, filter: unknown): string {
  try {
    compileFilter(fromPlain(filter), index);
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
  return 'no error';
}

const FILMS = [
  { id: 1, genre: 'Drama', year: 1999, tags: ['sea', 'noir'], meta: { a: { b: 1 } }, price: null },
  { id: 2, genre: ' drama ', year: '2004', tags: [], meta: {} },
  { id: 3, genre: 'été', year: 2010, tags: '', price: 3.5 },
  { id: 4, year: [1980, 2020], ok: true, genre: ['Guide', 'Drama'] },
];
const films = build(['genre', 'year', 'tags', 'meta', 'price', 'ok'], FILMS);

it.each([
  ['genre = drama', [0, 1, 3]],
  ['genre = "DRAMA"', [0, 1, 3]],
  ['genre != drama', [2]],
  ['NOT genre = drama', [2]],
  ["genre = 'e\u0301te\u0301'", [2]],
  ['year > 1999', [1, 2, 3]],
  ['year >= 1999 AND year < 2010', [0, 1, 3]],
  ['year 1999 TO 2004', [0, 1]],
  ['genre >= e AND genre <= guide', [2, 3]],
  ['year IN [1999, "2004",]', [0, 1]],
  ['year NOT IN [1999]', [1, 2, 3]],
  ['price EXISTS', [0, 2]],
  ['price NOT EXISTS', [1, 3]],
  ['price IS NULL', [0]],
  ['price IS NOT NULL', [1, 2, 3]],
  ['tags IS EMPTY', [1, 2]],
  ['meta IS EMPTY', [1]],
  ['meta.a.b = 1', [0]],
  ['ok = true', [3]],
  ['genre STARTS WITH "DR"', [0, 1, 3]],
  ['genre CONTAINS ram', [0, 1, 3]],
  ['(genre = guide OR year = 2010) AND NOT NOT year > 0', [2, 3]],
  ['unknown.thing = 1 OR genre = drama', null],
  [
    ['year > 1990', ['genre = guide', 'tags = sea']],
    [0, 3],
  ],
  [[['genre = guide', 'tags = sea']], [0, 3]],
  [[], [0, 1, 2, 3]],
  ['  ', [0, 1, 2, 3]],
])('%j selects %j', (filter, expected) => {
  if (expected === null) expect(errorOf(films, filter)).toContain('is not filterable');
  else expect(select(films, filter)).toEqual(expected);
});

it.each([
  ['genre =', 'Was expecting a value but instead got nothing.\n8:8 genre ='],
  ['genre = (x)', 'Was expecting a value but instead got nothing.\n9:9 genre = (x)'],
  [
    'genre = drama year = 1',
    'Found unexpected characters at the end of the filter: `year = 1`. You probably forgot an `OR` or an `AND` rule.\n15:23 genre = drama year = 1',
  ],
  [
    'genre = "x',
    'Expression `\\"x` is missing the following closing delimiter: `"`.\n9:11 genre = "x',
  ],
  ['genre IN drama', 'Expected `[` after `IN` keyword.\n10:15 genre IN drama'],
  [
    'genre = OR',
    'Was expecting a value but instead got `OR`, which is a reserved keyword. To use `OR` as a field name or a value, surround it by quotes.\n9:11 genre = OR',
  ],
  [
    'title = x',
    'Attribute `title` is not filterable. Available filterable attribute patterns are: `genre`, `meta`, `ok`, `price`, `tags`, `year`.\n2:7 "title" = "x"',
  ],
  [12, 'Invalid syntax for the filter parameter: `expected String, Array, found: 12`.'],
  [
    ['genre = drama', null],
    'Invalid syntax for the filter parameter: `expected String, [String], found: null`.',
  ],
  [
    '_geoRadius(1, 2)',
    'Was expecting 3 or 4 arguments for `_geoRadius`, but instead found 2.\n17:17 _geoRadius(1, 2)',
  ],
])('%j is refused', (filter, message) => {
  expect(errorOf(films, filter)).toBe(message);
});

it('obeys granular rules, the first that matches', () => {
  const rules = [
    {
      attributePatterns: ['_seq'],
      features: { facetSearch: false, filter: { equality: false, comparison: false } },
    },
    {
      attributePatterns: ['_b*'],
      features: { facetSearch: false, filter: { equality: true, comparison: false } },
    },
    '_slot',
  ];
  const index = build(rules, [{ _seq: 1, _bucket: '⊕⊖', _slot: 'aa' }]);
  expect(select(index, '_bucket IN ["⊕⊖"]')).toEqual([0]);
  expect(select(index, '_slot >= "aa" AND _slot < "ab"')).toEqual([0]);
  expect(errorOf(index, '_seq = 1')).toContain('Attribute `_seq` is not filterable.');
  expect(errorOf(index, '_bucket > a').split('\n').slice(0, 3)).toEqual([
    'Filter operator `>` is not allowed for the attribute `_bucket`.',
    '  - Note: allowed operators: OR, AND, NOT, =, !=, IN, IS EMPTY, IS NULL, EXISTS.',
    '  - Note: field `_bucket` matched rule #1 in `filterableAttributes`',
  ]);
});

it('selects by place, also across the date line', () => {
  const index = build(
    ['_geo'],
    [
      { _geo: { lat: 48.9, lng: 2.3 } },
      { _geo: { lat: 0, lng: 179 } },
      { _geo: { lat: '0', lng: '-179' } },
      { _geo: null },
    ],
  );
  expect(select(index, '_geoRadius(48.85, 2.35, 7000)')).toEqual([0]);
  expect(select(index, '_geoBoundingBox([10, -170], [-10, 170])')).toEqual([1, 2]);
  expect(select(index, '_geo.lat > 40')).toEqual([0]);
  expect(errorOf(index, '_geoRadius(95, 0, 1)')).toContain('Bad latitude `95`.');
  expect(errorOf(films, '_geoRadius(1, 2, 3)')).toContain('`_geo/_geojson` is not filterable');
});

it('knows CONTAINS as an experimental feature', () => {
  const condition = parseFilter('genre CONTAINS x', 'invalid_search_filter');
  expect(() => refuseContains(condition)).toThrow(
    'Using `CONTAINS` in a filter requires enabling the `contains filter` experimental feature. See https://github.com/orgs/meilisearch/discussions/763\n7:15 genre CONTAINS x',
  );
});

it('forgets removed documents', () => {
  const index = build(['genre', 'year'], FILMS);
  index.remove(0);
  expect(select(index, 'genre = drama')).toEqual([1, 3]);
  expect(select(index, 'NOT year = 1')).toEqual([1, 2, 3]);
  index.add(0, fromPlain({ genre: 'drama' }) as JsonObject);
  expect(select(index, 'genre = drama')).toEqual([0, 1, 3]);
});

it('answers an IN of 256 buckets and a range of slots of 20,000 documents as a scan of them does', () => {
  let seed = 42;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % below;
  };
  const documents = Array.from({ length: 20_000 }, () => ({
    bucket: `⊕${random(512)}`,
    slot: random(65536).toString(16).padStart(4, '0'),
  }));
  const index = build(['bucket', 'slot'], documents);
  const wanted = Array.from({ length: 256 }, (_, at) => `⊕${at * 2}`);
  const inFilter = `bucket IN [${wanted.map((value) => JSON.stringify(value)).join(', ')}]`;
  const range = 'slot >= "4000" AND slot < "8000"';
  const plain = (test: (document: { bucket: string; slot: string }) => boolean): number[] =>
    documents.flatMap((document, docid) => (test(document) ? [docid] : []));
  const set = new Set(wanted);
  expect(select(index, inFilter)).toEqual(plain(({ bucket }) => set.has(bucket)));
  expect(select(index, range)).toEqual(plain(({ slot }) => slot >= '4000' && slot < '8000'));
  expect(select(index, [inFilter, range])).toEqual(
    plain(({ bucket, slot }) => set.has(bucket) && slot >= '4000' && slot < '8000'),
  );
});
