/**
 * Goal: a pod that missed the message of a new epoch learns it with its next heartbeat; barriers and
 * searches would wait for it, or be answered by an old table, for as long as nobody writes.
 * Method: a pod on a store of pods that answers as it is told. A story of the model in which every
 * message got lost showed it.
 */
import { Pod } from '../../api/pod';
import type { Log } from '../../api/log';
import { epoch } from '../../core/ids';
import type { Epoch } from '../../core/ids';
import type { PodStore } from '../../store/types';

const quiet: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

function podAt(own: number, answered: number): { pod: Pod; behind: Epoch[] } {
  const behind: Epoch[] = [];
  const pods = {
    register: () => Promise.resolve(),
    unregister: () => Promise.resolve(),
    heartbeat: () => Promise.resolve({ ok: true, epoch: epoch(answered) }),
  } as unknown as PodStore;
  const config = { pods: { leaseMs: 1_000, heartbeatMs: 60_000 } };
  const parts = { config, pods, log: quiet, epoch: () => epoch(own) };
  return { pod: new Pod({ ...parts, behind: (one) => behind.push(one) }), behind };
}

test('a heartbeat that is answered with a newer epoch says that the pod is behind', async () => {
  const { pod, behind } = podAt(7, 9);
  await pod.start();
  await pod.close();
  expect(behind).toEqual([9]);
});

test('a heartbeat that is answered with the own epoch says nothing', async () => {
  const { pod, behind } = podAt(9, 9);
  await pod.start();
  await pod.close();
  expect(behind).toEqual([]);
});
