import type { Command } from 'commander';
import { connect } from '../connect';
import { operation, planText } from '../operations';
import { runChange, withRun } from '../run-operation';
import type { RunFlags } from '../run-operation';
import { createScreen } from '../ui';

/** `miroir plan`: what an operation will do, or what a rebalance would do now. */
export function registerPlan(program: Command): void {
  withRun(
    program
      .command('plan [operation]')
      .description('Show the plan of an operation; without one, what a rebalance would move now.'),
  ).action(async (id: string | undefined, flags: RunFlags) => {
    if (id === undefined) {
      return await runChange({ ...flags, dryRun: true }, (api, options) =>
        api.post('/_miroir/rebalance', options),
      );
    }
    const { plan = null, status } = await operation(connect(flags), id);
    if (flags.json) return console.log(JSON.stringify({ operation: id, status, plan }));
    createScreen(process.stdout).line(plan === null ? `${id} has no plan.` : planText(plan));
  });
}
