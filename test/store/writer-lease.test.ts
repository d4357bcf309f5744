/**
 * Goal: at most one pod writes an index, and its successor knows whom it must shut out.
 * Method: every answer is provoked on a real Valkey, with two stores of one prefix as two pods.
 */
import { epoch } from '../../core/ids';
import { waitFor } from '../support/wait-for';
import {
  acquireWriter,
  beginRequest,
  begun,
  makeIndex,
  openStore,
  podA,
  podB,
  products,
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
