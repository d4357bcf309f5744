import type { ActivityTools, Call } from './tools';
import type { ClaimRequest, ClaimVerdict } from './types';

/** How often a waiting call looks again; a release is seen within this time. */
const lookMs = 250;
/** How often Temporal is asked whether those in the way are still open. */
const askMs = 5_000;

/**
 * All groups or none, first come, first served. What is in the way is asked for at Temporal: an operation
 * whose run is closed was terminated or lost, and what it left behind, claim or place in the queue, is
 * taken away.
 */
export async function claimGroups(
  tools: ActivityTools,
  { operation, groups, waitMs = 0 }: ClaimRequest,
  call: Call,
): Promise<ClaimVerdict> {
  const { store, clock } = tools;
  const until = clock.now() + waitMs;
  let askAt = 0;
  for (;;) {
    const result = await store.governor.claim(operation, groups);
    if (result.kind === 'ok') return { ok: true };
    if (result.kind === 'full') {
      const reason = `${String(result.waiting)} operations are waiting for their turn already; start it again later`;
      return { ok: false, reason, full: true };
    }
    if (clock.now() >= askAt) {
      if (await releaseClosed(tools, result.blockers)) continue;
      askAt = clock.now() + askMs;
    }
    if (clock.now() >= until) return { ok: false, reason: waitingFor(result.blockers) };
    await clock.sleep(lookMs, call.signal);
  }
}

/** Whether some of them were closed, so that it is worth to ask again. */
async function releaseClosed(
  { store, runs }: ActivityTools,
  blockers: readonly string[],
): Promise<boolean> {
  let released = false;
  for (const blocker of blockers) {
    if (await runs.isOpen(blocker)) continue;
    await store.governor.release(blocker);
    released = true;
  }
  return released;
}

const waitingFor = (blockers: readonly string[]): string =>
  `the groups are in use, or wanted earlier, by ${blockers.join(', ')}`;

export async function releaseGroups(
  { store }: ActivityTools,
  { operation }: { readonly operation: string },
): Promise<void> {
  await store.governor.release(operation);
}
