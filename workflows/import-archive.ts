import { condition, isCancellation, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type {
  ImportCursor,
  ImportInput,
  ImportPlan,
  ImportRef,
  ImportReport,
  ImportStep,
} from '../core/archives/types';
import type { JsonValue } from '../core/fleet';
import { fatal } from './failures';
import { operate } from './handlers';
import type { Operation } from './operation';
import { bulkCopy, irreversible, withHeartbeat } from './policies';

const { dropImported } = proxyActivities<Pick<Activities, 'dropImported'>>(irreversible);

type Importing = Pick<
  Activities,
  'inspectArchive' | 'createImported' | 'importDocuments' | 'finishImport'
>;
export const importing = (heartbeatTimeoutMs: number | undefined): Importing =>
  proxyActivities<Importing>(withHeartbeat(bulkCopy, heartbeatTimeoutMs));

/**
 * Brings a dump or a backup into the fleet through the ordinary write path. Point of no return: when
 * the keys are set. Before it a cancel or a failure deletes the indexes that the import made; documents
 * that were added to an index that was there stay.
 */
export async function importArchive(input: ImportInput): Promise<ImportReport> {
  const { dryRun, documentsPerSecond, heartbeatTimeoutMs, ...rest } = input;
  const ref: ImportRef = { ...rest, runKey: workflowInfo().workflowId };
  const acts = importing(heartbeatTimeoutMs);
  return operate(
    { kind: 'import', origin: input, total: 0, documentsPerSecond },
    async (operation) => {
      const plan = await inspect(operation, acts, ref);
      if (dryRun) {
        const report = { outcome: 'dry-run', plan, documents: 0, setAside: 0, keys: 0 } as const;
        return finish(operation, report);
      }
      const cursor = await writeOrUndo(operation, { acts, ref, plan });
      await operation.enter('keys');
      operation.passPointOfNoReturn();
      const { keys, policies } = await acts.finishImport({ ref, plan });
      const { documents, setAside } = cursor;
      return finish(operation, { outcome: 'done', plan, documents, setAside, keys, policies });
    },
  );
}

async function finish(operation: Operation, report: ImportReport): Promise<ImportReport> {
  operation.state.shown = report as unknown as JsonValue;
  operation.state.phase = 'done';
  await operation.finish('succeeded', null);
  return report;
}

export async function inspect(
  operation: Operation,
  acts: Importing,
  ref: ImportRef,
): Promise<ImportPlan> {
  await operation.enter('inspect');
  const inspected = await operation.cancellable(() => acts.inspectArchive(ref));
  if (!inspected.ok) throw fatal('archive-refused', inspected.reason);
  const { plan } = inspected;
  operation.state.total = plan.documents;
  operation.state.shown = { plan } as unknown as JsonValue;
  return plan;
}

interface Work {
  readonly acts: Importing;
  readonly ref: ImportRef;
  readonly plan: ImportPlan;
}

async function writeOrUndo(operation: Operation, work: Work): Promise<ImportCursor> {
  try {
    return await writeArchive(operation, work);
  } catch (error) {
    operation.state.cancellable = false;
    operation.state.phase = isCancellation(error) ? 'roll-back' : 'undo';
    await operation.show();
    await dropImported({ ref: work.ref, plan: work.plan });
    throw error;
  }
}

/** Indexes with their settings, then the documents, in the order of the archive. */
export async function writeArchive(
  operation: Operation,
  { acts, ref, plan }: Work,
): Promise<ImportCursor> {
  const { state } = operation;
  await operation.enter('create');
  await operation.cancellable(() => acts.createImported({ ref, plan }));
  await operation.enter('documents');
  let cursor: ImportCursor | null = null;
  let rejectedMax = ref.rejectedMax;
  for (;;) {
    const before: ImportCursor | null = cursor;
    const step: ImportStep = await operation.cancellable(() =>
      acts.importDocuments({ ref, plan, cursor: before, rejectedMax }),
    );
    cursor = step.cursor;
    state.done = cursor.documents + cursor.setAside;
    state.documentsCopied = cursor.documents;
    if (step.outcome === 'done') return cursor;
    if (step.outcome === 'too-many') {
      // Whoever resumes has looked at them; the next stop is as many further on.
      rejectedMax = cursor.setAside + ref.rejectedMax;
      state.paused = true;
      await waitForOperator(operation, cursor.setAside);
    } else {
      await operation.cancellable(() => condition(() => !state.paused));
    }
  }
}

async function waitForOperator(operation: Operation, setAside: number): Promise<void> {
  const reason = `an operator: ${String(setAside)} documents were set aside; resume or cancel`;
  await operation.waiting(reason, () =>
    operation.cancellable(() => condition(() => !operation.state.paused)),
  );
}
