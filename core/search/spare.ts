/**
 * So many more hits than can be shown are asked of a node for a distinct search, to see where the last
 * bucket of equal hits ends.
 */
export const distinctSpare = 40;
