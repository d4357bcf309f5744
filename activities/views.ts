import type { OperationView } from '../core/operations';
import type { JobView } from '../store/record-types';
import type { ActivityTools } from './tools';

/** Late views of a run do not come back over its last one, nor does a smaller count over a larger. */
function merge(before: JobView, view: OperationView): JobView | null {
  const sameRun = before.temporal.runId === view.temporal.runId;
  if (sameRun && before.finishedAt !== undefined && view.finishedAt === undefined) return null;
  const copying = sameRun ? before.progress['copying'] : undefined;
  if (copying === undefined) return view;
  return { ...view, progress: { ...view.progress, copying } };
}

export async function writeView({ store }: ActivityTools, view: OperationView): Promise<void> {
  if (await store.jobs.create(view)) return;
  await store.jobs.update(view.id, (before) => merge(before, view));
}
