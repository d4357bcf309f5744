export interface WaitForOptions {
  readonly deadlineMs?: number;
  /** What is waited for, for the error message. */
  readonly what: string;
}

/**
 * Resolves with the first value of `condition` that is not `undefined`, `null` or `false`. A condition
 * that throws counts as not met yet; its last error is the cause when the deadline (10 s) passes.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 10_000, what }: WaitForOptions,
): Promise<Exclude<T, undefined | null | false>> {
  const end = Date.now() + deadlineMs;
  let pauseMs = 2;
  let cause: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false) {
        return value as Exclude<T, undefined | null | false>;
      }
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (Date.now() >= end) {
      throw new Error(`Waited ${String(deadlineMs)} ms in vain for ${what}.`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(pauseMs * 2, 50);
  }
}
