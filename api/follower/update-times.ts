import type { IndexEntry } from '../../core/fleet';
import type { FleetTask } from '../../store/task-types';
import type { Store } from '../../store/types';

/** Notes that a task has changed its index. What an index forgets with its deletion is deleted here. */
export async function noteUpdate(
  store: Pick<Store, 'indexUpdates'>,
  task: FleetTask,
): Promise<void> {
  const { physicalUid, finishedAt } = task;
  if (physicalUid === null || finishedAt === null || task.status !== 'succeeded') return;
  if (task.type === 'indexDeletion') await store.indexUpdates.delete(physicalUid);
  else await store.indexUpdates.put({ physicalUid, updatedAt: finishedAt });
}

/** When the index changed last: its catalogue entry, or its documents and settings on the nodes. */
export async function updatedAtOf(
  store: Pick<Store, 'indexUpdates'>,
  entry: IndexEntry,
): Promise<string> {
  const update = await store.indexUpdates.get(entry.physicalUid);
  const times = [entry.updatedAt, update?.updatedAt ?? entry.updatedAt];
  return times.sort().at(-1) ?? entry.updatedAt;
}
