import { isMeiliError } from '../../core/errors';
import type { Operation } from '../writes/plan';
import type { WriteOutcome, Writes } from '../writes/writes';
import type { Metrics } from './metrics';

/** The same writes, counted by what came of them. */
export function countedWrites(writes: Writes, metrics: Metrics): Writes {
  return {
    submit: async (operation: Operation): Promise<WriteOutcome> => {
      try {
        const outcome = await writes.submit(operation);
        metrics.write(outcome.task.type, outcome.task.status);
        return outcome;
      } catch (error) {
        metrics.write('none', isMeiliError(error) ? error.code : 'internal');
        throw error;
      }
    },
  };
}
