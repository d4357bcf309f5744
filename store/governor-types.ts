import type { GroupId } from '../core/ids';

export type ClaimResult =
  | { readonly kind: 'ok' }
  /** The operations in the way: holders, and those that wait since earlier. */
  | { readonly kind: 'busy'; readonly blockers: readonly string[] }
  | { readonly kind: 'full'; readonly waiting: number };

/** Keeps operations on one group apart. An operation is named by its workflow id. */
export interface GovernorStore {
  /** All groups or none, in the order of asking. To be repeated while it is `busy`. */
  claim(operation: string, groups: readonly GroupId[]): Promise<ClaimResult>;
  /** Gives up the groups and the place in the queue; of an operation without any it does nothing. */
  release(operation: string): Promise<void>;
  view(): Promise<{
    readonly holders: readonly { readonly group: GroupId; readonly operation: string }[];
    /** The first is the next. */
    readonly queue: readonly { readonly operation: string; readonly groups: readonly GroupId[] }[];
  }>;
}
