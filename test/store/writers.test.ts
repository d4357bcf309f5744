/**
 * Goal: writes of one index have one order, whoever sends them; what is begun is settled exactly once.
 * Method: every answer of acquire, renew, release, begin and commit is provoked on a real Valkey; races
 * run over two stores of one prefix.
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
  rowOf,
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

describe('the writer lease', () => {
  test('one pod holds it, the other is refused and makes it wanted', async () => {
    expect(await writers().acquire(products, podA, 10_000)).toEqual({
      ok: true,
      fence: 1,
      previous: null,
    });
    expect(await writers().renew(products, podA, 1, 10_000)).toEqual({ ok: true, wanted: false });
    expect(await writers().acquire(products, podB, 10_000)).toEqual({ ok: false, holder: podA });
    expect(await writers().renew(products, podA, 1, 10_000)).toEqual({ ok: true, wanted: true });
  });

  test('a clean release leaves no predecessor and the fence rises', async () => {
    await writers().acquire(products, podA, 10_000);
    await writers().acquire(products, podB, 10_000);
    await writers().release(products, podA, 1);
    expect(await writers().acquire(products, podB, 10_000)).toEqual({
      ok: true,
      fence: 2,
      previous: null,
    });
    expect(await writers().renew(products, podB, 2, 10_000)).toEqual({ ok: true, wanted: false });
  });

  test('the holder prolongs under its fence', async () => {
    await writers().acquire(products, podA, 10_000);
    expect(await writers().acquire(products, podA, 10_000)).toMatchObject({ fence: 1 });
  });

  test('a lease that ran out names its holder to the next one', async () => {
    await writers().acquire(products, podA, 30);
    const result = await waitFor(
      async () => {
        const answer = await writers().acquire(products, podB, 10_000);
        return answer.ok ? answer : null;
      },
      { what: 'the end of the lease' },
    );
    expect(result).toEqual({ ok: true, fence: 2, previous: { pod: podA, fence: 1 } });
    expect(await writers().renew(products, podA, 1, 10_000)).toEqual({ ok: false, wanted: false });
  });

  test('a lease that ran out cannot be renewed by its own holder, only taken anew', async () => {
    await writers().acquire(products, podA, 20);
    const start = await pod.store.pods.time();
    await waitFor(async () => (await pod.store.pods.time()) > start + 25, { what: 'the clock' });
    expect((await writers().renew(products, podA, 1, 10_000)).ok).toBe(false);
    expect(await writers().acquire(products, podA, 10_000)).toEqual({
      ok: true,
      fence: 2,
      previous: null,
    });
  });

  test('a release with writes outstanding leaves the predecessor to be shut out', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA);
    begun(await writers().begin(beginRequest({ fence, epoch: at })));
    await writers().release(products, podA, fence);
    expect(await writers().acquire(products, podB, 10_000)).toEqual({
      ok: true,
      fence: 2,
      previous: { pod: podA, fence: 1 },
    });
  });

  test('a release with an old fence releases nothing', async () => {
    await writers().acquire(products, podA, 10_000);
    await writers().release(products, podA, 7);
    expect((await writers().acquire(products, podB, 10_000)).ok).toBe(false);
  });
});

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

describe('commit', () => {
  async function oneBegun(rows?: readonly string[]): Promise<{
    fence: number;
    request: ReturnType<typeof beginRequest> & { taskUid: ReturnType<typeof task>['uid'] };
  }> {
    const at = await makeIndex(pod.store, rows);
    const fence = await acquireWriter(pod.store, podA);
    const request = beginRequest({ fence, epoch: at });
    const { taskUid } = begun(await writers().begin(request));
    return { fence, request: { ...request, taskUid } };
  }
  const stale = (
    ...replicas: [group: number, shard: number, node: string][]
  ): Parameters<OpenStore['store']['writers']['commit']>[0]['stale'] =>
    replicas.map(([group, shard, id]) => ({
      group: group as never,
      shard: shard as never,
      node: nodeId(id),
    }));

  test('stores the task and ends the write', async () => {
    const { request } = await oneBegun();
    const final = task(request.taskUid, { customMetadata: 'm0' });
    expect(await writers().commit({ ...request, task: final, stale: [] })).toEqual({
      kind: 'ok',
      epoch: 1,
    });
    expect(await pod.store.tasks.get(request.taskUid)).toEqual(final);
    expect(await writers().outstanding(products)).toEqual([]);
    expect(await pod.store.journals.pending(products)).toEqual([]);
    expect(await pod.store.tasks.open()).toEqual([request.taskUid]);
  });

  test('of an older holder is refused, and the new one settles', async () => {
    const { request, fence } = await oneBegun();
    await writers().release(products, podA, fence);
    const next = await acquireWriter(other.store, podB);
    const late = { ...request, task: task(request.taskUid), stale: stale([0, 0, 'a']) };
    expect(await writers().commit(late)).toEqual({ kind: 'lease-lost' });
    expect(await pod.store.tasks.get(request.taskUid)).toMatchObject({ status: 'enqueuing' });
    const [write] = await other.store.writers.outstanding(products);
    expect(write).toMatchObject({ pod: podA, nonce: request.nonce });
    const failed = task(request.taskUid, { status: 'failed' });
    expect(
      await other.store.writers.commit({
        ...request,
        pod: podB,
        fence: next,
        task: failed,
        stale: [],
      }),
    ).toEqual({ kind: 'ok', epoch: 1 });
    expect(await pod.store.tasks.open()).toEqual([]);
    expect(await pod.store.tasks.get(request.taskUid)).toMatchObject({ status: 'failed' });
  });

  test('of a holder whose lease ran out stands while nobody took the lease', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA, 200);
    const request = beginRequest({ fence, epoch: at });
    const { taskUid } = begun(await writers().begin(request));
    await waitFor(async () => (await writers().unsettled()).length === 1, { what: 'the end' });
    expect(await writers().unsettled()).toEqual([products]);
    const done = { ...request, taskUid, task: task(taskUid), stale: [] };
    expect((await writers().commit(done)).kind).toBe('ok');
  });

  test('repeated, does not undo what happened to the task since', async () => {
    const { request } = await oneBegun();
    const done = { ...request, task: task(request.taskUid), stale: [] };
    await writers().commit(done);
    await pod.store.tasks.save(task(request.taskUid, { status: 'succeeded' }));
    expect(await writers().commit(done)).toEqual({ kind: 'ok', epoch: 1 });
    expect(await pod.store.tasks.get(request.taskUid)).toMatchObject({ status: 'succeeded' });
  });

  test('marks in-sync and joined replicas stale with the epoch one higher', async () => {
    const { request } = await oneBegun(['a:in-sync b:in-sync', 'a:in-sync b:joined c:leaving']);
    const result = await writers().commit({
      ...request,
      task: task(request.taskUid),
      stale: stale([0, 0, 'b'], [0, 1, 'b'], [0, 1, 'c']),
    });
    expect(result).toEqual({ kind: 'ok', epoch: 2 });
    expect(await rowOf(pod.store, 0)).toBe('a:in-sync b:stale');
    expect(await rowOf(pod.store, 1)).toBe('a:in-sync b:stale c:leaving');
    const [entry] = await pod.store.fleet.log(1);
    expect(entry).toMatchObject({ who: podA, what: 'mark-stale', epoch: 2 });
    expect(entry?.ops).toEqual([
      'set-replicas products-1 0/0 a:in-sync,b:stale',
      'set-replicas products-1 0/1 a:in-sync,b:stale,c:leaving',
    ]);
  });

  test('leaves the epoch when everything named is stale already', async () => {
    const { request } = await oneBegun(['a:in-sync b:stale']);
    const result = await writers().commit({
      ...request,
      task: task(request.taskUid),
      stale: stale([0, 0, 'b'], [0, 0, 'nobody'], [5, 0, 'a']),
    });
    expect(result).toEqual({ kind: 'ok', epoch: 1 });
  });

  test('never marks the last in-sync replica of a shard, counted over all groups', async () => {
    const at = await makeIndex(pod.store, ['a:in-sync', 'a:in-sync', 'a:in-sync']);
    const { epoch: second } = await pod.store.fleet.update(audit, () => [
      setReplicas(0, 'g:in-sync', { group: 1 }),
      setReplicas(1, 'g:joined', { group: 1 }),
      setReplicas(2, 'g:in-sync', { group: 1 }),
    ]);
    expect(second).toBe(at + 1);
    const fence = await acquireWriter(pod.store, podA);
    const request = beginRequest({ fence, epoch: second, shards: shards(0, 1, 2) });
    const { taskUid } = begun(await writers().begin(request));
    const result = await writers().commit({
      ...request,
      taskUid,
      task: task(taskUid),
      stale: stale([0, 2, 'a'], [0, 0, 'a'], [1, 0, 'g'], [0, 1, 'a'], [1, 1, 'g']),
    });
    expect(result).toEqual({ kind: 'last-in-sync', shards: [0, 1], epoch: 3 });
    expect(await rowOf(pod.store, 0)).toBe('a:in-sync');
    expect(await rowOf(pod.store, 0, 1)).toBe('g:in-sync');
    expect(await rowOf(pod.store, 1, 1)).toBe('g:joined');
    expect(await rowOf(pod.store, 2)).toBe('a:stale');
    expect(await writers().outstanding(products)).toEqual([]);
  });
});

describe('unsettled', () => {
  test('names tasks of no index when the pod that began them is gone', async () => {
    const request = beginRequest({ physicalUid: null, fence: null, epoch: epoch(0), shards: [] });
    await pod.store.pods.register({ id: podA, kind: 'api', nodeKeyUid: 'k' });
    begun(await writers().begin(request));
    expect(await writers().unsettled()).toEqual([]);
    await pod.store.pods.unregister(podA);
    expect(await writers().unsettled()).toEqual([null]);
  });

  test('does not name an index whose lease is held', async () => {
    const at = await makeIndex(pod.store);
    const fence = await acquireWriter(pod.store, podA);
    begun(await writers().begin(beginRequest({ fence, epoch: at })));
    expect(await writers().unsettled()).toEqual([]);
    await writers().release(products, podA, fence);
    expect(await writers().unsettled()).toEqual([products]);
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
