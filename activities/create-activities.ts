import { Context } from '@temporalio/activity';
import {
  beginAntiEntropy,
  compareIndex,
  finishAntiEntropy,
  settleDifferences,
} from './anti-entropy/run';
import { assembleDump } from './archives/assemble-dump';
import { checkBackup, newestBackup, retainBackups, writeManifest } from './archives/backups';
import { compareRestored, dropScratch, recordDrill } from './archives/drill';
import { finishImport } from './archives/finish-import';
import { importDocuments } from './archives/import-documents';
import { inspectArchive } from './archives/inspect';
import { createImported, dropImported } from './archives/prepare';
import { beginTask, endTask } from './archives/tasks';
import { awaitTasks, dropParts, startArchive, writeIndexParts } from './archives/write-parts';
import type { Failpoint, SyncRef } from '../core/operations';
import { passBarrier } from './barrier';
import { canariesAreGreen, runCanary } from './canaries';
import { claimGroups, releaseGroups } from './claims';
import { toFailure } from './errors';
import { exportIndex, inspectRemote, noteExported, planExport } from './export/run';
import { forgetSecret } from './migration/instances';
import { levelIndex } from './migration/level';
import { markSource, planMigration } from './migration/plan';
import {
  copyKeys,
  newIndexes,
  prepareStaging,
  publishIndexes,
  undoMigration,
} from './migration/steps';
import { adoptNode, checkNewNode } from './nodes/adopt';
import { applyChange, checkChange, finishChange, undoChange } from './nodes/change';
import { forgetCopies, mayLeave, removeNode, setNodeIntent } from './nodes/leave';
import {
  awaitVersion,
  countStale,
  inspectNode,
  planUpgrade,
  restartNode,
  restNode,
} from './nodes/upgrade';
import { checkRebuild, disownCopies, emptyNode, renameNode } from './nodes/rebuild';
import { checkPlan, planChange, planRebalance, planRepair, recheckChange } from './plan/plan';
import { reshardCatalogue } from './reshard';
import { decideRollover } from './rollover/policy';
import {
  createNextIndex,
  dropNextIndex,
  flipAliases,
  retainIndexes,
  waitIndexReady,
} from './rollover/steps';
import { broadcastSettings } from './settings';
import { checkSettings } from './settings-check';
import { awaitSources } from './sync/await-sources';
import { namingLosses } from './sync/away';
import { catchUpRound } from './sync/catch-up';
import { copyRanges } from './sync/copy';
import { cutOver, reverseCutOver } from './sync/cut-over';
import { joinUnderFence } from './sync/join';
import { removeLeaving, restoreStale, startLeaving } from './sync/leave';
import { openTarget, staleCopies } from './sync/open';
import { verifyCopy } from './sync/verify';
import type { ActivityTools, Call } from './tools';
import { expiringIndexes, sweepIndex } from './ttl';
import type { Activities } from './types';
import { findRepairs } from './upkeep/find-repairs';
import { writeView } from './views';

type Names = keyof Activities;
type Run<N extends Names> = (
  tools: ActivityTools,
  request: Parameters<Activities[N]>[0],
  call: Call,
) => ReturnType<Activities[N]>;

/** The phases in which a kill test may end the process, by the activity that begins them. */
const phaseOf: Partial<Record<Names, Failpoint>> = {
  openTarget: 'open',
  passBarrier: 'barrier',
  copyRanges: 'copy',
  catchUpRound: 'catch-up',
  joinUnderFence: 'join',
  verifyCopy: 'verify',
  canariesAreGreen: 'canaries',
  cutOver: 'cut-over',
  startLeaving: 'clean-up',
  decideRollover: 'rollover-check',
  createNextIndex: 'rollover-create',
  waitIndexReady: 'rollover-settle',
  flipAliases: 'rollover-flip',
  retainIndexes: 'rollover-retain',
};

/**
 * The heartbeat is sent by a timer, because a call to a node may last longer than the server waits;
 * every call has a deadline, so a timer does not keep a hung activity alive.
 */
function startCall(heartbeatMs: number): { call: Call; stop: () => void } {
  const context = Context.current();
  let details: unknown = context.info.heartbeatDetails;
  const send = (): void => context.heartbeat(details);
  const timer = setInterval(send, heartbeatMs);
  const call: Call = {
    attempt: context.info.attempt,
    scheduledAt: context.info.currentAttemptScheduledTimestampMs,
    runId: context.info.workflowExecution?.runId ?? context.info.activityId,
    signal: context.cancellationSignal,
    beat(next) {
      details = next;
      send();
    },
    resumed: () => context.info.heartbeatDetails,
  };
  return { call, stop: () => clearInterval(timer) };
}

function activity<N extends Names>(
  tools: ActivityTools,
  name: N,
  run: Run<N>,
): (request: Parameters<Activities[N]>[0]) => Promise<unknown> {
  return async (request) => {
    const { call, stop } = startCall(tools.config.heartbeatMs);
    try {
      const phase = phaseOf[name];
      if (phase !== undefined) await tools.failpoint(phase);
      return await run(tools, request, call);
    } catch (error) {
      throw toFailure(error, call.signal);
    } finally {
      stop();
    }
  };
}

const itself = (ref: SyncRef): SyncRef => ref;

/** Each activity by its name, without what Temporal gives it: for whoever runs them without Temporal. */
export const activityRuns: { readonly [N in Names]: Run<N> } = {
  staleCopies,
  openTarget: namingLosses(openTarget, itself),
  passBarrier,
  copyRanges: namingLosses(copyRanges, ({ ref }) => ref),
  catchUpRound: namingLosses(catchUpRound, itself),
  joinUnderFence: namingLosses(joinUnderFence, itself),
  verifyCopy: namingLosses(verifyCopy, itself),
  awaitSources,
  canariesAreGreen,
  cutOver,
  reverseCutOver,
  startLeaving,
  removeLeaving,
  restoreStale,
  planRebalance,
  planRepair,
  checkPlan,
  checkChange,
  planChange,
  recheckChange,
  applyChange,
  finishChange,
  undoChange,
  reshardCatalogue,
  claimGroups,
  releaseGroups,
  checkNewNode,
  adoptNode,
  setNodeIntent,
  mayLeave,
  forgetCopies,
  removeNode,
  planMigration,
  markSource,
  prepareStaging,
  levelIndex,
  newIndexes,
  copyKeys,
  publishIndexes,
  undoMigration,
  forgetSecret,
  planUpgrade,
  restNode,
  restartNode,
  awaitVersion,
  inspectNode,
  countStale,
  checkRebuild,
  disownCopies,
  emptyNode,
  renameNode,
  findRepairs,
  beginAntiEntropy,
  compareIndex,
  settleDifferences,
  finishAntiEntropy,
  broadcastSettings,
  checkSettings,
  expiringIndexes,
  sweepIndex,
  decideRollover,
  createNextIndex,
  waitIndexReady,
  flipAliases,
  retainIndexes,
  dropNextIndex,
  runCanary,
  inspectArchive,
  createImported,
  importDocuments,
  finishImport,
  dropImported,
  planExport,
  inspectRemote,
  exportIndex,
  noteExported,
  startArchive,
  awaitTasks,
  writeIndexParts,
  dropParts,
  assembleDump,
  beginTask,
  endTask,
  writeManifest,
  retainBackups,
  newestBackup,
  checkBackup,
  compareRestored,
  dropScratch,
  recordDrill,
  writeView,
};

/** All activities with their tools, by the names that workflows call. */
export function createActivities(tools: ActivityTools): Activities {
  const bound = Object.entries(activityRuns).map(([name, run]) => [
    name,
    activity(tools, name as Names, run as Run<Names>),
  ]);
  return Object.fromEntries(bound) as Activities;
}
