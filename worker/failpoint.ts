import { syncPhases } from '../core/operations';
import type { Store } from '../store/types';

/**
 * `MIROIR_FAILPOINT=<phase>` makes the worker kill itself at the beginning of the first activity of
 * that phase, once for the whole fleet: the count is kept in the store, so the worker that replaces it
 * goes on, also when it was started with the same environment. Without the variable nothing happens.
 */
export function failpointOf(
  store: Pick<Store, 'attempts'>,
  phase: string | undefined,
): (reached: string) => Promise<void> {
  if (phase === undefined || phase === '') return () => Promise.resolve();
  if (!syncPhases.some((known) => known === phase)) {
    throw new Error(`MIROIR_FAILPOINT must be one of ${syncPhases.join(', ')}.`);
  }
  return async (reached) => {
    if (reached !== phase) return;
    if ((await store.attempts.nextAttempt(`failpoint/${phase}`)) !== 1) return;
    process.kill(process.pid, 'SIGKILL');
    // The signal takes a moment, and nothing of the activity may run in it.
    await new Promise(() => undefined);
  };
}
