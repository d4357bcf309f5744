import type { Verdict } from '../core/operations';
import type { Lease } from '../store/record-types';
import type { ActivityTools } from './tools';
import type { ClaimRequest } from './types';

/** A claim ends with its operation; the time is only there so that nothing is kept for ever. */
const claimMs = 30 * 24 * 3_600_000;
const prefix = 'placement/group-';

/** All groups or none. A claim whose run is closed was left by a terminated one and is taken over. */
export async function claimGroups(
  tools: ActivityTools,
  { operation, groups }: ClaimRequest,
): Promise<Verdict> {
  const taken: Lease[] = [];
  for (const group of [...groups].sort((a, b) => a - b)) {
    const name = `${prefix}${String(group)}`;
    const lease = await acquire(tools, name, operation);
    if (lease !== null) {
      taken.push(lease);
      continue;
    }
    const holder = (await tools.store.leases.get(name))?.holder ?? 'another operation';
    for (const mine of taken) await tools.store.leases.release(mine);
    return { ok: false, reason: `group ${String(group)} is in use by ${holder}` };
  }
  return { ok: true };
}

async function acquire(
  { store, runs }: ActivityTools,
  name: string,
  operation: string,
): Promise<Lease | null> {
  const lease = await store.leases.acquire(name, operation, claimMs);
  if (lease !== null) return lease;
  const held = await store.leases.get(name);
  if (held !== null && (await runs.isOpen(held.holder))) return null;
  if (held !== null) await store.leases.release(held);
  return store.leases.acquire(name, operation, claimMs);
}

export async function releaseGroups(
  { store }: ActivityTools,
  { operation }: { readonly operation: string },
): Promise<void> {
  for (const lease of await store.leases.list()) {
    if (lease.holder === operation && lease.name.startsWith(prefix)) {
      await store.leases.release(lease);
    }
  }
}
