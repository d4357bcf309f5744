import { getExternalWorkflowHandle, patched } from '@temporalio/workflow';
import type { RunOptions } from '../core/operations';
import type { ControlCommand } from './messages';
import { controlSignal } from './messages';
import type { Operation } from './operation';

/** The running children of one operation, reachable for the operator's commands. */
export interface Children {
  readonly ids: Set<string>;
  passOn(command: ControlCommand): Promise<void>;
}

/** Of an operation that starts none. */
export const noChildren: Children = { ids: new Set(), passOn: () => Promise.resolve() };

/** The operation's rate is shared by the syncs that may run at once. */
export const shareOf = (
  rate: number | null,
  { parallelSyncs }: Pick<RunOptions, 'parallelSyncs'>,
): number | null => (rate === null ? null : Math.max(1, Math.floor(rate / parallelSyncs)));

export function childrenOf(options: Pick<RunOptions, 'parallelSyncs'>): Children {
  const ids = new Set<string>();
  const pass = async (command: ControlCommand): Promise<void> => {
    const passed: ControlCommand =
      command.command === 'setThrottle'
        ? { ...command, documentsPerSecond: shareOf(command.documentsPerSecond, options) }
        : command;
    for (const id of [...ids].sort()) {
      try {
        await getExternalWorkflowHandle(id).signal(controlSignal, passed);
      } catch {
        // The child ended before the signal came: there is nothing left to steer.
        ids.delete(id);
      }
    }
  };
  let passing = 0;
  let last: Promise<void> = Promise.resolve();
  return {
    ids,
    passOn(command) {
      // A `resume` that overtook its `pause` would leave a child paused.
      const inTurn = passing > 0 && patched('commands-in-turn');
      passing += 1;
      last = (inTurn ? last.then(() => pass(command)) : pass(command)).finally(() => {
        passing -= 1;
      });
      return last;
    },
  };
}

/**
 * A command that came while the child was being started did not reach it. `given`: the rate of the whole
 * operation that the child was started with.
 */
export async function steerLate(
  { state }: Operation,
  children: Children,
  given: number | null,
): Promise<void> {
  const { documentsPerSecond } = state;
  if (documentsPerSecond !== given && patched('throttle-late')) {
    await children.passOn({ command: 'setThrottle', who: 'parent', documentsPerSecond });
  }
  if (state.canceledBy !== null) {
    await children.passOn({ command: 'cancel', who: state.canceledBy });
  } else if (state.reversedBy !== null) {
    await children.passOn({ command: 'reverse', who: state.reversedBy });
  } else if (state.paused) {
    await children.passOn({ command: 'pause', who: 'parent' });
  }
}
