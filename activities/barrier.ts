import type { Epoch } from '../core/ids';
import type { ActivityTools, Call } from './tools';

const firstPauseMs = 20;
const lastPauseMs = 500;

/**
 * Returns when nobody can still act on an older epoch: every registered pod has acknowledged this one,
 * or its lease and its longest request are over, and the longest request that anyone began before
 * acknowledging has passed its deadline.
 */
export async function passBarrier(
  tools: ActivityTools,
  { epoch }: { readonly epoch: Epoch; readonly operation: string },
  call: Call,
): Promise<void> {
  const { store, clock, config } = tools;
  let pauseMs = firstPauseMs;
  for (;;) {
    const lagging = await store.pods.lagging(epoch);
    const acknowledgedAt = lagging.length === 0 ? await store.pods.lastAcknowledgedAt(epoch) : null;
    call.beat({ lagging });
    if (acknowledgedAt !== null) {
      const over = acknowledgedAt + config.requestDeadlineMs + config.barrierExtraMs;
      const leftMs = over - (await store.pods.time());
      if (leftMs < 0) return;
      // A pod may register meanwhile, so the condition is looked at again after the wait.
      await clock.sleep(Math.min(leftMs + 1, lastPauseMs), call.signal);
      continue;
    }
    await clock.sleep(pauseMs, call.signal);
    pauseMs = Math.min(pauseMs * 2, lastPauseMs);
  }
}
