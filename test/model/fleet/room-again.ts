import type { Store } from '../../../store/types';

/**
 * What the watch of room does a minute after a task failed for want of it: the next may try. Until then the
 * copies that are stale on such a node stay so, because a repair is refused there.
 */
export async function roomAgain({ nodeDisks, fleet }: Store): Promise<void> {
  const [disks, { nodes }] = await Promise.all([nodeDisks.all(), fleet.load()]);
  for (const { id } of nodes) {
    const disk = disks.get(id);
    if (disk?.state !== 'full') continue;
    const { usedBytes, capacityBytes, at } = disk;
    await nodeDisks.put(id, { state: 'ok', usedBytes, capacityBytes, at });
  }
}
