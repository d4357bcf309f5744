import { continueAsNew, proxyActivities, sleep } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { ChangeInput, OperationPlan, OperationReport } from '../core/operations';
import type { Reshard } from '../core/placement-change';
import { runChange } from './change';
import { fatal } from './failures';
import type { Operation } from './operation';
import { joinPauseMs, quickChange, reshardTriesMax } from './policies';
import { line } from './summaries/line';

const { reshardCatalogue } = proxyActivities<Pick<Activities, 'reshardCatalogue'>>(quickChange);

/**
 * Gives an index another number of shards. More: the table is cut at once, every bucket stays where it
 * is, and then the shards are spread. Fewer: the pieces of each shard-to-be are brought to the same
 * nodes, and then the table is joined at once. No document is written anew. Point of no return: the
 * change of the table; a cancel after it stops the spreading and leaves the new number.
 */
export async function reshardIndex(input: ChangeInput<Reshard>): Promise<OperationReport> {
  const { change } = input;
  return runChange({
    ...{ input, kind: 'reshard', about: { index: change.index } },
    steps: (operation) => ({
      begin: () => resharded(operation, { input, more: true }),
      finish: () => resharded(operation, { input, more: false }),
    }),
    continueWith: (resume) => continueAsNew<typeof reshardIndex>({ ...input, resume }),
  });
}

interface Turn {
  readonly input: ChangeInput<Reshard>;
  readonly more: boolean;
}

/** Before the copies for more shards, after them for fewer. */
async function resharded(operation: Operation, { input, more }: Turn): Promise<void> {
  const { change, who, why } = input;
  const before = undoCount(operation);
  if (before === null || change.shardCount === before) return;
  if (change.shardCount > before !== more) return;
  for (let tries = 1; ; tries += 1) {
    const outcome = await reshardCatalogue({ change, who, why, operation: operation.id });
    if (outcome.done) {
      operation.state.fencedMs = outcome.fencedMs;
      return;
    }
    if (outcome.final || tries === reshardTriesMax) throw fatal('reshard-refused', outcome.reason);
    await operation.waiting(`a moment without open writes: ${outcome.reason}`, () =>
      sleep(joinPauseMs, { summary: line(`try again: ${outcome.reason}`) }),
    );
  }
}

/** How many shards there were when it was planned. */
function undoCount({ state }: Operation): number | null {
  const undo = (state.plan as OperationPlan | null)?.undo;
  return undo?.kind === 'reshard' ? undo.shardCount : null;
}
