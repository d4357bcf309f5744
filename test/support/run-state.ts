import type { Supervisor } from '../../local/supervisor';

/** Setup and teardown are loaded as separate module graphs of one process: only `globalThis` is common. */
const holder = globalThis as { miroirTestSupervisor?: Supervisor };

export function keepForTeardown(supervisor: Supervisor): void {
  holder.miroirTestSupervisor = supervisor;
}

export function keptForTeardown(): Supervisor | undefined {
  return holder.miroirTestSupervisor;
}
