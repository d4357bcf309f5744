/**
 * Goal: what is compared does the same work, so that the ratios are honest.
 * Method: both sides of each comparison run once and their results are held against each other.
 */
import { mergeWork, naiveMerge } from '../../bench/merge';
import { placeByBytes, placeByParsing, placeWork } from '../../bench/place';
import { byTurns, percentile, spread } from '../../bench/spread';
import { row, tableText } from '../../bench/row';
import { benchQuery, cannedAnswers } from '../../bench/http/canned-answers';
import { mergeAnswers } from '../../core/search/merge';
import { parseSearchBody } from '../../core/search/request';
import { nodeId } from '../../core/ids';

const parsed = (bytes: Uint8Array): unknown => JSON.parse(Buffer.from(bytes).toString('utf8'));

test('both ways of placing make the same payloads for the same nodes', () => {
  const work = placeWork({ documents: 200, shards: 64, nodes: 3 });
  const ours = placeByBytes(work);
  const theirs = placeByParsing(work);
  expect(ours.size).toBe(3);
  for (const [node, bytes] of ours) {
    expect(parsed(bytes)).toEqual(parsed(theirs.get(node) ?? new Uint8Array()));
  }
});

test('both ways of merging show the same hits in the same order', () => {
  const input = mergeWork({ nodes: 3, hits: 50 });
  const ours = parsed(mergeAnswers(input).bytes) as { hits: object[] };
  const theirs = parsed(naiveMerge(input.answers, 50)) as { hits: object[] };
  expect(ours.hits).toHaveLength(50);
  expect(ours.hits).toEqual(theirs.hits);
});

test('the canned answers are full pages of about 16 KB that merge exactly', () => {
  const answers = cannedAnswers();
  expect(answers).toHaveLength(3);
  for (const answer of answers) {
    expect(answer.length).toBeGreaterThan(12_000);
    expect(answer.length).toBeLessThan(24_000);
  }
  const request = parseSearchBody({ ...benchQuery });
  if (!request.ok) throw request.error;
  const merged = mergeAnswers({
    ...mergeWork({ nodes: 1, hits: 1 }),
    answers: answers.map((text, at) => ({
      node: nodeId(`n${String(at)}`),
      bytes: Buffer.from(text),
    })),
    request: request.request,
  });
  expect(merged.hits).toBe(benchQuery.limit);
  expect(merged.approximate).toEqual([]);
});

test('a spread is of measured values, and a ratio is made run by run', () => {
  expect(spread([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
  expect(percentile([1, 2, 3, 4], 99)).toBe(4);
  expect(() => spread([])).toThrow('no values');
  const one = row({
    name: 'x.y/z',
    unit: 'ms',
    better: 'lower',
    against: 'z',
    ours: [2, 9, 2],
    theirs: [1, 3, 4],
  });
  expect(one.ratio).toEqual({ min: 0.5, median: 2, max: 3 });
  expect(tableText([one], () => 1.25).split('\n')[1]).toMatch(/^x\.y\/z .*2 \(0\.5 … 3\) .*1\.25/);
});

test('both sides of a comparison run equally often', () => {
  const ran = { ours: 0, theirs: 0 };
  const times = byTurns(
    5,
    () => (ran.ours += 1),
    () => (ran.theirs += 1),
  );
  expect(ran.ours).toBe(ran.theirs);
  expect([times.ours.length, times.theirs.length]).toEqual([5, 5]);
});
