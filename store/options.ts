import type { Redis } from 'ioredis';

export interface StoreOptions {
  /** For commands. `connectRedis` makes one that fails fast instead of hanging. */
  readonly redis: Redis;
  /** For pub/sub; made from `redis` when absent, and then ended by `close`. */
  readonly subscriber?: Redis;
  readonly prefix: string;
  /** Milliseconds; for timestamps in records only. Leases go by the clock of Redis. */
  readonly now?: () => number;
  readonly requestDeadlineMs: number;
  readonly podLeaseMs: number;
  /** Finished tasks beyond this many are deleted, oldest first. */
  readonly tasksMax?: number;
  /** Idempotency keys beyond this many push out those that expire first. */
  readonly idempotencyKeysMax?: number;
  /** Waits after each change of the fleet until it is on disk, where the server can say so. */
  readonly waitAof?: WaitAof;
}

/** False: not at all. `replicas`: how many replicas must have it on disk, too. */
export type WaitAof = false | { readonly replicas: number; readonly ms: number };
