/**
 * Goal: writes of one index have one order, and none begins that a copy could miss.
 * Method: every answer is provoked on a real Valkey, with two stores of one prefix as two pods.
 */
import { epoch, indexUid, nodeId, physicalUid, podId } from '../../core/ids';
import type { PodId } from '../../core/ids';
import { waitFor } from '../support/wait-for';
import {
  acquireWriter,
  audit,
  beginRequest,
  begun,
  draft,
  index,
  makeIndex,
  nextNonce,
  openStore,
  podA,
  podB,
  products,
  setReplicas,
  shards,
  task,
} from './support';
import type { OpenStore } from './support';

let pod: OpenStore;
let other: OpenStore;

beforeEach(() => {
  pod = openStore();
  other = openStore({ prefix: pod.prefix });
});
afterEach(async () => {
  await Promise.all([pod.close(), other.close()]);
});

const writers = (): OpenStore['store']['writers'] => pod.store.writers;

describe('begin', () => {
  test('allocates uid and sequences, stores the task and the intent', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA);
    const request = beginRequest({ fence, epoch: at, sequences: 5, shards: shards(0, 2) });
    expect(await writers().begin(request)).toEqual({
      kind: 'ok',
      taskUid: 0,
      firstSequence: 0,
      epoch: 1,
    });
    expect(await pod.store.tasks.get(task(0).uid)).toEqual(task(0, { status: 'enqueuing' }));
    expect(await pod.store.tasks.open()).toEqual([0]);
    const [write] = await writers().outstanding(products);
    expect(write).toEqual({
      taskUid: 0,
      pod: podA,
      fence,
      nonce: request.nonce,
      shards: [0, 2],
      epoch: 1,
      beganAt: expect.any(Number) as number,
    });
    const second = begun(await writers().begin(beginRequest({ fence, epoch: at })));
    expect(second).toMatchObject({ taskUid: 1, firstSequence: 5 });
  });

  test('the same nonce gives the same answer, so a lost reply may be asked for again', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA);
    const request = beginRequest({ fence, epoch: at, sequences: 3 });
    const first = await writers().begin(request);
    expect(await writers().begin(request)).toEqual(first);
    expect(await pod.store.tasks.open()).toEqual([0]);
    const next = begun(await writers().begin(beginRequest({ fence, epoch: at })));
    expect(next.firstSequence).toBe(3);
  });

  test('is refused with another epoch', async () => {
    await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA);
    expect(await writers().begin(beginRequest({ fence, epoch: epoch(0) }))).toEqual({
      kind: 'epoch-moved',
      epoch: 1,
    });
    expect(await pod.store.tasks.lastUid()).toBeNull();
  });

  test.each([
    ['no lease was ever taken', podA, null],
    ['another pod holds it', podB, 1],
    ['the fence is old', podA, 0],
  ])('is refused when %s', async (_, asking, fence) => {
    const at = await makeIndex(pod.store);
    if (fence !== null) await acquireWriter(pod.store, podA);
    const request = beginRequest({ pod: asking, fence: fence ?? 1, epoch: at });
    expect(await writers().begin(request)).toEqual({ kind: 'lease-lost' });
    expect(await writers().outstanding(products)).toEqual([]);
  });

  test('is refused when the lease ran out, even if nobody took it', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA, 1);
    await waitFor(async () => !(await writers().renew(products, podA, fence, 1)).ok, {
      what: 'the end of the lease',
    });
    expect(await writers().begin(beginRequest({ fence, epoch: at }))).toEqual({
      kind: 'lease-lost',
    });
  });

  test('waits for a fence on a touched shard, and for no other', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA);
    await pod.store.fences.raise(products, shards(1, 2), 'move', 10_000);
    const touching = { fence, epoch: at, shards: shards(0, 1) };
    const refused = await writers().begin(beginRequest(touching));
    expect(refused.kind).toBe('fenced');
    if (refused.kind === 'fenced') {
      expect(refused.retryMs).toBeGreaterThan(0);
      expect(refused.retryMs).toBeLessThanOrEqual(50);
    }
    const all = await writers().begin(beginRequest({ ...touching, shards: 'all' }));
    expect(all.kind).toBe('fenced');
    begun(await writers().begin(beginRequest({ ...touching, shards: shards(0, 3) })));
    await pod.store.fences.lower(products, 'move');
    begun(await writers().begin(beginRequest(touching)));
  });

  test('wants the journals of just the copies that are syncing now', async () => {
    const at = await makeIndex(pod.store, ['a:in-sync b:syncing', 'a:in-sync']);
    const fence = await acquireWriter(pod.store, podA);
    const request = beginRequest({ fence, epoch: at });
    expect(await writers().begin(request)).toEqual({ kind: 'journal-missing' });
    expect(await writers().begin(beginRequest({ ...request, shards: 'all' }))).toEqual({
      kind: 'journal-missing',
    });
    begun(await writers().begin(beginRequest({ fence, epoch: at, shards: shards(1) })));
    await pod.store.journals.note(
      products,
      shards(0),
      [{ shard: shards(0)[0]!, target: nodeId('b'), ids: ['x'] }],
      request.nonce,
    );
    begun(await writers().begin(request));
  });

  test('a note for one target does not stand for another', async () => {
    await makeIndex(pod.store, ['a:in-sync b:syncing']);
    const fence = await acquireWriter(pod.store, podA);
    const nonce = nextNonce(podA);
    const note = (target: string): Promise<void> =>
      pod.store.journals.note(
        products,
        shards(0),
        [{ shard: shards(0)[0]!, target: nodeId(target), ids: ['x'] }],
        nonce,
      );
    await note('b');
    const { epoch: at } = await pod.store.fleet.update(audit, () => [
      setReplicas(0, 'a:in-sync b:syncing c:syncing'),
    ]);
    const request = beginRequest({ fence, epoch: at, nonce });
    expect(await writers().begin(request)).toEqual({ kind: 'journal-missing' });
    await note('c');
    begun(await writers().begin(request));
  });

  test('an abandoned nonce cannot begin where a copy is syncing', async () => {
    const at = await makeIndex(pod.store, ['a:in-sync b:syncing']);
    const fence = await acquireWriter(pod.store, podA);
    const request = beginRequest({ fence, epoch: at });
    await pod.store.journals.note(
      products,
      shards(0),
      [{ shard: shards(0)[0]!, target: nodeId('b'), ids: ['x'] }],
      request.nonce,
    );
    expect(await pod.store.journals.abandon(products, request.nonce)).toBe(true);
    expect(await writers().begin(request)).toEqual({ kind: 'journal-missing' });
  });

  test('applies its changes with the epoch one higher, or nothing at all', async () => {
    const fresh = physicalUid('fresh-1');
    await writers().acquire(fresh, podA, 10_000);
    const request = beginRequest({
      physicalUid: fresh,
      epoch: epoch(0),
      changes: [
        { op: 'set-index', entry: index('fresh', fresh, 2) },
        setReplicas(0, 'a:in-sync', { physical: fresh }),
        setReplicas(1, 'b:in-sync', { physical: fresh }),
      ],
    });
    expect(begun(await writers().begin(request)).epoch).toBe(1);
    const fleet = await pod.store.fleet.load();
    expect(fleet.epoch).toBe(1);
    expect(fleet.indexes[0]?.uid).toBe('fresh');
    const [entry] = await pod.store.fleet.log(1);
    expect(entry).toMatchObject({ who: podA, what: 'documentAdditionOrUpdate', epoch: 1 });
    const late = { ...request, nonce: nextNonce(podA) };
    expect((await writers().begin(late)).kind).toBe('epoch-moved');
    expect((await pod.store.fleet.load()).epoch).toBe(1);
  });

  test('a task of no index needs no lease', async () => {
    const request = beginRequest({ physicalUid: null, fence: null, epoch: epoch(0), shards: [] });
    const { taskUid } = begun(await writers().begin(request));
    expect((await writers().outstanding(null)).map((write) => write.taskUid)).toEqual([taskUid]);
    expect(await writers().commit({ ...request, taskUid, task: task(taskUid), stale: [] })).toEqual(
      { kind: 'ok', epoch: 0 },
    );
    expect(await writers().outstanding(null)).toEqual([]);
  });

  test('an idempotency key leads to its task, or is refused with another body', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA);
    const idempotency = { key: 'order "7"\n', bodyHash: 'h1', ttlMs: 60_000 };
    const { taskUid } = begun(
      await writers().begin(beginRequest({ fence, epoch: at, idempotency })),
    );
    expect(await writers().begin(beginRequest({ fence, epoch: at, idempotency }))).toEqual({
      kind: 'repeated',
      taskUid,
    });
    const other = { ...idempotency, bodyHash: 'h2' };
    expect(await writers().begin(beginRequest({ fence, epoch: at, idempotency: other }))).toEqual({
      kind: 'key-reused',
    });
    expect(await pod.store.idempotency.get(idempotency.key)).toEqual({
      key: idempotency.key,
      bodyHash: 'h1',
      taskUid,
      expiresAt: expect.any(Number) as number,
    });
    expect(await pod.store.tasks.lastUid()).toBe(taskUid);
  });

  test('an idempotency key can be used again when its time is over', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA);
    const idempotency = { key: 'k', bodyHash: 'h', ttlMs: 20 };
    const first = begun(await writers().begin(beginRequest({ fence, epoch: at, idempotency })));
    const second = await waitFor(
      async () => {
        const answer = await writers().begin(beginRequest({ fence, epoch: at, idempotency }));
        return answer.kind === 'ok' ? answer : null;
      },
      { what: 'the end of the key' },
    );
    expect(second.taskUid).toBe(first.taskUid + 1);
  });

  test('idempotency keys beyond their bound push out those that expire first', async () => {
    const small = openStore({ prefix: pod.prefix, idempotencyKeysMax: 3 });
    try {
      const at = await makeIndex(small.store);
      const fence = await acquireWriter(small.store, podA);
      for (let i = 0; i < 5; i += 1) {
        const idempotency = { key: `k${i}`, bodyHash: 'h', ttlMs: 60_000 + i * 1_000 };
        begun(await small.store.writers.begin(beginRequest({ fence, epoch: at, idempotency })));
      }
      expect((await small.store.idempotency.list()).map((record) => record.key)).toEqual([
        'k2',
        'k3',
        'k4',
      ]);
      expect(await small.store.idempotency.get('k0')).toBeNull();
    } finally {
      await small.close();
    }
  });

  test('100 at once over two pods: dense uids, disjoint sequences in the same order', async () => {
    const at = await makeIndex(pod.store);
    const results: { uid: number; first: number; count: number }[] = [];
    const write = async (opened: OpenStore, id: PodId): Promise<void> => {
      for (let left = 50; left > 0;) {
        const lease = await opened.store.writers.acquire(products, id, 10_000);
        if (!lease.ok) {
          await new Promise((resolve) => setImmediate(resolve));
          continue;
        }
        const batch = Math.min(left, 10);
        const answers = await Promise.all(
          Array.from({ length: batch }, async (_, i) => {
            const sequences = (i * 7) % 4;
            const request = beginRequest({ pod: id, fence: lease.fence, epoch: at, sequences });
            const { taskUid, firstSequence } = begun(await opened.store.writers.begin(request));
            const done = { ...request, taskUid, task: task(taskUid), stale: [] };
            expect(await opened.store.writers.commit(done)).toEqual({ kind: 'ok', epoch: at });
            return { uid: taskUid, first: firstSequence, count: sequences };
          }),
        );
        results.push(...answers);
        left -= batch;
        await opened.store.writers.release(products, id, lease.fence);
      }
    };
    await Promise.all([write(pod, podA), write(other, podB)]);
    results.sort((x, y) => x.uid - y.uid);
    expect(results.map((result) => result.uid)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    let next = 0;
    for (const { first, count } of results) {
      if (count === 0) continue;
      expect(first).toBe(next);
      next += count;
    }
    expect(await writers().outstanding(products)).toEqual([]);
    expect(await writers().unsettled()).toEqual([]);
  });
});

test('a draft that names other indexes is found by them', async () => {
  const request = beginRequest({
    pod: podId('swapper'),
    physicalUid: null,
    fence: null,
    epoch: epoch(0),
    shards: [],
    task: draft({ indexUid: null, type: 'indexSwap', extra: { indexUids: ['x', 'y'] } }),
  });
  const { taskUid } = begun(await writers().begin(request));
  const { tasks } = await pod.store.tasks.list({
    limit: 20,
    filter: { indexUids: [indexUid('y')] },
  });
  expect(tasks.map((one) => one.uid)).toEqual([taskUid]);
});
