/**
 * Goal: each assertion of a golden query fails exactly when the answer does not fulfil it, and says what
 * was seen instead.
 * Method: one observation, judged by each assertion in a form that holds and one that does not.
 */
import { judgeCanary, p95, parseAssertions } from '../../core/canary';
import type { CanaryAssertion, CanaryObservation } from '../../core/canary';

const seen: CanaryObservation = {
  ids: ['a', 'b', 'c', '9007199254740993'],
  total: 40,
  latenciesMs: [10, 20, 30],
  settingsVersion: 7,
};

const cases: [CanaryAssertion, CanaryAssertion, string][] = [
  [
    { type: 'top_hit_id', value: 'a' },
    { type: 'top_hit_id', value: 'b' },
    'top_hit_id: the first hit is a, not b',
  ],
  [
    { type: 'top_k_contains', k: 3, ids: ['c', 'a'] },
    { type: 'top_k_contains', k: 2, ids: ['a', 'c'] },
    'top_k_contains: c not among the first 2: a, b',
  ],
  [
    { type: 'min_hits', value: 40 },
    { type: 'min_hits', value: 41 },
    'min_hits: 40 hits, fewer than 41',
  ],
  [
    { type: 'max_p95_ms', value: 30 },
    { type: 'max_p95_ms', value: 29 },
    'max_p95_ms: p95 is 30 ms, over 29 ms',
  ],
  [
    { type: 'settings_version_at_least', value: 7 },
    { type: 'settings_version_at_least', value: 8 },
    'settings_version_at_least: settings version 7, below 8',
  ],
  [
    { type: 'must_not_contain_id', ids: ['z'] },
    { type: 'must_not_contain_id', ids: ['z', '9007199254740993'] },
    'must_not_contain_id: 9007199254740993 among the hits',
  ],
  [
    { type: 'rank_overlap_at_least', value: 0.5, ids: ['b', 'x'] },
    { type: 'rank_overlap_at_least', value: 0.6, ids: ['b', 'x'] },
    'rank_overlap_at_least: overlap 0.50 with the stored answer, below 0.6',
  ],
];

describe('judgeCanary', () => {
  test.each(cases)('$type', (holds, fails, failure) => {
    expect(judgeCanary([holds], seen)).toEqual([]);
    expect(judgeCanary([holds, fails], seen)).toEqual([failure]);
  });

  test('an answer without hits and without a settings version', () => {
    const empty = { ids: [], total: 0, latenciesMs: [], settingsVersion: null };
    expect(judgeCanary([{ type: 'top_hit_id', value: 'a' }], empty)).toEqual([
      'top_hit_id: the first hit is nothing, not a',
    ]);
    expect(judgeCanary([{ type: 'settings_version_at_least', value: 0 }], empty)).toHaveLength(1);
  });
});

describe('p95', () => {
  test('is a value that was seen, not one between two', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(p95(hundred)).toBe(95);
    expect(p95([5])).toBe(5);
    expect(p95([])).toBe(0);
  });
});

describe('parseAssertions', () => {
  test('takes every type in the form of the api; ids may be numbers', () => {
    const raw = [...cases.map(([holds]) => ({ ...holds })), { type: 'top_hit_id', value: 7 }];
    const parsed = parseAssertions(raw as never);
    expect(parsed).toEqual({
      ok: true,
      assertions: [...cases.map(([holds]) => holds), { type: 'top_hit_id', value: '7' }],
    });
  });

  test.each([
    [[], 'A canary needs at least one assertion.'],
    [[{ type: 'min_hits', value: -1 }], 'assertions[0]: `min_hits` needs a `value` of 0 or more.'],
    [[{ type: 'top_hit_id' }], 'assertions[0]: `top_hit_id` needs the id as `value`.'],
    [
      [
        { type: 'min_hits', value: 1 },
        { type: 'top_k_contains', k: 1, ids: ['a', 'b'] },
      ],
      'assertions[1]: `top_k_contains` needs a list `ids` and an integer `k` not below its length.',
    ],
    [
      [{ type: 'must_not_contain_id', ids: [] }],
      'assertions[0]: `must_not_contain_id` needs a list `ids`.',
    ],
    [[{ type: 'wishful' }], /^assertions\[0\]: `wishful` is no assertion\. There are top_hit_id,/],
  ])('refuses %j', (raw, message) => {
    const parsed = parseAssertions(raw);
    if (parsed.ok) throw new Error('it was accepted');
    if (message instanceof RegExp) expect(parsed.message).toMatch(message);
    else expect(parsed.message).toBe(message);
  });
});
