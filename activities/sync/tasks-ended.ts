import { stopIfCancelled } from '../tools';
import type { Session } from './session';

const firstPauseMs = 20;
const lastPauseMs = 1_000;

/**
 * Until every task of the index that is open now has ended. A node may have failed a write that others
 * took; it counts as in sync until a pod has read that from its tasks, and ends the write with it. Before
 * that, to be equal to such a source proves nothing.
 */
export async function tasksEnded({ tools, ref, call }: Session): Promise<void> {
  const { tasks } = tools.store;
  let open = await tasks.open();
  const ofIndex = new Set<number>();
  for (const uid of open) {
    if ((await tasks.get(uid))?.physicalUid === ref.physicalUid) ofIndex.add(uid);
  }
  for (let pauseMs = firstPauseMs; open.some((uid) => ofIndex.has(uid));) {
    stopIfCancelled(call);
    await tools.clock.sleep(pauseMs, call.signal);
    pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    open = await tasks.open();
  }
}
