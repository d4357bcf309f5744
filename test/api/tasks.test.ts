/**
 * Goal: tasks are listed, filtered, canceled and deleted as in Meilisearch, and a key sees only its own.
 * Method: a pod before two embedded nodes whose queues can be stopped.
 */
import type { JsonValue } from '../../core/fleet';
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';

let fleet: FleetForTest;
let pod: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest({ nodes: 2 });
  pod = await fleet.pod();
});
afterAll(async () => {
  await fleet.close();
});

type Task = Record<string, JsonValue>;
const results = (body: Record<string, JsonValue>): Task[] => body['results'] as Task[];

const hold = (): void => {
  for (const node of fleet.nodes) node.faults.add({ action: { kind: 'holdTasks' } });
};
const release = (): void => {
  for (const node of fleet.nodes) node.faults.clear();
};

test('a canceled task names its cancelation, stores nothing, and its replicas stay equal', async () => {
  await pod.write('POST', '/indexes/cancel/documents?primaryKey=id', [{ id: 1 }]);
  hold();
  const written = await pod.send('POST', '/indexes/cancel/documents', [{ id: 2 }, { id: 3 }]);
  const uid = Number(written.body['taskUid']);
  const canceling = await pod.send('POST', `/tasks/cancel?uids=${uid}`);
  expect(canceling.status).toBe(200);
  expect(canceling.body).toMatchObject({
    indexUid: null,
    type: 'taskCancelation',
    status: 'enqueued',
  });
  release();
  const canceled = await pod.task(uid);
  expect(canceled).toMatchObject({
    status: 'canceled',
    canceledBy: canceling.body['taskUid'],
    error: null,
    details: { receivedDocuments: 2, indexedDocuments: 0 },
  });
  const cancelation = await pod.task(canceling.body['taskUid']);
  expect(cancelation).toMatchObject({
    status: 'succeeded',
    details: { matchedTasks: 1, canceledTasks: 1, originalFilter: `?uids=${uid}` },
  });
  const { body } = await pod.send('GET', '/indexes/cancel/documents');
  expect(body['total']).toBe(1);
  const states = pod.ctx.fleet
    .index('cancel')
    ?.entry.placement.flatMap(({ shards }) => shards.flat());
  expect(new Set(states?.map(({ state }) => state))).toEqual(new Set(['in-sync']));
});

test('a cancelation of what is over cancels nothing', async () => {
  const done = await pod.write('POST', '/indexes/over/documents?primaryKey=id', [{ id: 1 }]);
  const canceling = await pod.send('POST', `/tasks/cancel?uids=${String(done['uid'])}`);
  const cancelation = await pod.task(canceling.body['taskUid']);
  expect(cancelation['details']).toMatchObject({ matchedTasks: 1, canceledTasks: 0 });
  expect(await pod.task(done['uid'])).toMatchObject({ status: 'succeeded', canceledBy: null });
});

test('only tasks that are over can be deleted: one that stands in a queue stays', async () => {
  const done = await pod.write('POST', '/indexes/gone/documents?primaryKey=id', [{ id: 1 }]);
  hold();
  const open = await pod.send('POST', '/indexes/gone/documents', [{ id: 2 }]);
  const deleting = await pod.send('DELETE', '/tasks?indexUids=gone');
  expect(deleting.status).toBe(200);
  const deletion = await pod.task(deleting.body['taskUid']);
  expect(deletion['details']).toMatchObject({ matchedTasks: 2, deletedTasks: 1 });
  release();
  expect((await pod.send('GET', `/tasks/${String(done['uid'])}`)).status).toBe(404);
  expect(await pod.task(open.body['taskUid'])).toMatchObject({ status: 'succeeded' });
});

test('a deletion waits for what is at work, and deletes it then', async () => {
  await pod.write('POST', '/indexes/atwork/documents?primaryKey=id', [{ id: 1 }]);
  hold();
  const open = await pod.send('POST', '/indexes/atwork/documents', [{ id: 2 }]);
  const uid = Number(open.body['taskUid']);
  const deleting = await pod.send('DELETE', `/tasks?uids=${uid}`);
  const waiting = await pod.send('GET', `/tasks/${String(deleting.body['taskUid'])}`);
  expect(waiting.body).toMatchObject({
    status: 'enqueued',
    details: { matchedTasks: 1, deletedTasks: null, originalFilter: `?uids=${uid}` },
  });
  release();
  const deletion = await pod.task(deleting.body['taskUid']);
  expect(deletion).toMatchObject({
    status: 'succeeded',
    details: { matchedTasks: 1, deletedTasks: 1, originalFilter: `?uids=${uid}` },
  });
  expect((await pod.send('GET', `/tasks/${uid}`)).status).toBe(404);
  const { body } = await pod.send('GET', '/indexes/atwork/documents');
  expect(body['total']).toBe(2);
});

test('pages walk through all tasks once, both ways', async () => {
  for (let at = 0; at < 7; at += 1) await pod.send('POST', '/indexes', { uid: `page-${at}` });
  for (const reverse of [false, true]) {
    const seen: number[] = [];
    let next: JsonValue | undefined = null;
    do {
      const from: string = next === null ? '' : `&from=${String(next)}`;
      const { body } = await pod.send(
        'GET',
        `/tasks?limit=3&types=indexCreation&reverse=${String(reverse)}${from}`,
      );
      seen.push(...results(body).map((task) => Number(task['uid'])));
      next = body['next'];
    } while (next !== null);
    expect(seen).toHaveLength(7);
    expect(seen).toEqual([...seen].sort((a, b) => (reverse ? a - b : b - a)));
  }
});

test('metadata of a client comes back in summary and task, and can be anything', async () => {
  const path = '/indexes/meta/documents?primaryKey=id&customMetadata=m12%20%22x%22';
  const answer = await pod.send('POST', path, [{ id: 1 }]);
  expect(answer.body['customMetadata']).toBe('m12 "x"');
  expect(await pod.task(answer.body['taskUid'])).toMatchObject({
    customMetadata: 'm12 "x"',
    status: 'succeeded',
  });
});

test('a key for some indexes sees only their tasks', async () => {
  const key = await pod.send('POST', '/keys', {
    actions: ['tasks.*'],
    indexes: ['mine*'],
    expiresAt: null,
  });
  const headers = { authorization: `Bearer ${String(key.body['key'])}` };
  const other = await pod.write('POST', '/indexes/other/documents?primaryKey=id', [{ id: 1 }]);
  const mine = await pod.write('POST', '/indexes/mine-1/documents?primaryKey=id', [{ id: 1 }]);
  const seen = async (): Promise<JsonValue[]> => {
    const { body } = await pod.send('GET', '/tasks', undefined, headers);
    return results(body).map((task) => task['uid'] ?? null);
  };
  expect(await seen()).toEqual([mine['uid']]);
  // With the documents the tasks change their index; the swap itself belongs to no single one.
  await pod.write('POST', '/swap-indexes', [{ indexes: ['mine-1', 'other'] }]);
  expect(await seen()).toEqual([other['uid']]);
  expect((await pod.send('GET', `/tasks/${String(mine['uid'])}`, undefined, headers)).status).toBe(
    404,
  );
  const deleting = await pod.send('DELETE', '/tasks?uids=*', undefined, headers);
  expect(await pod.task(deleting.body['taskUid'])).toMatchObject({ details: { deletedTasks: 1 } });
  expect((await pod.send('GET', `/tasks/${String(mine['uid'])}`)).status).toBe(200);
});

test('a swap gives earlier tasks the new name of their index, and later ones not', async () => {
  const left = await pod.write('POST', '/indexes', { uid: 'swap-a' });
  const right = await pod.write('POST', '/indexes', { uid: 'swap-b' });
  // These may still be open when the swap comes: it waits for them.
  const open = await Promise.all(
    [1, 2, 3].map((id) => pod.send('POST', '/indexes/swap-a/documents?primaryKey=id', [{ id }])),
  );
  const swap = await pod.write('POST', '/swap-indexes', [{ indexes: ['swap-a', 'swap-b'] }]);
  const later = await pod.write('POST', '/indexes/swap-a/documents?primaryKey=id', [{ id: 9 }]);
  const nameOf = async (uid: JsonValue | undefined): Promise<JsonValue> =>
    (await pod.task(uid))['indexUid'] ?? null;
  expect(await nameOf(left['uid'])).toBe('swap-b');
  expect(await nameOf(right['uid'])).toBe('swap-a');
  for (const { body } of open) expect(await nameOf(body['taskUid'])).toBe('swap-b');
  expect(await nameOf(later['uid'])).toBe('swap-a');
  expect(swap['details']).toEqual({ swaps: [{ indexes: ['swap-a', 'swap-b'], rename: false }] });
  const back = await pod.write('POST', '/swap-indexes', [{ indexes: ['swap-b', 'swap-a'] }]);
  expect(back['status']).toBe('succeeded');
  expect(await nameOf(left['uid'])).toBe('swap-a');
  expect((await pod.task(swap['uid']))['details']).toEqual({
    swaps: [{ indexes: ['swap-b', 'swap-a'], rename: false }],
  });
});

test('a batch is one task', async () => {
  const task = await pod.write('POST', '/indexes/batch/documents?primaryKey=id', [{ id: 1 }]);
  const { body } = await pod.send('GET', `/batches/${String(task['batchUid'])}`);
  expect(body).toMatchObject({
    uid: task['batchUid'],
    details: task['details'],
    stats: { totalNbTasks: 1, status: { succeeded: 1 }, indexUids: { batch: 1 } },
  });
});
