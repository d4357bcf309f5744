/**
 * Goal: a rollover policy says when, under which name, and what is deleted, and nothing that an alias
 * names or that is young is ever deleted.
 * Method: examples at the borders, and random lists of indexes for what must never happen.
 */
import fc from 'fast-check';
import {
  durationMs,
  indexesOfPattern,
  indexesToDelete,
  isRolloverDue,
  nextIndexName,
  parseRules,
  whyNotDue,
} from '../../core/rollover';

const now = Date.UTC(2026, 10, 24, 3, 5);
const day = 86_400_000;
const policy = {
  pattern: 'logs-{YYYY-MM-DD}',
  triggers: { max_docs: 10, max_age: '7d', max_size_gb: 2 },
  retention: { keep_indexes: 3 },
  template: { primary_key: 'event_id', settings_ref: 'logs-settings' },
};

describe('parseRules', () => {
  test('reads a policy as the api takes it', () => {
    expect(parseRules(policy)).toEqual({
      ok: true,
      rules: {
        triggers: { maxDocs: 10, maxAgeMs: 7 * day, maxSizeBytes: 2e9 },
        retention: { keepIndexes: 3, safetyLockMs: 7 * day, readIndexes: 3 },
        template: {
          ...{ primaryKey: 'event_id', settings: null, settingsRef: 'logs-settings' },
          ...{ shards: null, ttl: null, replicationFactor: null },
        },
      },
    });
  });

  test.each([
    [{ triggers: {} }, /needs one of the triggers/],
    [{ triggers: { max_age: 'soon' } }, /`max_age` must be like/],
    [{ triggers: { max_docs: 0 } }, /`max_docs`/],
    [{ retention: {} }, /`keep_indexes`/],
    [{ retention: { keep_indexes: 2, read_indexes: 3 } }, /`read_indexes`/],
    [{ retention: { keep_indexes: 2, safety_lock_older_than_days: -1 } }, /`safety_lock/],
    [{ template: { settings: {}, settings_ref: 'a' } }, /either `settings` or/],
    [{ template: { settings: [] } }, /`settings` must be an object/],
    [{ pattern: 'logs' }, /needs a date or a counter/],
    [{ pattern: 'logs.{n}' }, /`logs\.` cannot stand in/],
    [{ pattern: 'logs-{week}' }, /neither a date/],
  ])('refuses %j', (part, message) => {
    const parsed = parseRules({ ...policy, ...part } as never);
    if (parsed.ok) throw new Error('it was accepted');
    expect(parsed.message).toMatch(message);
  });

  test('durations have one unit and are above zero', () => {
    expect(['45s', '30m', '12h', '7d', '2w'].map(durationMs)).toEqual([
      ...[45_000, 1_800_000, 43_200_000, 7 * day, 14 * day],
    ]);
    expect(['0d', '7', 'd', '1d12h', '-1d', '1.5h'].map(durationMs)).toEqual(Array(6).fill(null));
  });
});

describe('isRolloverDue', () => {
  const triggers = { maxDocs: 10, maxAgeMs: day, maxSizeBytes: 100 };
  const young = { documents: 9, bytes: 99, createdAtMs: now - day + 1 };

  test('each trigger alone is enough, at its value and not before', () => {
    expect(isRolloverDue(triggers, young, now)).toBeNull();
    expect(isRolloverDue(triggers, { ...young, documents: 10 }, now)).toMatch(
      /^max_docs: 10 of 10/,
    );
    expect(isRolloverDue(triggers, { ...young, createdAtMs: now - day }, now)).toMatch(/^max_age/);
    expect(isRolloverDue(triggers, { ...young, bytes: 100 }, now)).toMatch(/^max_size_gb/);
  });

  test('who wonders why nothing happens is told what was counted for each trigger', () => {
    expect(whyNotDue(triggers, young, now)).toBe(
      'no trigger is met: 9 of 10 documents, 86399 of 86400 seconds, 0.000 of 1e-7 GB',
    );
    const documents = { maxDocs: 10, maxAgeMs: null, maxSizeBytes: null };
    expect(whyNotDue(documents, young, now)).toBe('no trigger is met: 9 of 10 documents');
  });

  test('a trigger that is not set never fires', () => {
    const none = { maxDocs: 1e9, maxAgeMs: null, maxSizeBytes: null };
    expect(isRolloverDue(none, { documents: 1, bytes: 1e15, createdAtMs: 0 }, now)).toBeNull();
  });
});

describe('nextIndexName', () => {
  test.each([
    ['logs-{YYYY-MM-DD}', [], 'logs-2026-11-24'],
    ['logs-{YYYY-MM-DD}', ['logs-2026-11-24'], 'logs-2026-11-24-2'],
    ['logs-{YYYY-MM-DD}', ['logs-2026-11-24', 'logs-2026-11-24-2'], 'logs-2026-11-24-3'],
    ['logs-{YYYY-MM-DD-HH}', [], 'logs-2026-11-24-03'],
    ['logs-{n}', [], 'logs-1'],
    ['logs-{n}', ['logs-9', 'logs-10', 'other-99'], 'logs-11'],
    ['logs-{000001}', ['logs-000041'], 'logs-000042'],
    ['{YYYY}_logs-{n}', ['2026_logs-3', '2025_logs-7'], '2026_logs-8'],
  ])('%s after %j is %s', (pattern, taken, name) => {
    expect(nextIndexName(pattern, now, taken)).toBe(name);
  });

  test('is never a name that is taken, and belongs to its pattern', () => {
    const names = fc.array(fc.constantFrom('a-1', 'a-2', 'a-02', 'a-2026-11-24', 'a-2026-11-24-2'));
    fc.assert(
      fc.property(fc.constantFrom('a-{n}', 'a-{YYYY-MM-DD}'), names, (pattern, taken) => {
        const name = nextIndexName(pattern, now, taken);
        expect(taken).not.toContain(name);
        expect(indexesOfPattern(pattern, [{ uid: name, createdAtMs: 0 }])).toHaveLength(1);
      }),
    );
  });
});

describe('retention', () => {
  const indexes = [5, 4, 3, 2, 1].map((age) => ({
    uid: `logs-${String(6 - age)}`,
    createdAtMs: now - age * 10 * day,
  }));

  test('sees only the indexes of its pattern, oldest first', () => {
    const others = [
      { uid: 'logs-x', createdAtMs: 0 },
      { uid: 'my-logs-1', createdAtMs: 0 },
      { uid: 'logs-1-old', createdAtMs: 0 },
    ];
    const found = indexesOfPattern('logs-{n}', [...indexes].reverse().concat(others));
    expect(found).toEqual(indexes);
  });

  test('deletes all but the newest', () => {
    const rules = { keepIndexes: 3, readIndexes: 3, safetyLockMs: 0 };
    expect(indexesToDelete(rules, indexes, [], now)).toEqual(['logs-1', 'logs-2']);
    expect(indexesToDelete(rules, indexes, ['logs-1'], now)).toEqual(['logs-2']);
    expect(indexesToDelete({ ...rules, safetyLockMs: 45 * day }, indexes, [], now)).toEqual([
      'logs-1',
    ]);
  });

  test('never deletes what an alias names, what is young, or what is to be kept', () => {
    fc.assert(
      fc.property(
        fc.nat(6),
        fc.nat(60),
        fc.subarray(indexes.map(({ uid }) => uid)),
        (keep, lockDays, aliased) => {
          const rules = { keepIndexes: keep, readIndexes: 1, safetyLockMs: lockDays * day };
          const doomed = indexesToDelete(rules, indexes, aliased, now);
          for (const uid of doomed) {
            const at = indexes.findIndex((index) => index.uid === uid);
            expect(aliased).not.toContain(uid);
            expect(at).toBeLessThan(indexes.length - keep);
            expect(now - (indexes[at]?.createdAtMs ?? now)).toBeGreaterThanOrEqual(lockDays * day);
          }
        },
      ),
    );
  });
});
