/**
 * Goal: the store works on a Redis Cluster: no script or transaction touches keys of two slots.
 * Method: one Valkey in cluster mode with all slots refuses what crosses slots, as a cluster does; one
 * write, one move and one record of each way of storing go through it.
 */
import { epoch, fleetTaskUid, indexUid, nodeId } from '../../core/ids';
import { connectRedis } from '../../store/connect';
import { valkeyOnDisk } from '../support/valkey-for-store';
import type { ValkeyOnDisk } from '../support/valkey-for-store';
import { waitFor } from '../support/wait-for';
import {
  acquireWriter,
  audit,
  beginRequest,
  begun,
  makeIndex,
  openStore,
  podA,
  products,
  rowOf,
  setReplicas,
  shards,
  task,
} from './support';

let server: ValkeyOnDisk;

beforeAll(async () => {
  server = await valkeyOnDisk(['--cluster-enabled', 'yes']);
  await server.start();
  const redis = connectRedis(server.url);
  await redis.cluster('ADDSLOTSRANGE', 0, 16_383);
  await waitFor(async () => (await redis.cluster('INFO')).includes('cluster_state:ok'), {
    what: 'the cluster',
  });
  redis.disconnect();
}, 120_000);
afterAll(async () => server.close());

test('a write, a move and the records need one slot each time', async () => {
  const pod = openStore({ prefix: 'cluster' }, server.url);
  const { store } = pod;
  try {
    await expect(pod.redis.mset('a', 1, 'b', 2)).rejects.toThrow('CROSSSLOT');

    const at = await makeIndex(store, ['a:in-sync b:syncing', 'a:in-sync']);
    await store.pods.register({ id: podA, kind: 'api', nodeKeyUid: 'k' });
    await store.pods.heartbeat(podA, at);
    expect(await store.pods.lagging(at)).toEqual([]);

    const fence = await acquireWriter(store, podA);
    const idempotency = { key: 'k', bodyHash: 'h', ttlMs: 60_000 };
    const request = beginRequest({ fence, epoch: at, idempotency });
    const [shard] = request.shards as ReturnType<typeof shards>;
    const target = nodeId('b');
    await store.journals.note(
      products,
      shards(0),
      [{ shard: shard!, target, ids: ['x'] }],
      request.nonce,
    );
    const { taskUid } = begun(await store.writers.begin(request));
    const done = { ...request, taskUid, task: task(taskUid), stale: [] };
    expect(await store.writers.commit(done)).toEqual({ kind: 'ok', epoch: at });
    const { ids } = await store.journals.read(products, shard!, target, 10);
    await store.journals.cross(products, shard!, target, ids);

    const number = (await store.attempts.nextAttempt('run', 0)) ?? 0;
    await store.fences.raise(products, shards(0), 'fence', 10_000);
    const joined = await store.join(products, {
      fenceToken: 'fence',
      attempt: { runKey: 'run', number },
      epoch: at,
      changes: [setReplicas(0, 'a:in-sync b:joined')],
      audit,
    });
    expect(joined).toEqual({ kind: 'ok', epoch: epoch(at + 1) });
    expect(await rowOf(store, 0)).toBe('a:in-sync b:joined');
    await store.fences.lower(products, 'fence');
    await store.writers.release(products, podA, fence);

    await store.tasks.save(task(taskUid, { status: 'succeeded' }));
    const filter = { statuses: ['succeeded' as const], indexUids: [indexUid('products')] };
    expect((await store.tasks.list({ limit: 1, filter })).total).toBe(1);
    expect((await store.tasks.list({ limit: 1 })).total).toBe(1);
    expect(await store.tasks.delete([taskUid, fleetTaskUid(9)])).toBe(1);

    expect((await store.idempotency.list()).map((record) => record.key)).toEqual(['k']);
    expect(await store.idempotency.delete('k')).toBe(true);
    const run = { canaryId: 'c', at: 1, ok: true, failures: [], latencyMs: 1 };
    await store.canaryRuns.add(run);
    expect(await store.canaryRuns.list('c', 1)).toEqual([run]);
    const lease = await store.leases.acquire('sweep', 'one', 60_000);
    expect(await store.leases.get('sweep')).toEqual(lease);
    await store.pods.unregister(podA);
    expect(await store.pods.list()).toEqual([]);
  } finally {
    await pod.close();
  }
}, 60_000);
