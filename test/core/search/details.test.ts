/**
 * Goal: hits are ordered rule by rule as the engine orders them.
 * Method: pairs of details in which the first must win, the order of values over both directions, and
 * the laws of an order on random details.
 */
import fc from 'fast-check';
import type { JsonValue } from '../../../core/fleet';
import { compareDetails, detailsList } from '../../../core/search/details';
import type { Details, RuleDetails } from '../../../core/search/details';
import {
  compareUtf8,
  facetNumberText,
  floatText,
  normalizeFacet,
} from '../../../core/search/rust-text';

const details = (rules: Record<string, Record<string, JsonValue>>): Details =>
  detailsList(
    Object.fromEntries(
      Object.entries(rules).map(([rule, members], order) => [
        rule,
        { order, ...members } as RuleDetails,
      ]),
    ),
  );

const sorted = (rule: string, member: string, values: JsonValue[]): JsonValue[] =>
  [...values].sort((a, b) =>
    compareDetails(details({ [rule]: { [member]: a } }), details({ [rule]: { [member]: b } })),
  );

describe('comparing ranking details', () => {
  it.each<[string, Record<string, JsonValue>, Record<string, JsonValue>]>([
    ['words', { matchingWords: 3 }, { matchingWords: 2 }],
    ['typo', { typoCount: 1, score: 0.5 }, { typoCount: 2, score: 0.9 }],
    ['proximity', { score: 0.9 }, { score: 0.8 }],
    ['attributeRank', { score: 0.9 }, { score: 0.8 }],
    ['wordPosition', { score: 0.9 }, { score: 0.8 }],
    [
      'attribute',
      { attributeRankingOrderScore: 1, queryWordDistanceScore: 0 },
      { attributeRankingOrderScore: 0.9, queryWordDistanceScore: 1 },
    ],
    [
      'attribute',
      { attributeRankingOrderScore: 1, queryWordDistanceScore: 0.5 },
      { attributeRankingOrderScore: 1, queryWordDistanceScore: 0.4 },
    ],
    ['exactness', { matchType: 'exactMatch' }, { matchType: 'matchesStart' }],
    ['exactness', { matchType: 'matchesStart' }, { matchType: 'noExactMatch', matchingWords: 9 }],
    [
      'exactness',
      { matchType: 'noExactMatch', matchingWords: 2 },
      { matchType: 'noExactMatch', matchingWords: 1 },
    ],
    ['vectorSort', { similarity: 0.2 }, { similarity: 0.1 }],
    ['vectorSort', { similarity: 0 }, { similarity: null }],
    ['_geoPoint(1, 2):asc', { distance: 1 }, { distance: 2 }],
    ['_geoPoint(1, 2):desc', { distance: 2 }, { distance: 1 }],
    ['_geoPoint(1, 2):desc', { distance: 0 }, { distance: null }],
  ])('%s: %j comes before %j', (rule, a, b) => {
    expect(compareDetails(details({ [rule]: a }), details({ [rule]: b }))).toBeLessThan(0);
    expect(compareDetails(details({ [rule]: b }), details({ [rule]: a }))).toBeGreaterThan(0);
  });

  it('compares in the order of the rules, not of the members', () => {
    const first = detailsList({
      'b:asc': { order: 1, value: 9 },
      'a:asc': { order: 0, value: 1 },
    });
    const second = detailsList({
      'b:asc': { order: 1, value: 1 },
      'a:asc': { order: 0, value: 2 },
    });
    expect(compareDetails(first, second)).toBeLessThan(0);
  });

  it('puts a rule that was cut off, and a shorter list, last', () => {
    const whole = details({ words: { matchingWords: 1 }, typo: { typoCount: 9 } });
    const cut = detailsList({ words: { order: 0, matchingWords: 1 }, skipped: { order: 1 } });
    expect(compareDetails(whole, cut)).toBeLessThan(0);
    expect(compareDetails(cut, cut)).toBe(0);
    expect(compareDetails(whole, details({ words: { matchingWords: 1 } }))).toBeLessThan(0);
  });

  it('orders numbers before strings and nulls last, in both directions', () => {
    const values = ['b', null, 10, 'a', 9.5, 'é', '𝄞', '￿'];
    expect(sorted('f:asc', 'value', values)).toEqual([9.5, 10, 'a', 'b', 'é', '￿', '𝄞', null]);
    expect(sorted('f:desc', 'value', values)).toEqual([10, 9.5, '𝄞', '￿', 'é', 'b', 'a', null]);
  });

  it('is an order: antisymmetric and transitive', () => {
    const value = fc.oneof(
      fc.constant(null),
      fc.integer({ min: 0, max: 3 }),
      fc.constantFrom('a', 'b', '𝄞', '￿'),
    );
    const one = fc.tuple(value, fc.nat({ max: 2 }), fc.boolean()).map(([sort, words, skipped]) =>
      detailsList({
        'f:desc': { order: 0, value: sort },
        ...(skipped ? { skipped: { order: 1 } } : { words: { order: 1, matchingWords: words } }),
      }),
    );
    fc.assert(
      fc.property(one, one, one, (a, b, c) => {
        expect(Math.sign(compareDetails(a, b))).toBe(0 - Math.sign(compareDetails(b, a)));
        if (compareDetails(a, b) <= 0 && compareDetails(b, c) <= 0) {
          expect(compareDetails(a, c)).toBeLessThanOrEqual(0);
        }
      }),
      { seed: 1_124_026, numRuns: 500 },
    );
  });
});

describe('texts as the engine writes them', () => {
  it.each([
    [0, '0.0', '0'],
    [-0, '-0.0', '-0'],
    [1, '1.0', '1'],
    [2001, '2001.0', '2001'],
    [0.1, '0.1', '0.1'],
    [-12.5, '-12.5', '-12.5'],
    [49.099999999999994, '49.099999999999994', '49.099999999999994'],
    [1e15, '1000000000000000.0', '1000000000000000'],
    [1e16, '1e16', '10000000000000000'],
    [1.5e300, '1.5e300', `15${'0'.repeat(299)}`],
    [0.00001, '0.00001', '0.00001'],
    [1e-6, '1e-6', '0.000001'],
  ])('%d as %s and, in a facet, %s', (value, float, facet) => {
    expect(floatText(value)).toBe(float);
    expect(facetNumberText(value)).toBe(facet);
    expect(Number(floatText(value))).toBe(value);
  });

  it('normalised facets have no case, no width and no edges', () => {
    expect(normalizeFacet('  ÉCLAIR\u0085')).toBe('e\u0301clair');
    expect(normalizeFacet('ﬁ Ⅻ')).toBe('fi xii');
    expect(normalizeFacet('ΑΣ')).toBe('ασ');
    expect(normalizeFacet('Plain Text')).toBe('plain text');
  });

  it('strings are in the order of their UTF-8 bytes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { seed: 99, numRuns: 1000 },
    );
  });
});
