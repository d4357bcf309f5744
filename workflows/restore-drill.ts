import {
  executeChild,
  ParentClosePolicy,
  proxyActivities,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/types';
import type {
  BackupInput,
  BackupReport,
  DrillInput,
  DrillReport,
  ImportPlan,
  ImportRef,
} from '../core/archives/types';
import type { JsonValue } from '../core/fleet';
import { createBackup } from './archives';
import { textOf } from './failures';
import { operate } from './handlers';
import { backupId, restoreDrillId } from './ids';
import { importing, inspect, writeArchive } from './import-archive';
import type { Operation } from './operation';
import { bulkCopy, irreversible, quickRead, withHeartbeat } from './policies';

const { newestBackup, checkBackup, recordDrill } =
  proxyActivities<Pick<Activities, 'newestBackup' | 'checkBackup' | 'recordDrill'>>(quickRead);
const { dropScratch } = proxyActivities<Pick<Activities, 'dropScratch'>>(irreversible);

/** Begins with what no index of a client may be named; see the activities. */
const scratchPrefix = 'miroir-drill-';

/**
 * Proves a backup: restores it into scratch indexes, reads them back, compares them with the manifest,
 * and deletes them again, whatever came of it. A backup that does not hold is a result and no failure
 * of the run. Point of no return: none.
 */
export async function restoreDrill(input: DrillInput): Promise<DrillReport> {
  const { who, why } = input;
  return operate(
    { kind: 'restore-drill', origin: { who, why }, total: 0, documentsPerSecond: null },
    async (operation) => {
      const began = Date.now();
      const backup = input.backup ?? (await newestBackup({ who, why }));
      const { failures, documents } = await prove(operation, input, backup);
      const seconds = (Date.now() - began) / 1_000;
      const report = { backup, ok: failures.length === 0, failures, documents, seconds };
      await recordDrill({ report });
      operation.state.shown = report as unknown as JsonValue;
      operation.state.phase = report.ok ? 'proven' : 'not-proven';
      await operation.finish('succeeded', null);
      return report;
    },
  );
}

interface Proof {
  readonly failures: readonly string[];
  readonly documents: number;
}

async function prove(
  operation: Operation,
  input: DrillInput,
  backup: string | null,
): Promise<Proof> {
  if (backup === null) return { failures: ['There is no complete backup.'], documents: 0 };
  const missing = await checkBackup({ id: backup });
  if (missing.length > 0) return { failures: missing, documents: 0 };
  const { who, why, batch, heartbeatTimeoutMs } = input;
  const { workflowId: runKey, runId } = workflowInfo();
  const ref: ImportRef = {
    // Each run writes anew: an id that was used before would stand for writes that were made before.
    ...{ id: `drill-${runId}`, runKey, source: { kind: 'backup', id: backup } },
    ...{ indexes: null, prefix: scratchPrefix, existing: 'refuse' },
    ...{ keys: false, features: false, aliases: false, batch, rejectedMax: 0, who, why },
  };
  let plan: ImportPlan | null = null;
  try {
    // Scratch of a drill that was ended by hand would be refused as an index that is there.
    await dropScratch({ prefix: scratchPrefix, plan: null, who, why });
    const acts = importing(heartbeatTimeoutMs);
    plan = await inspect(operation, acts, ref);
    const restored = await restoreOnce(operation, { acts, ref, plan });
    if (restored !== null) return { failures: [restored], documents: 0 };
    await operation.enter('compare');
    const { documents } = plan;
    const failures = await operation.cancellable(() =>
      comparing(heartbeatTimeoutMs).compareRestored({ backup, plan: plan as ImportPlan, runKey }),
    );
    return { failures, documents };
  } catch (error) {
    if (operation.state.canceledBy !== null) throw error;
    return { failures: [textOf(error)], documents: 0 };
  } finally {
    await dropScratch({ prefix: scratchPrefix, plan, who, why });
  }
}

const comparing = (heartbeatTimeoutMs: number | undefined): Pick<Activities, 'compareRestored'> =>
  proxyActivities<Pick<Activities, 'compareRestored'>>(withHeartbeat(bulkCopy, heartbeatTimeoutMs));

/** A document that is set aside is a backup that does not hold; nobody is asked. */
async function restoreOnce(
  operation: Operation,
  work: { acts: ReturnType<typeof importing>; ref: ImportRef; plan: ImportPlan },
): Promise<string | null> {
  const { setAside } = await writeArchive(operation, {
    ...work,
    ref: { ...work.ref, rejectedMax: Number.MAX_SAFE_INTEGER },
  });
  return setAside === 0 ? null : `${String(setAside)} documents could not be restored.`;
}

/** What the schedules start; the child's fixed id keeps two runs apart. */
export async function scheduledDrill(input: DrillInput): Promise<DrillReport | null> {
  return startChild(() =>
    executeChild(restoreDrill, {
      ...{ workflowId: restoreDrillId, parentClosePolicy: ParentClosePolicy.ABANDON },
      args: [input],
    }),
  );
}

export async function scheduledBackup(input: BackupInput): Promise<BackupReport | null> {
  return startChild(() =>
    executeChild(createBackup, {
      ...{ workflowId: backupId, parentClosePolicy: ParentClosePolicy.ABANDON },
      args: [input],
    }),
  );
}

async function startChild<T>(start: () => Promise<T>): Promise<T | null> {
  try {
    return await start();
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return null;
  }
}
