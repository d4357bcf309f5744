import type { Fleet, IndexEntry } from './fleet';

/**
 * The table as it is right after a recovery. What a copy that was being filled has missed stood in a
 * journal that is lost, so it is stale. Copies that took every write keep their state; whether they did
 * take the last ones is for anti-entropy to find out.
 */
export function recoveredFleet(fleet: Fleet): Fleet {
  return { ...fleet, indexes: fleet.indexes.map(recoveredIndex) };
}

function recoveredIndex(entry: IndexEntry): IndexEntry {
  const placement = entry.placement.map(({ group, shards }) => ({
    group,
    shards: shards.map((row) =>
      row.map((replica) =>
        replica.state === 'syncing' ? { ...replica, state: 'stale' as const } : replica,
      ),
    ),
  }));
  return { ...entry, placement };
}
