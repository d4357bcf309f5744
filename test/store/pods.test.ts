/**
 * Goal: a barrier is over only when no registered pod can still have a request of an older epoch.
 * Method: real leases of a few dozen milliseconds by the clock of Valkey, waited for by condition.
 */
import { epoch, podId } from '../../core/ids';
import { waitFor } from '../support/wait-for';
import { audit, makeIndex, node, openStore, podA, podB } from './support';
import type { OpenStore } from './support';

const opened: OpenStore[] = [];

function open(options: Parameters<typeof openStore>[0] = {}): OpenStore['store'] {
  const pod = openStore(options);
  opened.push(pod);
  return pod.store;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((pod) => pod.close()));
});

const a = { id: podA, kind: 'api', nodeKeyUid: 'key-a' } as const;
const b = { id: podB, kind: 'worker', nodeKeyUid: 'key-b' } as const;

test('registered pods are listed until they are unregistered', async () => {
  const store = open();
  const before = await store.pods.time();
  await store.pods.register(b);
  await store.pods.register(a);
  const pods = await store.pods.list();
  expect(pods).toEqual([
    expect.objectContaining({ ...a, alive: true, acknowledged: null }),
    expect.objectContaining({ ...b, alive: true, acknowledged: null }),
  ]);
  expect(pods[0]?.registeredAt).toBeGreaterThanOrEqual(before);
  expect(pods[0]?.leaseUntil).toBe((pods[0]?.registeredAt ?? 0) + 10_000);
  await store.pods.unregister(podA);
  expect((await store.pods.list()).map((pod) => pod.id)).toEqual([podB]);
});

test('with no pod there is nobody to wait for', async () => {
  const store = open();
  expect(await store.pods.lagging(epoch(5))).toEqual([]);
  expect(await store.pods.lastAcknowledgedAt(epoch(5))).toBe(0);
});

test('a heartbeat says the epoch and acknowledges the one it is given', async () => {
  const store = open();
  await makeIndex(store);
  await store.pods.register(a);
  expect(await store.pods.heartbeat(podA, epoch(0))).toEqual({ ok: true, epoch: 1 });
  expect(await store.pods.lagging(epoch(0))).toEqual([]);
  expect(await store.pods.lagging(epoch(1))).toEqual([podA]);
  expect(await store.pods.lastAcknowledgedAt(epoch(1))).toBeNull();
  await store.pods.heartbeat(podA, epoch(1));
  expect(await store.pods.lagging(epoch(1))).toEqual([]);
  expect((await store.pods.list())[0]?.acknowledged).toBe(1);
});

test('a barrier waits for every pod and remembers the first time, not the latest', async () => {
  const store = open();
  await store.pods.register(a);
  await store.pods.register(b);
  await store.pods.heartbeat(podA, epoch(3));
  expect(await store.pods.lagging(epoch(3))).toEqual([podB]);
  await store.pods.heartbeat(podB, epoch(4));
  const at = await store.pods.lastAcknowledgedAt(epoch(3));
  expect(at).not.toBeNull();
  await waitFor(async () => (await store.pods.time()) > (at ?? 0) + 5, { what: 'the clock' });
  await store.pods.heartbeat(podA, epoch(9));
  await store.pods.heartbeat(podB, epoch(9));
  expect(await store.pods.lastAcknowledgedAt(epoch(3))).toBe(at);
  expect(await store.pods.lastAcknowledgedAt(epoch(9))).toBeGreaterThan(at ?? 0);
});

test('many epochs are forgotten from the oldest, which only makes a barrier longer', async () => {
  const store = open();
  await store.pods.register(a);
  for (let n = 1; n <= 100; n += 1) await store.pods.heartbeat(podA, epoch(n));
  const first = await store.pods.lastAcknowledgedAt(epoch(1));
  expect(first).toBe(await store.pods.lastAcknowledgedAt(epoch(37)));
  expect(await store.pods.lagging(epoch(101))).toEqual([podA]);
});

test('a silent pod lags until its lease and the longest request are over', async () => {
  const store = open({ podLeaseMs: 60, requestDeadlineMs: 120 });
  await store.pods.register(a);
  const [pod] = await store.pods.list();
  const leaseUntil = pod?.leaseUntil ?? 0;
  await waitFor(async () => (await store.pods.list())[0]?.alive === false, { what: 'its end' });
  const during = await store.pods.lagging(epoch(1));
  // Only judged when the machine was quick enough to look within the deadline.
  if ((await store.pods.time()) < leaseUntil + 120) expect(during).toEqual([podA]);
  await waitFor(async () => (await store.pods.lagging(epoch(1))).length === 0, { what: 'release' });
  expect(await store.pods.time()).toBeGreaterThanOrEqual(leaseUntil + 120);
  expect(await store.pods.lastAcknowledgedAt(epoch(1))).toBe(leaseUntil);
});

test('a pod that lost its lease is told so and cannot come back without registering', async () => {
  const store = open({ podLeaseMs: 40 });
  await store.pods.register(a);
  await waitFor(async () => (await store.pods.list())[0]?.alive === false, { what: 'its end' });
  expect(await store.pods.heartbeat(podA, epoch(0))).toEqual({ ok: false, epoch: 0 });
  expect(await store.pods.heartbeat(podA, epoch(0))).toEqual({ ok: false, epoch: 0 });
  await store.pods.register({ ...a, nodeKeyUid: 'key-a2' });
  expect(await store.pods.heartbeat(podA, epoch(0))).toEqual({ ok: true, epoch: 0 });
  expect((await store.pods.list())[0]?.nodeKeyUid).toBe('key-a2');
});

test('a pod that was never registered has no heart to beat', async () => {
  const store = open();
  expect(await store.pods.heartbeat(podId('ghost'), epoch(0))).toEqual({ ok: false, epoch: 0 });
  expect(await store.pods.list()).toEqual([]);
});

test('registering again forgets what was acknowledged', async () => {
  const store = open();
  await store.pods.register(a);
  await store.pods.heartbeat(podA, epoch(7));
  await store.pods.register(a);
  expect(await store.pods.lagging(epoch(7))).toEqual([podA]);
  await store.fleet.update(audit, () => [{ op: 'set-node', node: node('a') }]);
  expect(await store.pods.heartbeat(podA, epoch(1))).toEqual({ ok: true, epoch: 1 });
});
