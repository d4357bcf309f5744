import type { ChangeInput, OperationReport } from '../core/operations';
import { check, planChange, specOf } from './change';
import { operate } from './handlers';

const nothing = {
  ...{ done: 0, canceled: 0, reversed: 0, failed: 0, documentsCopied: 0, errors: [] },
};

/** A dry run: the checks and the plan of an operation, and nothing else. Point of no return: none. */
export async function planOperation(input: ChangeInput): Promise<OperationReport> {
  return operate(specOf('plan', input, {}), async (operation) => {
    const { state } = operation;
    await check(operation, input);
    await operation.enter('plan');
    const plan = await operation.cancellable(() => planChange({ change: input.change }));
    state.plan = plan;
    state.total = plan.syncs.length;
    state.phase = 'planned';
    await operation.finish('succeeded', null);
    const idle = plan.syncs.length === 0 && plan.removals.length === 0;
    const outcome = idle ? 'nothing-to-do' : 'done';
    return { outcome, plan, totals: nothing, approvedBy: null };
  });
}
