import { getExternalWorkflowHandle } from '@temporalio/workflow';
import type { RunOptions } from '../core/operations';
import type { ControlCommand } from './messages';
import { controlSignal } from './messages';
import type { Operation } from './operation';

/** The running children of one operation, reachable for the operator's commands. */
export interface Children {
  readonly ids: Set<string>;
  passOn(command: ControlCommand): Promise<void>;
}

/** The operation's rate is shared by the syncs that may run at once. */
export const shareOf = (
  rate: number | null,
  { parallelSyncs }: Pick<RunOptions, 'parallelSyncs'>,
): number | null => (rate === null ? null : Math.max(1, Math.floor(rate / parallelSyncs)));

export function childrenOf(options: Pick<RunOptions, 'parallelSyncs'>): Children {
  const ids = new Set<string>();
  return {
    ids,
    async passOn(command) {
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
    },
  };
}

/** A command that came while the child was being started did not reach it. */
export async function steerLate({ state }: Operation, children: Children): Promise<void> {
  if (state.canceledBy !== null) {
    await children.passOn({ command: 'cancel', who: state.canceledBy });
  } else if (state.reversedBy !== null) {
    await children.passOn({ command: 'reverse', who: state.reversedBy });
  } else if (state.paused) {
    await children.passOn({ command: 'pause', who: 'parent' });
  }
}
