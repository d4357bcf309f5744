import type { OperationPlan, PlannedSync } from '../../../core/operations';
import { etaOf } from '../../../core/eta';
import type { Eta, SyncProgress } from '../../../core/eta';
import type { JobView } from '../../../store/record-types';
import { syncId } from '../../../workflows/ids';
import type { ApiContext } from '../../context';

/** The view of an operation with how far its copies are, read from the views of its syncs. */
export async function withProgress(
  ctx: Pick<ApiContext, 'store' | 'config'>,
  job: JobView,
): Promise<JobView & { readonly eta: Eta | null }> {
  const plan = planOf(job);
  if (plan === null || job.status === 'waiting-approval') return { ...job, eta: null };
  const syncs = await Promise.all(plan.syncs.map((sync) => progressOf(ctx, sync, job)));
  const eta = etaOf({
    ...{ documents: plan.documents, plannedPerSecond: plan.documentsPerSecond, syncs },
    parallelSyncs: ctx.config.sync.parallelSyncs,
    now: Date.now(),
    over: job.finishedAt !== undefined,
  });
  return { ...job, eta };
}

function planOf({ plan }: JobView): OperationPlan | null {
  const isPlan = typeof plan === 'object' && plan !== null && 'syncs' in plan;
  return isPlan ? (plan as unknown as OperationPlan) : null;
}

/** A view of the same pair from an earlier operation says nothing about this one. */
async function progressOf(
  { store }: Pick<ApiContext, 'store'>,
  sync: PlannedSync,
  parent: JobView,
): Promise<SyncProgress> {
  const child = await store.jobs.get(syncId(sync));
  if (child === null || child.startedAt < parent.startedAt) {
    return { documents: 0, startedAt: null, finishedAt: null };
  }
  const copying = child.progress['copying'];
  const { documentsCopied } = child.progress;
  return {
    documents: Math.max(documentsCopied, typeof copying === 'number' ? copying : 0),
    startedAt: Date.parse(child.startedAt),
    finishedAt: child.finishedAt === undefined ? null : Date.parse(child.finishedAt),
  };
}
