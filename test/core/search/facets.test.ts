/**
 * Goal: facets of an index that is split over nodes are those of the whole index.
 * Method: distributions of nodes with known whole ones; a random index whose documents are counted
 * whole and in parts.
 */
import fc from 'fast-check';
import { mergeFacets } from '../../../core/search/facets';
import type { FacetInput, MergedFacets } from '../../../core/search/facets';
import type { JsonObject } from '../../../core/search/types';
import { settingsOf } from './answers';

type Node = FacetInput['nodes'][number];

const node = (distribution: JsonObject, stats: JsonObject = {}, total = 10): Node => ({
  distribution,
  stats,
  total,
});

function merge(
  nodes: Node[],
  faceting: JsonObject = {},
  more: Partial<FacetInput> = {},
): MergedFacets {
  const total = nodes.reduce((sum, one) => sum + one.total, 0);
  return mergeFacets({
    nodes,
    settings: settingsOf({ faceting }),
    total,
    distinct: null,
    omit: null,
    ...more,
  });
}

describe('facets', () => {
  it('are summed by normalised value, fields and values in order', () => {
    const found = merge([
      node({ b: { Blue: 2, red: 1 }, a: {} }),
      node({ b: { blue: 3, ÉMILE: 1 }, c: { x: 1 } }),
    ]);
    expect(found.distribution).toBe('{"a":{},"b":{"Blue":5,"ÉMILE":1,"red":1},"c":{"x":1}}');
  });

  it('name a value that nodes spell differently', () => {
    expect(merge([node({ b: { Blue: 2 } }), node({ b: { blue: 3 } })]).approximate).toEqual([
      'facet-spelling',
    ]);
    expect(merge([node({ b: { Blue: 2 } }), node({ b: { Blue: 3 } })]).approximate).toEqual([]);
  });

  it('tell a number of one node from the same digits as a text of another', () => {
    const found = merge([
      node({ p: { '10': 1, '9': 1 } }, { p: { min: 9, max: 10 } }),
      node({ p: { '10': 4 } }),
    ]);
    // One engine writes the text last, over the number.
    expect(found.distribution).toBe('{"p":{"10":4,"9":1}}');
  });

  it('keep the order of keys that look like integers', () => {
    const stats = { y: { min: 2, max: 10 } };
    const few = merge([node({ y: { '10': 1, '2': 1 } }, stats), node({ y: { '2': 4 } }, stats)]);
    expect(few.distribution).toBe('{"y":{"10":1,"2":5}}');
    const many = merge([node({ y: { '10': 1, '2': 1 } }, stats, 4000)]);
    expect(many.distribution).toBe('{"y":{"2":1,"10":1}}');
  });

  it('have numbers before strings, and count order with the greater value first among equals', () => {
    const stats = { f: { min: 1, max: 30 } };
    const nodes = [node({ f: { '1': 1, '30': 1, '7': 5, a: 9, b: 2, c: 2 } }, stats)];
    expect(merge(nodes, { sortFacetValuesBy: { f: 'count' } }).distribution).toBe(
      '{"f":{"7":5,"30":1,"1":1,"a":9,"c":2,"b":2}}',
    );
  });

  it('take a text that is no canonical number, or lies outside the stats, for a string', () => {
    const found = merge([node({ f: { '1.0': 1, '2': 1, '9': 1 } }, { f: { min: 1, max: 3 } })]);
    expect(found.distribution).toBe('{"f":{"2":1,"1.0":1,"9":1}}');
  });

  it('are cut to the maximum of the client after summing', () => {
    const nodes = [node({ f: { a: 5, b: 4, c: 1 } }), node({ f: { a: 1, c: 9, d: 2 } })];
    const faceting = { maxValuesPerFacet: 2, sortFacetValuesBy: { '*': 'count' } };
    expect(merge(nodes, faceting).distribution).toBe('{"f":{"c":10,"a":6}}');
    expect(merge(nodes, { maxValuesPerFacet: 2 }).distribution).toBe('{"f":{"a":6,"b":4}}');
  });

  it('join stats as the engine prints floats', () => {
    const found = merge([
      node({ y: {} }, { y: { min: 1990, max: 2001.5 } }),
      node({ y: {} }, { y: { min: -1, max: 7 } }),
    ]);
    expect(found.stats).toBe('{"y":{"min":-1.0,"max":2001.5}}');
  });

  it('show neither hidden fields nor what only the merge asked for', () => {
    const nodes = [
      node({ _miroir_bucket: { '⊕': 1 }, tag: { a: 1 }, g: { b: 1 } }, { tag: { min: 0, max: 1 } }),
    ];
    expect(merge(nodes, {}, { omit: 'tag' })).toMatchObject({
      distribution: '{"g":{"b":1}}',
      stats: '{}',
    });
  });

  it('count each value of the distinct field once', () => {
    const nodes = [node({ tag: { a: 1, b: 1 } }), node({ tag: { A: 1 } })];
    expect(merge(nodes, {}, { distinct: 'tag' }).distribution).toBe('{"tag":{"a":1,"b":1}}');
  });

  it('are named approximate only where a node may have kept back what counts', () => {
    const many = Object.fromEntries(Array.from({ length: 3 }, (_, i) => [String(i + 1), 1]));
    const stats = { f: { min: 1, max: 3 } };
    const faceting = { maxValuesPerFacet: 3 };
    const nodes = (total: number): Node[] => [
      node({ f: many }, stats, total),
      node({ f: many }, stats, total),
    ];
    expect(merge(nodes(1000), faceting).approximate).toEqual([]);
    expect(merge(nodes(2000), faceting).approximate).toEqual(['facet-numeric-order']);
    expect(merge(nodes(4000), faceting).approximate).toEqual([]);
    const texts = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, i) => [`v${String(i)}`, 1]),
    );
    const capped = [node({ f: texts }), node({ f: {} })];
    expect(merge(capped, { sortFacetValuesBy: { f: 'count' } }).approximate).toEqual([
      'facet-capped',
      'facet-ties',
    ]);
    expect(merge(capped, { sortFacetValuesBy: { g: 'count' } }).approximate).toEqual([]);
  });

  it('of any split of any documents are those of all (alphabetic and by count)', () => {
    const count = (values: readonly (string | number)[]): JsonObject => {
      const counts: Record<string, number> = {};
      for (const value of values) counts[String(value)] = (counts[String(value)] ?? 0) + 1;
      return counts;
    };
    const stats = (values: readonly (string | number)[]): JsonObject => {
      const numbers = values.filter((one) => typeof one === 'number');
      return numbers.length === 0
        ? {}
        : { f: { min: Math.min(...numbers), max: Math.max(...numbers) } };
    };
    const value = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom('a', 'b', 'cc', 'é'));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, fc.nat({ max: 3 })), { maxLength: 60 }),
        fc.constantFrom('alpha', 'count'),
        (documents, order) => {
          const part = (at: number): Node => {
            const values = documents.filter(([, shard]) => shard === at).map(([one]) => one);
            return node({ f: count(values) }, stats(values), values.length);
          };
          const all = documents.map(([one]) => one);
          const faceting = { sortFacetValuesBy: { '*': order } };
          const whole = merge([node({ f: count(all) }, stats(all), all.length)], faceting);
          const split = merge([0, 1, 2, 3].map(part), faceting);
          const { distribution, stats: merged } = split;
          expect({ distribution, stats: merged }).toEqual({
            distribution: whole.distribution,
            stats: whole.stats,
          });
        },
      ),
      { seed: 5_112_026, numRuns: 200 },
    );
  });
});
