/**
 * Goal: what a sync decides on the state of a moment ago does no harm when that state has changed: a
 * worker that was only slow deletes nothing, and a copy that is the last in-sync one by now holds up nobody.
 * Method: embedded nodes; another attempt, or another sync, acts between looking and sending. The
 * stories that showed these moments came from the model of the fleet (seeds 6, 32, 305 and 500043).
 */
import type { FleetTask } from '../../store/task-types';
import { groupId, nodeId, shardId } from '../../core/ids';
import { NodeError } from '../../meili/node-error';
import { waitFor } from '../support/wait-for';
import { documentsOf, origin, products, startFleet } from './fleet-for-test';
import type { TestFleet } from './fleet-for-test';

let fleet: TestFleet;
beforeEach(async () => {
  fleet = await startFleet(2, { overrides: { nodeDeadlineMs: 400 } });
  await fleet.write(documentsOf(0, 60));
});
afterEach(() => fleet.close());

const opened = async (): Promise<void> => {
  const { epoch } = await fleet.run('openTarget', fleet.ref());
  await fleet.run('passBarrier', { epoch, operation: 'sync/test' });
};
const joined = async (): Promise<void> => {
  await opened();
  await fleet.run('copyRanges', { ref: fleet.ref(), cursor: null });
  await waitFor(async () => (await fleet.run('joinUnderFence', fleet.ref())).joined, {
    what: 'the join',
    deadlineMs: 10_000,
  });
};
const leave = () => ({
  physicalUid: products,
  group: groupId(0),
  node: nodeId('meili-1'),
  shards: [shardId(0), shardId(3)],
  runKey: 'sync/test',
  who: 'test',
  why: 'late',
});

/** Runs `between` once, right after the node has answered how many documents there are. */
function afterCounting(between: () => Promise<void>): void {
  const client = fleet.client(1);
  const fetch = client.fetchDocuments.bind(client);
  const spy = jest.spyOn(client, 'fetchDocuments');
  spy.mockImplementation(async (...args) => {
    const answer = await fetch(...args);
    spy.mockRestore();
    await between();
    return answer;
  });
}

test('a source that is not in sync any more is named instead of being tried for ever', async () => {
  await opened();
  await fleet.run('copyRanges', { ref: fleet.ref(), cursor: null });
  await fleet.setRow(0, 'meili-0:stale meili-1:syncing');
  await expect(fleet.run('joinUnderFence', fleet.ref())).rejects.toMatchObject({
    type: 'source-behind',
    nonRetryable: true,
    details: [{ nodes: ['meili-0'], progress: null }],
  });
});

/** Leaves one task of the fleet open whose task on the source has failed, as before a pod has looked at it. */
async function failUnseen(): Promise<FleetTask> {
  fleet.leaveTasksOpen();
  await fleet.write(documentsOf(60, 61));
  const source = fleet.client(0);
  const wrong = new TextEncoder().encode('[{"title":"without an id"}]');
  const uid = await source.addDocuments(products, 'POST', wrong, { primaryKey: 'id' });
  await source.waitForTask(uid);
  const [open] = await fleet.store.tasks.open();
  const task = open === undefined ? null : await fleet.store.tasks.get(open);
  if (task === null) throw new Error('No task is open.');
  await fleet.store.tasks.save({ ...task, nodeTasks: [{ node: nodeId('meili-0'), uid }] });
  return task;
}

/** Verifies, and has found that the tasks leave the source undecided. */
async function verifying() {
  const verified = fleet.run('verifyCopy', fleet.ref());
  const told = jest.spyOn(fleet.store.tasks, 'open');
  await waitFor(() => told.mock.calls.length > 1, {
    what: 'a look at the tasks',
    deadlineMs: 5_000,
  });
  return { verified };
}

test('a source that failed a write which no pod has looked at yet is not taken for right', async () => {
  const task = await failUnseen();
  await joined();
  const { verified } = await verifying();
  // What the pod finds when it looks: first the table changes, then the task ends.
  await fleet.setRow(0, 'meili-0:stale meili-1:joined');
  await fleet.store.tasks.save({ ...task, status: 'succeeded', finishedAt: task.enqueuedAt });
  await expect(verified).rejects.toMatchObject({ type: 'source-behind', nonRetryable: true });
});

test('a source that failed what all others failed is right, and open tasks of other nodes are not waited for', async () => {
  const task = await failUnseen();
  await joined();
  const { verified } = await verifying();
  await fleet.store.tasks.save({ ...task, status: 'failed', finishedAt: task.enqueuedAt });
  await fleet.write(documentsOf(61, 62));
  expect((await verified).again).toBe(0);
  expect(await fleet.store.tasks.open()).toHaveLength(1);
});

test('verify waits for a write that only the source has got so far', async () => {
  await joined();
  const [id] = [...(await fleet.documents(1, [0])).keys()];
  const target = fleet.client(1);
  const send = target.addDocuments.bind(target);
  let release = (): void => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const held = jest.spyOn(target, 'addDocuments').mockImplementation(async (...all) => {
    await released;
    return send(...all);
  });
  // What is open when verifying begins is waited for; this one begins when it reads.
  const source = fleet.client(0);
  const read = source.fetchDocuments.bind(source);
  let write: Promise<void> | null = null;
  const begins = jest.spyOn(source, 'fetchDocuments').mockImplementation(async (...all) => {
    if (all[0] !== products) return read(...all);
    write ??= fleet.write([{ id, title: 'on its way' }]);
    await waitFor(() => held.mock.calls.length > 0, { what: 'the write to reach the source' });
    const [newest] = (await source.tasks({ indexUids: [products], limit: 1 })).results;
    if (newest !== undefined) await source.waitForTask(newest.uid);
    return read(...all);
  });
  // It ends while it is looked for: after more looks than a document may differ in the same way without a
  // write on its way, and before that look's answer is there.
  const readTarget = target.fetchDocuments.bind(target);
  const looks = jest.spyOn(target, 'fetchDocuments').mockImplementation(async (...all) => {
    const answer = await readTarget(...all);
    if (looks.mock.calls.length > 10) {
      release();
      await write;
    }
    return answer;
  });
  const verified = fleet.run('verifyCopy', fleet.ref());
  expect((await verified).again).toBe(1);
  begins.mockRestore();
  held.mockRestore();
  looks.mockRestore();
  expect(await fleet.documents(1, [0, 3])).toEqual(await fleet.documents(0, [0, 3]));
});

test('a copy that has become the last in-sync one is kept, and its clean-up ends', async () => {
  await fleet.setRow(0, 'meili-0:stale meili-1:in-sync');
  await expect(fleet.run('startLeaving', leave())).rejects.toMatchObject({
    type: 'copy-needed',
    nonRetryable: true,
  });
});

/** The table means another disk than the one that the node has. */
const loseDisk = (id: string) =>
  fleet.store.fleet.update({ ...origin, what: 'test' }, ({ nodes }) =>
    nodes
      .filter((node) => node.id === id)
      .map((node) => ({ op: 'set-node' as const, node: { ...node, instanceId: 'the lost disk' } })),
  );

test('nothing is made on a target whose disk was lost: it would look like the disk of another node', async () => {
  await opened();
  const client = fleet.client(1);
  await client.waitForTask(await client.deleteIndex(products));
  await loseDisk('meili-1');
  const copy = fleet.run('copyRanges', { ref: fleet.ref(), cursor: null });
  await expect(copy).rejects.toMatchObject({ type: 'node-strange', nonRetryable: true });
  expect(await client.getIndex(products)).toBeNull();
});

test('a copy is kept, and read again, when the disk of the one that took over is lost', async () => {
  for (const shard of [0, 3]) await fleet.setRow(shard, 'meili-1:joined meili-0:in-sync');
  await loseDisk('meili-0');
  await expect(fleet.run('startLeaving', leave())).rejects.toMatchObject({
    ...{ type: 'copy-needed', nonRetryable: true },
    message: 'The disk of meili-0 was lost, so the copies on meili-1 are kept.',
  });
  expect(await fleet.row(0)).toBe('meili-1:in-sync meili-0:stale');
  expect(await fleet.row(3)).toBe('meili-1:in-sync meili-0:stale');
});

test('a copy is not given up while the one that took over does not answer', async () => {
  for (const shard of [0, 3]) await fleet.setRow(shard, 'meili-1:joined meili-0:in-sync');
  const away = jest
    .spyOn(fleet.client(0), 'fetchDocuments')
    .mockRejectedValue(new NodeError('node_unreachable', 'away', { outcomeUnknown: false }));
  await expect(fleet.run('startLeaving', leave())).rejects.toMatchObject({
    ...{ type: 'copy-away', nonRetryable: false },
  });
  away.mockRestore();
  expect(await fleet.run('startLeaving', leave())).not.toBeNull();
});

test('an index that another sync took for unused is made again before the copy', async () => {
  await opened();
  const client = fleet.client(1);
  await client.waitForTask(await client.deleteIndex(products));
  expect((await fleet.run('copyRanges', { ref: fleet.ref(), cursor: null })).outcome).toBe('done');
  expect(await fleet.documents(1, [0, 3])).toEqual(await fleet.documents(0, [0, 3]));
});

test('an attempt to open that stood still until its sync was over makes no copy', async () => {
  const scheduled = (at: number) => ({ currentAttemptScheduledTimestampMs: at });
  await fleet.run('openTarget', fleet.ref(), scheduled(1_000));
  await fleet.run('startLeaving', leave(), scheduled(2_000));
  await fleet.run('removeLeaving', leave(), scheduled(2_001));
  const late = fleet.run('openTarget', fleet.ref(), scheduled(1_500));
  await expect(late).rejects.toMatchObject({ type: 'attempt-old', nonRetryable: false });
  expect(await fleet.row(0)).toBe('meili-0:in-sync');
  expect(await fleet.client(1).getIndex(products)).toBeNull();
});

describe('with a filled copy on the target', () => {
  beforeEach(async () => {
    await opened();
    await fleet.run('copyRanges', { ref: fleet.ref(), cursor: null });
    await fleet.run('startLeaving', leave());
  });

  test('an attempt that was overtaken after it had counted deletes nothing', async () => {
    const before = (await fleet.documents(1, [0, 3])).size;
    afterCounting(async () => {
      await fleet.store.attempts.nextAttempt('sync/test', 1);
    });
    await expect(fleet.run('removeLeaving', leave())).rejects.toMatchObject({
      type: 'attempt-old',
    });
    expect(before).toBeGreaterThan(0);
    expect((await fleet.documents(1, [0, 3])).size).toBe(before);
  });

  test('the next attempt waits for what the one before may still send, and finishes', async () => {
    const begun = fleet.tools.clock.now();
    await fleet.run('removeLeaving', leave(), { attempt: 2 });
    expect(fleet.tools.clock.now() - begun).toBeGreaterThanOrEqual(400);
    expect(await fleet.row(0)).toBe('meili-0:in-sync');
    await waitFor(async () => (await fleet.client(1).getIndex(products)) === null, {
      what: 'the empty index to go',
    });
  });
});
