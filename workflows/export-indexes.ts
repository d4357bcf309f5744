import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { ExportInput, ExportReport, SentIndex } from '../core/export/types';
import type { JsonValue } from '../core/fleet';
import { failureOf } from './failures';
import { operate } from './handlers';
import { bulkCopy, longWait, quickChange, withHeartbeat } from './policies';
import { endingTask } from './task-of-run';

const { awaitTasks } = proxyActivities<Pick<Activities, 'awaitTasks'>>(longWait);
const { planExport, inspectRemote, noteExported } =
  proxyActivities<Pick<Activities, 'planExport' | 'inspectRemote' | 'noteExported'>>(quickChange);

/**
 * Sends indexes of the fleet, each as the one index that clients see, to another Meilisearch. Point of
 * no return: none; nothing of the fleet is changed, and what the other side has taken stays there.
 */
export async function exportIndexes(input: ExportInput): Promise<ExportReport> {
  const { taskUid, who, why } = input;
  const { exportIndex } = proxyActivities<Pick<Activities, 'exportIndex'>>(
    withHeartbeat(bulkCopy, input.heartbeatTimeoutMs),
  );
  return operate(
    { kind: 'export', origin: { who, why }, total: 0, documentsPerSecond: null },
    (operation) =>
      endingTask(operation, { taskUid, failed: exportFailed }, async () => {
        const { state } = operation;
        await operation.enter('await-tasks');
        await operation.cancellable(() => awaitTasks({ upTo: taskUid, own: taskUid }));
        await operation.enter('plan');
        const { targets } = await operation.cancellable(() => planExport({ taskUid }));
        state.total = targets.length;
        await operation.enter('send');
        const sent: SentIndex[] = [];
        for (const target of targets) {
          await operation.checkpoint();
          const { exists } = await operation.cancellable(() => inspectRemote({ taskUid, target }));
          const request = { taskUid, target, exists, before: state.documentsCopied };
          const one = await operation.cancellable(() =>
            exportIndex({ ...request, runKey: operation.id }),
          );
          state.done += 1;
          if (one === null) continue;
          sent.push(one);
          state.documentsCopied += one.documents;
        }
        await noteExported({ taskUid, sent });
        const indexes = sent.map(({ uid, documents }) => ({ uid, documents }));
        return { report: { upToTask: taskUid, indexes }, details: {} };
      }),
  );
}

/** The error object of a failed task: a wrong filter is the client's fault, all else the engine calls internal. */
function exportFailed(error: unknown): { [member: string]: JsonValue } {
  const { type, message } = failureOf(error);
  const [code, kind] =
    type === 'export-filter'
      ? ['invalid_document_filter', 'invalid_request']
      : ['internal', 'internal'];
  return { message, code, type: kind, link: `https://docs.meilisearch.com/errors#${code}` };
}
