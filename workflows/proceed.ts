import { condition, setHandler } from '@temporalio/workflow';
import { refusal } from './failures';
import { proceedUpdate } from './messages';
import type { Operation } from './operation';
import { line } from './summaries/line';

export interface Until {
  readonly seen?: () => boolean;
  readonly timeoutMs?: number;
}

/** Waiting for something that happens outside of the fleet, of which only a person can say that it did. */
export interface Outside {
  /** Shows what is waited for. True when the operator said `proceed` or it was seen; false: time is over. */
  wait(what: string, until?: Until): Promise<boolean>;
  /** It was said, and nobody has waited since: the run must not start over before somebody does. */
  said(): boolean;
}

/** Attaches the handler of `proceed`, which is refused while nothing outside is waited for. */
export function handleProceed(operation: Operation): Outside {
  const { state } = operation;
  let waiting = false;
  let said = 0;
  let heard = 0;
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
    said: () => said > heard,
    async wait(what, { seen = () => false, timeoutMs } = {}) {
      const is = (): boolean => said > heard || seen();
      waiting = true;
      try {
        await operation.waiting(what, async () => {
          if (timeoutMs === undefined) await condition(is);
          else await condition(is, timeoutMs, { summary: line(what) });
        });
      } finally {
        waiting = false;
      }
      // The word may have come in the very moment in which the time was over.
      const happened = is();
      heard = said;
      return happened;
    },
  };
}
