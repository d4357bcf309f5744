/**
 * Goal: a copy becomes joined only when nothing acknowledged is missing in it and nobody else acts on it.
 * Method: fences, attempts and every answer of join, on a real Valkey.
 */
import { epoch, nodeId } from '../../core/ids';
import type { Epoch } from '../../core/ids';
import type { JoinRequest } from '../../store/types';
import { waitFor } from '../support/wait-for';
import {
  acquireWriter,
  audit,
  beginRequest,
  begun,
  makeIndex,
  nextNonce,
  openStore,
  podA,
  products,
  rowOf,
  setReplicas,
  shards,
  task,
} from './support';
import type { OpenStore } from './support';

const runKey = 'sync/products-1/a/b';
const target = nodeId('b');
let pod: OpenStore;

beforeEach(() => {
  pod = openStore();
});
afterEach(async () => pod.close());

describe('fences', () => {
  const fences = (): OpenStore['store']['fences'] => pod.store.fences;

  test('all shards or none; another token waits until they are lowered', async () => {
    expect(await fences().raise(products, shards(0, 1), 'one', 10_000)).toBe(true);
    expect(await fences().raise(products, shards(1, 2), 'two', 10_000)).toBe(false);
    expect(await fences().raise(products, shards(2), 'two', 10_000)).toBe(true);
    expect(await fences().held(products, 'one')).toBe(true);
    await fences().lower(products, 'one');
    expect(await fences().held(products, 'one')).toBe(false);
    expect(await fences().held(products, 'two')).toBe(true);
    expect(await fences().raise(products, shards(1, 2), 'two', 10_000)).toBe(true);
  });

  test('a fence ends by itself and can then be raised by another', async () => {
    await fences().raise(products, shards(0), 'one', 30);
    await waitFor(async () => fences().raise(products, shards(0), 'two', 10_000), {
      what: 'the end of the fence',
    });
    expect(await fences().held(products, 'one')).toBe(false);
    expect(await fences().held(products, 'two')).toBe(true);
  });

  test('the same token prolongs all its shards', async () => {
    await fences().raise(products, shards(0, 1), 'one', 300);
    await fences().raise(products, shards(0), 'one', 10_000);
    const start = await pod.store.pods.time();
    await waitFor(async () => (await pod.store.pods.time()) > start + 310, { what: 'the clock' });
    expect(await fences().held(products, 'one')).toBe(true);
    expect(await fences().raise(products, shards(1), 'two', 10_000)).toBe(false);
  });

  test('an empty token or no shard is refused', async () => {
    await expect(fences().raise(products, [], 'one', 1)).rejects.toThrow(RangeError);
    await expect(fences().raise(products, shards(0), '', 1)).rejects.toThrow(RangeError);
  });
});

test('attempt numbers rise for each run, and only the newest is current', async () => {
  const { attempts } = pod.store;
  expect(await attempts.isCurrent(runKey, 0)).toBe(false);
  const numbers = await Promise.all(
    Array.from({ length: 20 }, () => attempts.nextAttempt(runKey, 0)),
  );
  expect(numbers.map(Number).sort((a, b) => a - b)).toEqual(
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  expect(await attempts.isCurrent(runKey, 20)).toBe(true);
  expect(await attempts.isCurrent(runKey, 19)).toBe(false);
  expect(await attempts.nextAttempt('another run', 0)).toBe(1);
});

test('an attempt that was scheduled before the newest gets no number, however late it asks', async () => {
  const { attempts } = pod.store;
  expect(await attempts.nextAttempt(runKey, 1_000)).toBe(1);
  expect(await attempts.nextAttempt(runKey, 999)).toBeNull();
  expect(await attempts.isCurrent(runKey, 1)).toBe(true);
  expect(await attempts.nextAttempt(runKey, 1_000)).toBe(2);
});

test('the table is not changed for an attempt that is not the newest', async () => {
  const at = await makeIndex(pod.store, ['a:in-sync', 'a:in-sync', 'a:in-sync', 'a:in-sync']);
  await pod.store.attempts.nextAttempt(runKey, 0);
  const change = (number: number) =>
    pod.store.fleet.update(audit, () => [setReplicas(0, 'a:in-sync b:syncing')], {
      runKey,
      number,
    });
  await expect(change(0)).rejects.toMatchObject({ code: 'store_attempt_old' });
  expect(await pod.store.fleet.epoch()).toBe(at);
  expect((await change(1)).epoch).toBe(at + 1);
});

describe('join', () => {
  let at: Epoch;
  let request: JoinRequest;

  beforeEach(async () => {
    at = await makeIndex(pod.store, [
      'a:in-sync b:syncing',
      'a:in-sync b:syncing',
      'a:in-sync',
      'a:in-sync',
    ]);
    const number = (await pod.store.attempts.nextAttempt(runKey, 0)) ?? 0;
    await pod.store.fences.raise(products, shards(0, 1), 'fence-1', 10_000);
    request = {
      fenceToken: 'fence-1',
      attempt: { runKey, number },
      epoch: at,
      changes: [setReplicas(0, 'a:in-sync b:joined'), setReplicas(1, 'a:in-sync b:joined')],
      audit,
    };
  });

  const note = async (nonce: string, ids: readonly string[]): Promise<void> =>
    pod.store.journals.note(products, shards(0), [{ shard: shards(0)[0]!, target, ids }], nonce);

  test('makes the targets joined with the epoch one higher', async () => {
    expect(await pod.store.join(products, request)).toEqual({ kind: 'ok', epoch: at + 1 });
    expect(await rowOf(pod.store, 0)).toBe('a:in-sync b:joined');
    expect(await rowOf(pod.store, 1)).toBe('a:in-sync b:joined');
    expect((await pod.store.fleet.log(1))[0]).toMatchObject({ who: 'test', epoch: at + 1 });
  });

  test('is refused when the fence is lowered, or covers less', async () => {
    const more = {
      ...request,
      changes: [...request.changes, setReplicas(2, 'a:in-sync b:joined')],
    };
    expect(await pod.store.join(products, more)).toEqual({ kind: 'no', reason: 'fence-lost' });
    await pod.store.fences.lower(products, 'fence-1');
    expect(await pod.store.join(products, request)).toEqual({ kind: 'no', reason: 'fence-lost' });
    expect(await pod.store.fleet.epoch()).toBe(at);
  });

  test('is refused when the fence is another one', async () => {
    await pod.store.fences.lower(products, 'fence-1');
    await pod.store.fences.raise(products, shards(0, 1), 'fence-2', 10_000);
    expect(await pod.store.join(products, request)).toEqual({ kind: 'no', reason: 'fence-lost' });
  });

  test('is refused to an older attempt', async () => {
    await pod.store.attempts.nextAttempt(runKey, 0);
    expect(await pod.store.join(products, request)).toEqual({ kind: 'no', reason: 'attempt-old' });
  });

  test('is refused with another epoch', async () => {
    const old = { ...request, epoch: epoch(at - 1) };
    expect(await pod.store.join(products, old)).toEqual({ kind: 'no', reason: 'epoch-moved' });
  });

  test.each([
    ['of one of the shards', shards(3, 0), false],
    ['of the whole index', 'all' as const, false],
    ['of other shards', shards(2, 3), true],
  ])('with a write outstanding %s', async (_, touched, joins) => {
    await pod.store.fences.lower(products, 'fence-1');
    const fence = await acquireWriter(pod.store, podA);
    const nonce = nextNonce(podA);
    await pod.store.journals.note(
      products,
      shards(0, 1),
      shards(0, 1).map((shard) => ({ shard, target, ids: [] })),
      nonce,
    );
    const write = beginRequest({ fence, epoch: at, nonce, shards: touched });
    const { taskUid } = begun(await pod.store.writers.begin(write));
    await pod.store.fences.raise(products, shards(0, 1), 'fence-1', 10_000);
    const result = await pod.store.join(products, request);
    if (joins) {
      expect(result.kind).toBe('ok');
      return;
    }
    expect(result).toEqual({ kind: 'no', reason: 'outstanding' });
    const committed = { ...write, taskUid, task: task(taskUid), stale: [] };
    await pod.store.writers.commit(committed);
    expect((await pod.store.join(products, request)).kind).toBe('ok');
  });

  test('is refused while a settled write is not copied', async () => {
    await note('pod-a:x', ['x']);
    await pod.store.journals.abandon(products, 'pod-a:x');
    expect(await pod.store.join(products, request)).toEqual({ kind: 'no', reason: 'journal' });
    const { ids } = await pod.store.journals.read(products, shards(0)[0]!, target, 10);
    await pod.store.journals.cross(products, shards(0)[0]!, target, ids);
    expect((await pod.store.join(products, request)).kind).toBe('ok');
  });

  test('is not held up by the notes of writers that wait for the fence', async () => {
    const fence = await acquireWriter(pod.store, podA);
    const waiting = beginRequest({ fence, epoch: at });
    await note(
      waiting.nonce,
      Array.from({ length: 3_000 }, (_, i) => `id-${i}`),
    );
    expect((await pod.store.writers.begin(waiting)).kind).toBe('fenced');
    expect((await pod.store.join(products, request)).kind).toBe('ok');
    expect(await pod.store.journals.size(products, shards(0)[0]!, target)).toBe(0);
    expect(await pod.store.writers.begin(waiting)).toEqual({ kind: 'epoch-moved', epoch: at + 1 });
    await pod.store.fences.lower(products, 'fence-1');
    begun(await pod.store.writers.begin({ ...waiting, epoch: epoch(at + 1) }));
  });

  test('is not held up by a writer that notes and begins again with its nonce', async () => {
    const fence = await acquireWriter(pod.store, podA);
    const waiting = beginRequest({ fence, epoch: at });
    for (let tries = 0; tries < 5; tries += 1) {
      await note(waiting.nonce, ['x', 'y']);
      expect((await pod.store.writers.begin(waiting)).kind).toBe('fenced');
    }
    expect((await pod.store.join(products, request)).kind).toBe('ok');
  });

  test('waits for the copy of what a writer noted and gave up', async () => {
    const fence = await acquireWriter(pod.store, podA);
    const waiting = beginRequest({ fence, epoch: at });
    await note(waiting.nonce, ['x']);
    expect((await pod.store.writers.begin(waiting)).kind).toBe('fenced');
    await pod.store.journals.abandon(products, waiting.nonce);
    expect(await pod.store.join(products, request)).toEqual({ kind: 'no', reason: 'journal' });
  });

  test('finds one settled write among many waiting ones', async () => {
    await note('pod-a:settled', ['needle']);
    await pod.store.journals.abandon(products, 'pod-a:settled');
    await note(
      'pod-a:waiting',
      Array.from({ length: 3_000 }, (_, i) => `id-${i}`),
    );
    expect(await pod.store.join(products, request)).toEqual({ kind: 'no', reason: 'journal' });
  });

  test('is refused when it joins nothing', async () => {
    const nothing = { ...request, changes: [setReplicas(0, 'a:in-sync')] };
    await expect(pod.store.join(products, nothing)).rejects.toThrow(RangeError);
  });
});
