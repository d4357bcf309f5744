/**
 * Goal: a killed Redis that comes back from its append-only file has lost nothing, and no command hangs
 * while it is away.
 * Method: a Valkey of this file's own is killed with SIGKILL and started again on its port and data.
 */
import { epoch, nodeId } from '../../core/ids';
import { valkeyOnDisk } from '../support/valkey-for-store';
import type { ValkeyOnDisk } from '../support/valkey-for-store';
import { waitFor } from '../support/wait-for';
import {
  acquireWriter,
  audit,
  beginRequest,
  begun,
  makeIndex,
  node,
  openStore,
  podA,
  products,
  shards,
  task,
} from './support';
import type { OpenStore } from './support';

let server: ValkeyOnDisk;
let pod: OpenStore;

beforeAll(async () => {
  server = await valkeyOnDisk();
  await server.start();
  pod = openStore({ prefix: 'restart', waitAof: { replicas: 0, ms: 1_000 } }, server.url);
}, 120_000);
afterAll(async () => {
  await pod.close();
  await server.close();
});

test('nothing is lost, nothing hangs, and the same connection goes on', async () => {
  const { store } = pod;
  const at = await makeIndex(store, ['a:in-sync b:syncing', 'a:in-sync']);
  await store.pods.register({ id: podA, kind: 'api', nodeKeyUid: 'k' });
  const fence = await acquireWriter(store, podA, 600_000);
  const request = beginRequest({ fence, epoch: at, sequences: 7 });
  const journal = { shard: shards(0)[0]!, target: nodeId('b'), ids: ['x', 'y'] };
  await store.journals.note(products, shards(0), [journal], request.nonce);
  const answer = begun(await store.writers.begin(request));
  await store.apiKeys.create({
    uid: 'u',
    name: null,
    description: null,
    actions: ['*'],
    indexes: ['*'],
    expiresAt: null,
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
  });
  const before = await store.fleet.load();
  const outstanding = await store.writers.outstanding(products);
  const heard: number[] = [];
  store.fleet.watch((moved) => heard.push(moved));

  await server.kill();

  const began = Date.now();
  const away = await Promise.allSettled([
    store.fleet.load(),
    store.tasks.list({ limit: 1 }),
    store.writers.begin(beginRequest({ fence, epoch: at, shards: shards(1) })),
  ]);
  expect(away.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(Date.now() - began).toBeLessThan(10_000);

  await server.start();
  const after = await waitFor(async () => store.fleet.load(), {
    what: 'the connection',
    deadlineMs: 20_000,
  });

  expect(after).toEqual(before);
  expect(await store.writers.outstanding(products)).toEqual(outstanding);
  expect(await store.journals.pending(products)).toEqual([request.nonce]);
  expect(await store.journals.size(products, journal.shard, journal.target)).toBe(2);
  expect(await store.apiKeys.count()).toBe(1);
  expect(await store.pods.heartbeat(podA, at)).toMatchObject({ epoch: at });

  // A begin whose reply was lost is asked for again, and the write goes on from there.
  expect(await store.writers.begin(request)).toEqual(answer);
  const done = { ...request, taskUid: answer.taskUid, task: task(answer.taskUid), stale: [] };
  expect(await store.writers.commit(done)).toEqual({ kind: 'ok', epoch: at });
  const next = beginRequest({ fence, epoch: at, shards: shards(1) });
  expect(begun(await store.writers.begin(next))).toMatchObject({
    taskUid: answer.taskUid + 1,
    firstSequence: 7,
  });

  // Subscriptions come back, too.
  let last = epoch(0);
  await waitFor(
    async () => {
      ({ epoch: last } = await store.fleet.update(audit, () => [
        { op: 'set-node', node: node('c') },
      ]));
      return heard.length > 0;
    },
    { what: 'an epoch after the restart' },
  );
  expect(last).toBeGreaterThan(at);
}, 60_000);
