/**
 * Goal: facets are counted, ordered and cut as Meilisearch does, oddities included.
 * Method: facet indexes built by hand; the rules come from a real server's answers.
 */
import { fromPlain } from '../../../local/embedded-node/engine/json';
import type { Json, JsonObject } from '../../../local/embedded-node/engine/json';
import { computeFacets, displayNumber } from '../../../local/embedded-node/facets/distribution';
import { searchFacetValues } from '../../../local/embedded-node/facets/facet-search';
import { FacetIndex } from '../../../local/embedded-node/filter/compile';
import { toJsonText } from '../../../local/embedded-node/http/answer';

function build(filterable: unknown[], documents: readonly unknown[]): FacetIndex {
  const index = new FacetIndex(fromPlain(filterable) as Json[]);
  documents.forEach((document, docid) => index.add(docid, fromPlain(document) as JsonObject));
  return index;
}

function counted(
  index: FacetIndex,
  facets: string[],
  settings: { max?: number; order?: Record<string, 'alpha' | 'count'> } = {},
): string {
  const { distribution } = computeFacets(facets, index, index.documents, {
    maxValuesPerFacet: settings.max ?? 100,
    sortFacetValuesBy: settings.order ?? { '*': 'alpha' },
  });
  return toJsonText(distribution);
}

const VALUES = [
  { v: 'b' },
  { v: ['B', 'a'] },
  { v: 2 },
  { v: [10, 2, 'é'] },
  { v: true },
  { v: 1e21 },
];

it('counts documents by normalised value and shows the spelling of the first document', () => {
  const index = build(['v'], VALUES);
  expect(counted(index, ['v'])).toBe(
    '{"v":{"10":1,"1000000000000000000000":1,"2":2,"a":1,"b":2,"é":1,"true":1}}',
  );
});

it('sorts numbers as numbers when there are more than 3000 candidates', () => {
  const many = Array.from({ length: 3001 }, (_, at) => ({ v: at < 2 ? [10, 9] : 9 }));
  expect(counted(build(['v'], many), ['v'])).toBe('{"v":{"9":3001,"10":2}}');
  expect(counted(build(['v'], many.slice(0, 3000)), ['v'])).toBe('{"v":{"10":2,"9":3000}}');
});

it('orders by count, numbers first, ties descending', () => {
  const index = build(['v', 'w'], [...VALUES, { w: ['x', 'y'] }, { w: 'x' }]);
  const order = { '*': 'alpha', v: 'count' } as const;
  expect(counted(index, ['v', 'w'], { order })).toBe(
    '{"v":{"2":2,"1000000000000000000000":1,"10":1,"b":2,"true":1,"é":1,"a":1},"w":{"x":2,"y":1}}',
  );
  expect(counted(index, ['*'], { order })).toBe(counted(index, ['v', 'w'], { order }));
});

it('cuts to the greatest number of values, numbers and texts together', () => {
  const index = build(['v'], VALUES);
  expect(counted(index, ['v'], { max: 4 })).toBe(
    '{"v":{"10":1,"1000000000000000000000":1,"2":2,"a":1}}',
  );
});

it('takes names, patterns and what is nested, and only what may be filtered', () => {
  const hidden = { facetSearch: false, filter: { equality: false, comparison: false } };
  const index = build(
    [{ attributePatterns: ['_seq'], features: hidden }, 'dog', 'd_*'],
    [{ _seq: 1, dog: { age: 3 }, other: 1 }],
  );
  expect(counted(index, ['*'])).toBe('{"dog":{},"dog.age":{"3":1}}');
  expect(counted(index, ['do*'])).toBe('{"dog":{},"dog.age":{"3":1}}');
  expect(() => counted(index, ['_seq'])).toThrow('matched rule #0 in filterableAttributes');
  expect(() => counted(index, ['other'])).toThrow('Pattern `other` is not filterable.');
});

it('tells the range of numbers', () => {
  const index = build(['v'], VALUES);
  const { stats } = computeFacets(['v'], index, new Set([2, 3]), {
    maxValuesPerFacet: 100,
    sortFacetValuesBy: {},
  });
  expect(toJsonText(stats)).toBe('{"v":{"min":2.0,"max":10.0}}');
});

it('prints numbers without exponents', () => {
  expect([1, -0, 0.1, 1e21, 1e-7].map(displayNumber)).toEqual([
    '1',
    '-0',
    '0.1',
    '1000000000000000000000',
    '0.0000001',
  ]);
});

it('searches facet values by prefix and with typos', () => {
  const index = build(['c'], [{ c: 'Adventure' }, { c: 'advent' }, { c: 'Drama' }, { c: 'drama' }]);
  const typos = {
    enabled: true,
    minWordSizeForTypos: { oneTypo: 5, twoTypos: 9 },
    disableOnWords: [],
    disableOnAttributes: [],
    disableOnNumbers: false,
  };
  const search = (query: string | null, enabled = true): string[] =>
    searchFacetValues(index, {
      facet: 'c',
      query,
      candidates: index.documents,
      maxValues: 10,
      order: 'alpha',
      typos: { ...typos, enabled },
    }).map(({ value, count }) => `${value} ${count}`);
  expect(search(null)).toEqual(['advent 1', 'Adventure 1', 'Drama 2']);
  expect(search('ADV')).toEqual(['advent 1', 'Adventure 1']);
  expect(search('advnet')).toEqual(['advent 1', 'Adventure 1']);
  expect(search('advnet', false)).toEqual([]);
  expect(search('drma')).toEqual([]);
});
