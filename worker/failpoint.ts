import { rolloverSteps, syncPhases } from '../core/operations';
import type { Store } from '../store/types';

/**
 * `MIROIR_FAILPOINT=<phase>,<phase>…` makes the worker kill itself at the beginning of the first activity
 * of each of these phases, once a phase for the whole fleet: the count is kept in the store, so the worker that replaces it
 * goes on, also when it was started with the same environment. Without the variable nothing happens.
 */
export function failpointOf(
  store: Pick<Store, 'attempts'>,
  phases: string | undefined,
): (reached: string) => Promise<void> {
  const chosen = (phases ?? '').split(',').filter((phase) => phase !== '');
  const known = [...syncPhases, ...rolloverSteps.map((step) => `rollover-${step}`)];
  if (chosen.some((phase) => !known.includes(phase))) {
    throw new Error(`MIROIR_FAILPOINT must name some of ${known.join(', ')}.`);
  }
  return async (reached) => {
    if (!chosen.includes(reached)) return;
    if ((await store.attempts.nextAttempt(`failpoint/${reached}`, 0)) !== 1) return;
    process.kill(process.pid, 'SIGKILL');
    // The signal takes a moment, and nothing of the activity may run in it.
    await new Promise(() => undefined);
  };
}
