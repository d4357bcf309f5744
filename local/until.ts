import { endedEarly } from './supervisor';
import type { RunningProgram } from './supervisor';

export interface UntilOptions {
  readonly what: string;
  readonly deadlineMs: number;
  /** Waiting ends with an error as soon as one of these has ended. */
  readonly programs?: readonly RunningProgram[];
}

/**
 * Asks `ready` again and again (10 ms apart at first, 200 ms at last) until it answers true. An error
 * thrown by `ready` counts as "not yet". Throws when the deadline passes or a program ends.
 */
export async function until(
  ready: () => Promise<boolean>,
  { what, deadlineMs, programs = [] }: UntilOptions,
): Promise<void> {
  const end = Date.now() + deadlineMs;
  let early: Error | undefined;
  for (const program of programs) {
    void program.exited.then((exit) => {
      early ??= endedEarly(program, exit);
    });
  }
  let pauseMs = 10;
  let last: unknown;
  for (;;) {
    try {
      if (await ready()) return;
    } catch (error) {
      last = error;
    }
    if (early !== undefined) throw early;
    if (Date.now() >= end) {
      throw new Error(`${what} was not ready after ${String(deadlineMs)} ms.`, { cause: last });
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(pauseMs * 2, 200);
  }
}
