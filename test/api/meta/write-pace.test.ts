/**
 * Goal: the copies of the fleet's state never keep a node from its clients' tasks.
 * Method: a node that says what it took, and a clock of the test's.
 */
import { WritePace } from '../../../api/meta/write-pace';
import type { NodeTaskUid } from '../../../core/ids';
import type { NodeTask, NodeTaskPage } from '../../../meili/types';

const uid = 7 as NodeTaskUid;
const at = (ms: number): string => new Date(1_700_000_000_000 + ms).toISOString();

/** A node that knows one task at most; times in milliseconds since it was enqueued. */
function nodeWith(times: { started: number; finished: number | null } | null): {
  tasks: () => Promise<NodeTaskPage>;
} {
  const task =
    times === null
      ? []
      : [
          {
            uid,
            enqueuedAt: at(0),
            startedAt: at(times.started),
            finishedAt: times.finished === null ? null : at(times.finished),
          } as unknown as NodeTask,
        ];
  return { tasks: () => Promise.resolve({ results: task } as unknown as NodeTaskPage) };
}

let now = 0;
let pace: WritePace;
beforeEach(() => {
  now = 1_000;
  pace = new WritePace(() => now);
});

test('the first copy is written at once, and the next not before that has been worked off', async () => {
  expect(await pace.mayWrite(nodeWith(null))).toBe(true);
  pace.sent(uid);
  now += 60_000;
  expect(await pace.mayWrite(nodeWith({ started: 10, finished: null }))).toBe(false);
});

test('a quick node is never waited for', async () => {
  pace.sent(uid);
  now += 2_000;
  expect(await pace.mayWrite(nodeWith({ started: 5, finished: 30 }))).toBe(true);
});

test('a slow node rests four times as long as it worked, from its end on', async () => {
  pace.sent(uid);
  const slow = nodeWith({ started: 1_000, finished: 4_000 });
  now = 1_000 + 4_000 + 4 * 3_000 - 1;
  expect(await pace.mayWrite(slow)).toBe(false);
  now += 1;
  expect(await pace.mayWrite(slow)).toBe(true);
});

test('no rest is longer than half a minute', async () => {
  pace.sent(uid);
  now = 1_000 + 100_000 + 30_000;
  expect(await pace.mayWrite(nodeWith({ started: 0, finished: 100_000 }))).toBe(true);
});

test('a node that does not know the task any more is written to', async () => {
  pace.sent(uid);
  expect(await pace.mayWrite(nodeWith(null))).toBe(true);
});
