import type { IndexUid, PhysicalUid } from '../ids';

/**
 * Drills restore into indexes of such names and delete them. No client may hold one of them for its
 * own: they are named for what they are.
 */
export const drillPrefix = 'miroir-drill-';

interface Named {
  readonly uid: IndexUid;
  readonly physicalUid: PhysicalUid;
}

/** The scratch indexes among these; `prefix` begins with `drillPrefix`, so nothing else ever matches. */
export function indexesMatching<T extends Named>(
  indexes: readonly T[],
  prefix: string,
): readonly T[] {
  return prefix.startsWith(drillPrefix) ? indexes.filter(({ uid }) => uid.startsWith(prefix)) : [];
}
