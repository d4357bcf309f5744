import { condition, proxyActivities, workflowInfo } from '@temporalio/workflow';
import { CancelledFailure } from '@temporalio/common';
import type { Activities } from '../activities/types';
import type {
  OperationPlan,
  OperationReport,
  OperationTotals,
  PlanResume,
  PlannedSync,
  RunOptions,
  SyncReport,
} from '../core/operations';
import type { Children } from './children';
import { withClaim } from './claim';
import { deleteWhenKept } from './delete-when-kept';
import { textOf } from './failures';
import { syncId } from './ids';
import { takeNext } from './next-sync';
import type { Operation } from './operation';
import { isStopped } from './operation-state';
import { historyEventsMax, irreversible, longWait, reportErrorsMax } from './policies';
import type { PlannedWork, SyncRun } from './planned-work';
import { pairOf, runSync } from './run-sync';

const { passBarrier } = proxyActivities<Pick<Activities, 'passBarrier'>>(longWait);
const { startLeaving, removeLeaving } =
  proxyActivities<Pick<Activities, 'startLeaving' | 'removeLeaving'>>(irreversible);

const noTotals: OperationTotals = {
  done: 0,
  canceled: 0,
  reversed: 0,
  failed: 0,
  documentsCopied: 0,
  errors: [],
};

/**
 * Plan, approval, then one child for each sync, at most `parallelSyncs` at a time. What is already
 * cut over when it is cancelled stays, because every sync is whole in itself.
 */
export async function runByPlan(
  operation: Operation,
  work: PlannedWork,
  children: Children,
): Promise<OperationReport> {
  const { state } = operation;
  let { resume } = work;
  for (;;) {
    const approved = resume ?? (await planAndApprove(operation, work));
    if (approved === 'nothing-to-do' || approved === 'expired') {
      return {
        outcome: approved,
        plan: state.plan as OperationPlan | null,
        totals: noTotals,
        approvedBy: null,
      };
    }
    state.plan = approved.plan;
    const groups = work.claims ? groupsOf(approved.plan) : [];
    const isNew = resume === undefined;
    const report = await withClaim(operation, groups, async () => {
      const fresh = isNew ? await freshPlan(operation, work, approved) : approved;
      if (fresh === null) return null;
      if (isNew) await begin(operation, work);
      return runApproved(operation, { work, resume: fresh, children });
    });
    if (report !== null) return report;
    resume = undefined;
  }
}

async function begin(operation: Operation, work: PlannedWork): Promise<void> {
  if (work.begin === undefined) return;
  await operation.enter('apply');
  if (operation.state.canceledBy !== null) throw new CancelledFailure('It was cancelled in time.');
  try {
    await work.begin();
  } catch (error) {
    // A change of several steps may have made the first of them.
    if (work.undo !== undefined && operation.state.plan !== null) {
      await work.undo(operation.state.plan as OperationPlan);
    }
    throw error;
  }
}

async function runApproved(operation: Operation, run: SyncRun): Promise<OperationReport> {
  const { state } = operation;
  const { plan } = run.resume;
  const totals = await runSyncs(operation, run);
  const outcome = isStopped(state) ? 'canceled' : totals.failed > 0 ? 'failed' : 'done';
  const report = { outcome, plan, totals, approvedBy: state.approvedBy } as const;
  if (outcome !== 'done') {
    if (run.work.undo === undefined) return report;
    state.cancellable = false;
    await operation.enter('undo');
    await run.work.undo(plan);
    return report;
  }
  // Point of no return: what is dropped now would have to be copied again.
  state.cancellable = false;
  if (run.work.finish !== undefined) {
    await operation.enter('finish');
    await run.work.finish();
  }
  await dropUnwanted(operation, plan);
  if (run.work.close !== undefined) {
    await operation.enter('close');
    await run.work.close();
  }
  return report;
}

/** Copies that no move takes with it go last, when every wanted copy is there. */
export async function dropUnwanted(
  operation: Operation,
  { removals }: Pick<OperationPlan, 'removals'>,
): Promise<void> {
  const { who, why } = operation.spec.origin;
  if (removals.length === 0) return;
  await operation.enter('remove-copies');
  for (const { physicalUid, group, node, shards } of removals) {
    const request = { physicalUid, group, node, shards, who, why, runKey: operation.id };
    const epoch = await startLeaving(request);
    if (epoch === null) continue;
    await operation.waiting(`every pod to know epoch ${String(epoch)}`, () =>
      passBarrier({ epoch, operation: operation.id }),
    );
    await deleteWhenKept(operation, epoch, () => removeLeaving(request));
  }
}

const groupsOf = (plan: OperationPlan) => [
  ...new Set([...plan.groups, ...plan.syncs.flatMap((sync) => [sync.group, sync.sourceGroup])]),
];

type Approval = PlanResume | 'nothing-to-do' | 'expired';

async function planAndApprove(operation: Operation, work: PlannedWork): Promise<Approval> {
  const { state } = operation;
  await operation.enter('plan');
  const plan = await operation.cancellable(() => work.plan());
  state.plan = plan;
  state.total = plan.syncs.length;
  const idle = plan.syncs.length === 0 && plan.removals.length === 0;
  if (idle && work.always !== true) return 'nothing-to-do';
  const approved = work.options.autoApprove || (await waitForApproval(operation, work.options));
  if (!approved) return 'expired';
  return {
    plan,
    approvedBy: state.approvedBy,
    finished: [],
    reports: noTotals,
    startedAt: operation.startedAt,
    paused: state.paused,
    documentsPerSecond: state.documentsPerSecond,
  };
}

export async function waitForApproval(
  operation: Operation,
  options: Pick<RunOptions, 'approvalExpiryMs'>,
): Promise<boolean> {
  const { state } = operation;
  state.approvedBy = null;
  state.status = 'waiting-approval';
  await operation.enter('approve');
  const approved = await operation.cancellable(() =>
    operation.waiting('an approval of the plan', () =>
      condition(() => state.approvedBy !== null, options.approvalExpiryMs, {
        summary: 'the approval of the plan, until this time',
      }),
    ),
  );
  state.status = 'running';
  return approved;
}

/** Null: the fleet changed meanwhile, so the plan that was approved is not the one that would run. */
async function freshPlan(
  operation: Operation,
  work: PlannedWork,
  resume: PlanResume,
): Promise<PlanResume | null> {
  await operation.enter('check');
  const { fresh, plan } = await operation.cancellable(() => work.check(resume.plan));
  return fresh ? { ...resume, plan } : null;
}

function add(totals: OperationTotals, report: SyncReport): OperationTotals {
  const errors =
    report.error === null || totals.errors.length >= reportErrorsMax
      ? totals.errors
      : [...totals.errors, `${syncId(report)}: ${report.error}`];
  return {
    ...totals,
    [report.outcome]: totals[report.outcome] + 1,
    documentsCopied: totals.documentsCopied + report.documentsCopied,
    errors,
  };
}

const failed = (sync: PlannedSync, error: unknown, startedAt: string): SyncReport => ({
  ...pairOf(sync),
  outcome: 'failed',
  documentsCopied: 0,
  startedAt,
  finishedAt: new Date().toISOString(),
  error: textOf(error),
});

async function runSyncs(operation: Operation, run: SyncRun): Promise<OperationTotals> {
  const { state } = operation;
  const { work, resume } = run;
  const { syncs } = resume.plan;
  const finished = new Set(resume.finished);
  const todo = syncs.map((_, position) => position).filter((position) => !finished.has(position));
  let totals = resume.reports;
  const running = new Set<string>();
  let active = 0;
  state.done = finished.size;
  state.total = syncs.length;
  state.reversible = true;
  await operation.enter('sync');

  const one = async (position: number, sync: PlannedSync): Promise<void> => {
    const report = await runSync(operation, sync, run).catch((error: unknown) =>
      failed(sync, error, operation.startedAt),
    );
    totals = add(totals, report);
    finished.add(position);
    state.done = finished.size;
    state.documentsCopied = totals.documentsCopied;
    active -= 1;
    running.delete(syncId(sync));
    await operation.show();
  };

  const started: Promise<void>[] = [];
  while (todo.length > 0) {
    await condition(
      () => isStopped(state) || (!state.paused && active < work.options.parallelSyncs),
    );
    if (isStopped(state) || isLong(work.options)) break;
    const position = takeNext(todo, syncs, running);
    if (position === null) {
      const before = running.size;
      await condition(() => isStopped(state) || running.size < before);
      continue;
    }
    const sync = syncs[position];
    if (sync === undefined) break;
    active += 1;
    running.add(syncId(sync));
    started.push(one(position, sync));
  }
  // Children are drained first: continue-as-new of a parent ends those that still run.
  await Promise.all(started);
  state.reversible = false;
  if (todo.length === 0 || isStopped(state)) return totals;
  if (!(await operation.mayContinue())) return totals;
  return work.continueWith({
    ...{
      plan: resume.plan,
      approvedBy: state.approvedBy,
      finished: [...finished].sort((a, b) => a - b),
    },
    ...{ reports: totals, startedAt: operation.startedAt, paused: state.paused },
    documentsPerSecond: state.documentsPerSecond,
  });
}

const isLong = (options: RunOptions): boolean => {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength >= (options.historyEventsMax ?? historyEventsMax) || continueAsNewSuggested;
};
