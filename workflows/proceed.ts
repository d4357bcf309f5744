import { condition, setHandler } from '@temporalio/workflow';
import { refusal } from './failures';
import { proceedUpdate } from './messages';
import type { Operation } from './operation';

/** Waiting for something that happens outside of the fleet, of which only a person can say that it did. */
export interface Outside {
  /** Shows what is waited for, until the operator says `proceed`, or it is seen to have happened. */
  wait(what: string, seen?: () => boolean): Promise<void>;
}

/** Attaches the handler of `proceed`, which is refused while nothing outside is waited for. */
export function handleProceed(operation: Operation): Outside {
  const { state } = operation;
  let waiting = false;
  let said = 0;
  setHandler(
    proceedUpdate,
    () => {
      said += 1;
      waiting = false;
      return { phase: state.phase };
    },
    {
      validator({ who }) {
        if (typeof who !== 'string' || who === '') {
          throw refusal('bad-argument', '`who` must be a name.');
        }
        if (state.over) throw refusal('already-over', `The operation is over: ${state.status}.`);
        if (!waiting) {
          throw refusal(
            'waits-for-nobody',
            `It waits for nothing outside; it is in ${state.phase}.`,
          );
        }
      },
    },
  );
  return {
    async wait(what, seen = () => false) {
      const before = said;
      waiting = true;
      try {
        await operation.waiting(what, () => condition(() => said > before || seen()));
      } finally {
        waiting = false;
      }
    },
  };
}
