import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type {
  OperationReport,
  OperationTotals,
  RebalanceInput,
  RepairInput,
  RunOptions,
} from '../core/operations';
import { operate } from './handlers';
import type { Operation } from './operation';
import type { OperationSpec } from './operation-state';
import { quickRead } from './policies';
import type { PlannedWork } from './planned-work';
import { childrenOf } from './children';
import { runByPlan } from './run-plan';

const { planRebalance, planRepair, checkPlan } =
  proxyActivities<Pick<Activities, 'planRebalance' | 'planRepair' | 'checkPlan'>>(quickRead);

export function resumedOf(input: {
  readonly resume?: RebalanceInput['resume'];
}): OperationSpec['resumed'] {
  const { resume } = input;
  if (resume === undefined) return undefined;
  const { startedAt, paused, approvedBy, reports } = resume;
  return { startedAt, paused, approvedBy, documentsCopied: reports.documentsCopied };
}

/** The operator's throttle survives continue-as-new. */
export const rateOf = (input: {
  readonly options: RunOptions;
  readonly resume?: RebalanceInput['resume'];
}): number | null =>
  input.resume === undefined ? input.options.documentsPerSecond : input.resume.documentsPerSecond;

const errorsOf = ({ errors, failed }: OperationTotals): string =>
  `${String(failed)} syncs failed: ${errors.join('; ')}`;

/** Ends an operation that ran by a plan: its status says what became of the plan. */
export async function finishByReport(
  operation: Operation,
  report: OperationReport,
): Promise<OperationReport> {
  operation.state.phase = 'done';
  if (report.outcome === 'failed') await operation.finish('failed', errorsOf(report.totals));
  else if (report.outcome === 'expired')
    await operation.finish('canceled', 'Nobody approved the plan in time.');
  else await operation.finish(report.outcome === 'canceled' ? 'canceled' : 'succeeded', null);
  return report;
}

/** The work of bringing a group's table to the wanted one; also what adding and draining a node needs. */
export function rebalanceWork(
  input: Pick<RebalanceInput, 'group' | 'options' | 'resume'> & { readonly parent: string | null },
  continueWith: PlannedWork['continueWith'],
): PlannedWork {
  const request = { group: input.group };
  return {
    options: input.options,
    claims: input.parent === null,
    resume: input.resume,
    plan: () => planRebalance(request),
    check: (plan) => checkPlan({ plan, rebalance: request, repair: null }),
    continueWith,
  };
}

/** Moves as few shards as bring the groups to their wanted table. Point of no return: none of its own, each sync has one. */
export async function rebalance(input: RebalanceInput): Promise<OperationReport> {
  const children = childrenOf(input.options);
  const resumed = resumedOf(input);
  return operate(
    {
      kind: 'rebalance',
      origin: { who: input.who, why: input.why },
      total: 0,
      documentsPerSecond: rateOf(input),
      ...(resumed === undefined ? {} : { resumed }),
    },
    async (operation) => {
      const work = rebalanceWork(input, (resume) =>
        continueAsNew<typeof rebalance>({ ...input, resume }),
      );
      return finishByReport(operation, await runByPlan(operation, work, children));
    },
    children,
  );
}

/** Fills stale copies again from in-sync ones: those of a node, an index or a shard. Point of no return: none of its own, each sync has one. */
export async function repairReplica(input: RepairInput): Promise<OperationReport> {
  const children = childrenOf(input.options);
  const resumed = resumedOf(input);
  const { node, physicalUid, shard = null } = input;
  const request = { node, physicalUid, shard };
  return operate(
    {
      kind: 'repair',
      origin: { who: input.who, why: input.why },
      ...(node === null ? {} : { nodes: [node] }),
      total: 0,
      documentsPerSecond: rateOf(input),
      ...(resumed === undefined ? {} : { resumed }),
    },
    async (operation) => {
      const work: PlannedWork = {
        options: input.options,
        claims: true,
        resume: input.resume,
        plan: () => planRepair(request),
        check: (plan) => checkPlan({ plan, rebalance: null, repair: request }),
        continueWith: (resume) => continueAsNew<typeof repairReplica>({ ...input, resume }),
      };
      return finishByReport(operation, await runByPlan(operation, work, children));
    },
    children,
  );
}
