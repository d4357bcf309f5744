/**
 * Goal: a swap gives no other name to a task that its pod has not committed yet. It was renamed as it
 * stood, so the commit that came between reading and writing was lost and the task stayed `enqueuing`.
 * Method: two pods; the commit of the one's write is held back until the other one's swap could be over.
 * The model of the fleet found it when pods stood still with writes under way.
 */
import type { Store } from '../../../store/types';
import { waitFor } from '../../support/wait-for';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let slow: PodForTest;
let other: PodForTest;
let held: Promise<void> | null = null;
let begun = 0;

const waiting = (store: Store): Store => ({
  ...store,
  writers: {
    ...store.writers,
    commit: async (request) => {
      begun += 1;
      await held;
      return store.writers.commit(request);
    },
  },
});

beforeAll(async () => {
  fleet = await fleetForTest();
  other = await fleet.pod();
  slow = await fleet.pod({ wrapStore: waiting });
  for (const uid of ['left', 'right', 'third']) {
    await slow.write('POST', `/indexes/${uid}/documents?primaryKey=id`, [{ id: 1, of: uid }]);
  }
});
afterAll(() => fleet.close());

test('a swap waits for a write that has begun and is not committed', async () => {
  let release: () => void = () => undefined;
  held = new Promise((resolve) => {
    release = resolve;
  });
  begun = 0;
  const write = slow.send('PUT', '/indexes/left/documents', [{ id: 2 }]);
  await waitFor(() => begun > 0, { what: 'the write to have begun', deadlineMs: 10_000 });
  const { body: swap } = await other.send('POST', '/swap-indexes', [
    { indexes: ['left', 'right'] },
  ]);
  const statusOf = async (uid: unknown): Promise<unknown> =>
    (await other.send('GET', `/tasks/${String(uid)}`)).body;
  // Later tasks end while the swap waits: its turn would have been before them.
  await other.write('POST', '/indexes/third/documents', [{ id: 2 }]);
  const swapMeanwhile = await statusOf(swap['taskUid']);
  release();
  expect(swapMeanwhile).toMatchObject({ status: 'enqueued' });
  const { body: written } = await write;
  const over = await waitFor(
    async () => {
      const tasks = [await statusOf(written['taskUid']), await statusOf(swap['taskUid'])];
      return tasks.every((task) => (task as { status: string }).status === 'succeeded')
        ? tasks
        : null;
    },
    { what: 'both to have ended', deadlineMs: 20_000 },
  );
  expect(over[0]).toMatchObject({ indexUid: 'right', type: 'documentAdditionOrUpdate' });
});
