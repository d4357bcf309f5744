/**
 * Goal: a deletion of tasks waits as long as one engine would, and never for ever.
 * Method: ages and statuses, without a fleet.
 */
import { deletionWaits } from '../../../api/follower/deletion';

test('a task that is at work is waited for, up to a minute', () => {
  expect(deletionWaits('processing', 0)).toBe(true);
  expect(deletionWaits('processing', 59_999)).toBe(true);
  expect(deletionWaits('processing', 60_000)).toBe(false);
});

test('a task that has not begun is given a second to begin, then it stands in a queue', () => {
  for (const status of ['enqueued', 'enqueuing'] as const) {
    expect(deletionWaits(status, 999)).toBe(true);
    expect(deletionWaits(status, 1_000)).toBe(false);
  }
});
