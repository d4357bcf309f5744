import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type {
  ArchiveStart,
  BackupInput,
  BackupReport,
  DumpInput,
  DumpReport,
  PartsRef,
  WrittenIndex,
} from '../core/archives/types';
import type { JsonValue } from '../core/fleet';
import { textOf } from './failures';
import { operate } from './handlers';
import type { Operation } from './operation';
import { bulkCopy, irreversible, longWait, quickRead, withHeartbeat } from './policies';
import { endingTask } from './task-of-run';

const { startArchive } = proxyActivities<Pick<Activities, 'startArchive'>>(quickRead);
const { awaitTasks } = proxyActivities<Pick<Activities, 'awaitTasks'>>(longWait);
const { dropParts } = proxyActivities<Pick<Activities, 'dropParts'>>(irreversible);

type Writing = Pick<
  Activities,
  'writeIndexParts' | 'assembleDump' | 'writeManifest' | 'retainBackups'
>;
const writing = (heartbeatTimeoutMs: number | undefined): Writing =>
  proxyActivities<Writing>(withHeartbeat(bulkCopy, heartbeatTimeoutMs));

/** `YYYYMMDD-HHMMSSmmm`, as the engine names its dumps. */
function dumpUidOf(startedAt: string): string {
  const digits = startedAt.replace(/\D/g, '');
  return `${digits.slice(0, 8)}-${digits.slice(8, 17)}`;
}

/**
 * Makes one file that a single Meilisearch loads. Point of no return: none; nothing of the fleet is
 * changed, and what was written goes again unless it is whole.
 */
export async function createDump(input: DumpInput): Promise<DumpReport> {
  const { taskUid, who, why } = input;
  const acts = writing(input.heartbeatTimeoutMs);
  return operate(
    { kind: 'dump', origin: { who, why }, total: 0, documentsPerSecond: null },
    (operation) =>
      endingTask(operation, { taskUid, failed: dumpFailed }, async () => {
        const start = await reachPoint(operation, taskUid);
        const dumpUid = dumpUidOf(start.startedAt);
        const ref: PartsRef = { ...partsOf('dumps', `work/${dumpUid}`) };
        try {
          const indexes = await writeIndexes(operation, { ref, start, acts });
          await operation.enter('assemble');
          const file = `${dumpUid}.dump`;
          const { bytes } = await operation.cancellable(() =>
            acts.assembleDump({ ref, file, startedAt: start.startedAt, indexes }),
          );
          const report = { dumpUid, file, upToTask: start.upToTask, indexes, bytes };
          return { report, details: { dumpUid } };
        } finally {
          await dropParts(ref);
        }
      }),
  );
}

/** Point of no return: the manifest; without it there is no backup. */
export async function createBackup(input: BackupInput): Promise<BackupReport> {
  const { who, why, keep, keepMs = null } = input;
  const acts = writing(input.heartbeatTimeoutMs);
  return operate(
    { kind: 'backup', origin: { who, why }, total: 0, documentsPerSecond: null },
    async (operation) => {
      const start = await reachPoint(operation, null);
      const id = dumpUidOf(start.startedAt);
      const ref = partsOf('backups', id);
      const indexes = await writeIndexes(operation, { ref, start, acts }).catch(
        async (error: unknown) => {
          await dropParts(ref);
          throw error;
        },
      );
      await operation.enter('manifest');
      operation.passPointOfNoReturn();
      await acts.writeManifest({ ref, start, indexes });
      const deleted = keep === null ? [] : await acts.retainBackups({ keep, keepMs });
      const report = { id, upToTask: start.upToTask, indexes, deleted };
      operation.state.shown = report as unknown as JsonValue;
      operation.state.phase = 'done';
      await operation.finish('succeeded', null);
      return report;
    },
  );
}

const partsOf = (place: PartsRef['place'], base: string): PartsRef => ({
  ...{ place, base, runKey: workflowInfo().workflowId },
});

/** Everything that was acknowledged before is applied; what comes later may be in it or not. */
async function reachPoint(operation: Operation, taskUid: number | null): Promise<ArchiveStart> {
  await operation.enter('start');
  const start = await startArchive({ taskUid });
  await operation.enter('await-tasks');
  await operation.cancellable(() => awaitTasks({ upTo: start.upToTask, own: taskUid }));
  return start;
}

async function writeIndexes(
  operation: Operation,
  { ref, start, acts }: { ref: PartsRef; start: ArchiveStart; acts: Writing },
): Promise<WrittenIndex[]> {
  const { state } = operation;
  const written: WrittenIndex[] = [];
  await operation.enter('write');
  state.total = start.indexes.length;
  for (const [ordinal, index] of start.indexes.entries()) {
    await operation.checkpoint();
    const before = state.documentsCopied;
    const one = await operation.cancellable(() =>
      acts.writeIndexParts({ ref, ordinal, index, before }),
    );
    state.done += 1;
    if (one === null) continue;
    written.push(one);
    state.documentsCopied += one.documents;
  }
  return written;
}

/** The error object of a failed task, as the engine has it for its own dumps. */
const dumpFailed = (error: unknown): { [member: string]: JsonValue } => ({
  message: `An error happened during the dump: ${textOf(error)}`,
  code: 'dump_process_failed',
  type: 'internal',
  link: 'https://docs.meilisearch.com/errors#dump_process_failed',
});
