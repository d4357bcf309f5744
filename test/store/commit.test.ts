/**
 * Goal: what began is settled exactly once, and a shard keeps an in-sync replica.
 * Method: every answer is provoked on a real Valkey, with two stores of one prefix as two pods.
 */
import { nodeId } from '../../core/ids';
import { waitFor } from '../support/wait-for';
import {
  acquireWriter,
  audit,
  beginRequest,
  begun,
  makeIndex,
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

  test('never marks the last in-sync replica of a shard, and all others that may differ from it', async () => {
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
    expect(await rowOf(pod.store, 0, 1)).toBe('g:stale');
    expect(await rowOf(pod.store, 1)).toBe('a:in-sync');
    expect(await rowOf(pod.store, 1, 1)).toBe('g:stale');
    expect(await rowOf(pod.store, 2)).toBe('a:stale');
    expect(await writers().outstanding(products)).toEqual([]);
  });

  test('a write that only a copy that began to leave took meanwhile has failed', async () => {
    const { request } = await oneBegun(['a:in-sync b:in-sync']);
    const { taskUid } = request;
    await pod.store.fleet.update(audit, () => [setReplicas(0, 'a:leaving b:in-sync')]);
    const error = { message: 'm', code: 'miroir_no_quorum', type: 'system', link: 'l' };
    const untaken = { ...task(taskUid), status: 'failed' as const, error: error as never };
    const result = await writers().commit({
      ...{ ...request, task: task(taskUid), untaken },
      stale: stale([0, 0, 'b']),
    });
    expect(result).toMatchObject({ kind: 'last-in-sync', shards: [0] });
    expect(await rowOf(pod.store, 0)).toBe('a:leaving b:in-sync');
    expect(await pod.store.tasks.get(taskUid)).toMatchObject({ status: 'failed', error });
    expect(await pod.store.tasks.open()).toEqual([]);
  });
});
