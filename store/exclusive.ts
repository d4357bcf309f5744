import { randomUUID } from 'node:crypto';
import type { LeaseStore } from './record-types';

/** The leases under which records and what follows them in Temporal are changed together. */
export const recordLeases = {
  policies: 'rollover-policies',
  canaries: 'canaries',
  archiveSchedules: 'archive-schedules',
} as const;
export type RecordLease = (typeof recordLeases)[keyof typeof recordLeases];

/** Longer than the calls to Temporal that one change makes may take together. */
export const exclusiveLeaseMs = 20_000;
const waitMsDefault = 8_000;
const pauseMs = 20;

export interface ExclusiveOptions {
  readonly name: RecordLease;
  /** The pod or worker, for whoever looks at the lease. */
  readonly owner: string;
  /** Milliseconds; longer than a lease for who must not give up because somebody died with it. */
  readonly waitMs?: number;
}

/**
 * Runs `work` while nobody else, on any pod or worker, runs something under the same lease: a record and
 * its schedule are then changed in one order. Null: others had it for longer than anybody should wait.
 * Writers of the records themselves compare before they set, so a lease that ran out loses nothing.
 */
export async function exclusively<T>(
  leases: Pick<LeaseStore, 'acquire' | 'release'>,
  { name, owner, waitMs = waitMsDefault }: ExclusiveOptions,
  work: () => Promise<T>,
): Promise<{ readonly result: T } | null> {
  const until = performance.now() + waitMs;
  const holder = `${owner}/${randomUUID()}`;
  for (;;) {
    const lease = await leases.acquire(name, holder, exclusiveLeaseMs);
    if (lease !== null) {
      try {
        return { result: await work() };
      } finally {
        await leases.release(lease);
      }
    }
    if (performance.now() >= until) return null;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
