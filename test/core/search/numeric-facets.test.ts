/**
 * Goal: numbers among alphabetic facets are the first of the whole index, although nodes with few candidates
 * cut their lists in the order of texts.
 * Method: two nodes are answered for by a function that lists a part of random numbers as the engine does;
 * the lists put together are compared with those of all numbers.
 */
import fc from 'fast-check';
import { facetsWithNumbers, numbersWanted, takeNumbers } from '../../../core/search/numeric-facets';
import type { JsonObject, MergeInput, NodeAnswer } from '../../../core/search/types';
import { answer, mergeInput } from './answers';

const seed = Number(process.env['MIROIR_TEST_SEED'] ?? 20261127);
const max = 5;
const manyCandidates = 2_000;

/** What a node with so many candidates lists: the first of its numbers, ordered as texts. */
function listed(name: string, numbers: readonly number[]): NodeAnswer {
  const counts = new Map<string, number>();
  for (const one of numbers) counts.set(String(one), (counts.get(String(one)) ?? 0) + 1);
  const first = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, max);
  const stats =
    numbers.length === 0 ? {} : { p: { min: Math.min(...numbers), max: Math.max(...numbers) } };
  return answer(name, [], {
    estimatedTotalHits: manyCandidates,
    facetDistribution: { p: Object.fromEntries(first) as JsonObject },
    facetStats: stats,
  });
}

const inputOf = (answers: readonly NodeAnswer[]): MergeInput =>
  mergeInput(
    answers,
    { facets: ['p'] },
    { filterableAttributes: ['p'], faceting: { maxValuesPerFacet: max } },
  );

/** Asks until no list is cut, as the search does. */
function merged(nodes: readonly (readonly number[])[]): { text: string; rounds: number } {
  const answers = nodes.map((numbers, i) => listed(`n${String(i)}`, numbers));
  const input = inputOf(answers);
  let [wanted] = numbersWanted(input);
  let lists: readonly JsonObject[] | null = null;
  let rounds = 0;
  while (wanted !== undefined) {
    const { bound } = wanted;
    rounds += 1;
    const ask = (keep: (one: number) => boolean): NodeAnswer[] =>
      nodes.map((numbers, i) => listed(`n${String(i)}`, numbers.filter(keep)));
    const taken = takeNumbers(input, wanted, {
      below: ask((one) => one < bound),
      equal: ask((one) => one === bound),
    });
    if (taken === null) throw new Error('The bound does not fall.');
    lists = taken.lists;
    wanted = taken.next ?? undefined;
  }
  const found = facetsWithNumbers(input, new Map(lists === null ? [] : [['p', lists]]));
  if (lists !== null) expect(found.facets.approximate).toEqual([]);
  return { text: found.facets.distribution, rounds };
}

function expected(numbers: readonly number[]): string {
  const counts = new Map<number, number>();
  for (const one of numbers) counts.set(one, (counts.get(one) ?? 0) + 1);
  const first = [...counts].sort(([a], [b]) => a - b).slice(0, max);
  return `{"p":{${first.map(([value, count]) => `"${String(value)}":${String(count)}`).join(',')}}}`;
}

const numbers = fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 60 });

test('the first numbers of the whole index are found from cut lists', () => {
  fc.assert(
    fc.property(numbers, numbers, (a, b) => {
      expect(merged([a, b]).text).toBe(expected([...a, ...b]));
    }),
    { seed, numRuns: 300 },
  );
});

test('lists that are complete are not asked for again, nor those of few candidates', () => {
  expect(
    merged([
      [1, 2],
      [3, 10],
    ]).rounds,
  ).toBe(0);
  const input = inputOf([listed('a', [1, 2, 3, 10, 20, 30]), answer('b', [])]);
  expect(numbersWanted(input)).toEqual([]);
});

test('numbers among texts are left as they are, and named', () => {
  const texts = answer('b', [], {
    estimatedTotalHits: manyCandidates,
    facetDistribution: { p: { x: 1 } },
    facetStats: {},
  });
  expect(numbersWanted(inputOf([listed('a', [1, 2, 3, 10, 20, 30]), texts]))).toEqual([]);
});
