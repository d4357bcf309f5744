import type { JsonValue } from '../../core/fleet';
import { indexUid } from '../../core/ids';
import type { FleetTaskUid } from '../../core/ids';
import type { FleetTask } from '../../store/task-types';
import type { Store } from '../../store/types';

const pageSize = 500;
/** Which swap renamed a task last: a follower that takes over in the middle renames none twice. */
const renamedBy = 'renamedBy';

/** The pairs of names that a swap exchanged. */
function pairsOf(swap: FleetTask): (readonly [string, string])[] {
  const swaps = swap.details?.['swaps'];
  if (!Array.isArray(swaps)) return [];
  return (swaps as unknown as { indexes: [string, string] }[]).map(({ indexes }) => indexes);
}

/** The names of the indexes that a swap exchanged. */
export function swappedNames(swap: FleetTask): string[] {
  return pairsOf(swap).flat();
}

/**
 * After a swap every earlier task belongs to the index that it was for, under that index's new name,
 * as in the engine. The tasks must all be over: a task that is open is written by the follower.
 */
export async function renameEarlierTasks(
  store: Pick<Store, 'tasks'>,
  swap: FleetTask,
): Promise<void> {
  const names = new Map(pairsOf(swap).flatMap(([a, b]) => [[a, b] as const, [b, a] as const]));
  const filter = { indexUids: [...names.keys()].map(indexUid) };
  const earlier: FleetTask[] = [];
  let from: FleetTaskUid | null = swap.uid;
  // All are read before the first is renamed: a renamed task would come up again on a later page.
  while (from !== null) {
    const page: Awaited<ReturnType<typeof store.tasks.list>> = await store.tasks.list({
      limit: pageSize,
      from,
      filter,
    });
    earlier.push(...page.tasks.filter((task) => task.uid < swap.uid && !wasRenamed(task, swap)));
    from = page.next;
  }
  for (let at = 0; at < earlier.length; at += pageSize) {
    const part = earlier.slice(at, at + pageSize);
    await Promise.all(part.map((task) => store.tasks.save(renamed(task, swap, names))));
  }
}

function wasRenamed(task: FleetTask, swap: FleetTask): boolean {
  const by = task.extra[renamedBy];
  return typeof by === 'number' && by >= swap.uid;
}

function renamed(task: FleetTask, swap: FleetTask, names: ReadonlyMap<string, string>): FleetTask {
  const after = (uid: string): string => names.get(uid) ?? uid;
  const others = task.extra['indexUids'];
  const swaps = task.type === 'indexSwap' ? task.details?.['swaps'] : undefined;
  return {
    ...task,
    indexUid: task.indexUid === null ? null : indexUid(after(task.indexUid)),
    ...(Array.isArray(swaps)
      ? { details: { ...task.details, swaps: swaps.map(renamedSwap) } }
      : {}),
    extra: {
      ...task.extra,
      ...(Array.isArray(others) ? { indexUids: others.map((uid) => after(String(uid))) } : {}),
      [renamedBy]: swap.uid,
    },
  };

  function renamedSwap(one: JsonValue): JsonValue {
    const { indexes, ...rest } = one as { indexes: string[] };
    return { indexes: indexes.map(after), ...rest };
  }
}
