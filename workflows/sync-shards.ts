import {
  condition,
  ContinueAsNew,
  continueAsNew,
  isCancellation,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities, LeaveRequest } from '../activities/types';
import type { GroupId, NodeId, ShardId } from '../core/ids';
import type { CopyCursor, SyncInput, SyncRef, SyncReport, SyncStep } from '../core/operations';
import { withClaim } from './claim';
import { deleteWhenKept } from './delete-when-kept';
import { fatal, textOf } from './failures';
import { operate } from './handlers';
import type { Operation } from './operation';
import { awayMaxMs, isDifference, lossOf, outlive, readFrom } from './outlive';
import type { Loss } from './outlive';
import {
  bulkCopy,
  canaryPauseMs,
  historyEventsMax,
  irreversible,
  joinPauseMs,
  longWait,
  quickChange,
  quickRead,
  refillsMax,
  withHeartbeat,
} from './policies';
import { line } from './summaries/line';

interface Sync {
  readonly input: SyncInput;
  /** Changes when other copies are read than before. */
  ref: SyncRef;
  readonly operation: Operation;
  readonly activities: ReturnType<typeof activitiesOf>;
  /** Set when the run goes on after continue-as-new; used up by the first phase it names. */
  resumeAt: SyncStep | null;
  cursor: CopyCursor | null;
  wasStale: readonly ShardId[];
  /** Nothing to undo before it. */
  opened: boolean;
  /** It was opened once, so it is known which copies were stale before. */
  wasOpen: boolean;
  /** Other copies are read than those that the target was filled from before it joined. */
  verifiesAnother: boolean;
}

/** The proxies are taken apart by name: they know no names of their own. */
function activitiesOf({ options }: SyncInput) {
  const beat = options.heartbeatTimeoutMs;
  const { canariesAreGreen } = proxyActivities<Pick<Activities, 'canariesAreGreen'>>(
    withHeartbeat(quickRead, beat),
  );
  const { cutOver, reverseCutOver } = proxyActivities<
    Pick<Activities, 'cutOver' | 'reverseCutOver'>
  >(withHeartbeat(quickChange, beat));
  const { openTarget, passBarrier } = proxyActivities<
    Pick<Activities, 'openTarget' | 'passBarrier'>
  >(withHeartbeat(longWait, beat));
  const { copyRanges, catchUpRound, joinUnderFence, verifyCopy } = proxyActivities<
    Pick<Activities, 'copyRanges' | 'catchUpRound' | 'joinUnderFence' | 'verifyCopy'>
  >(withHeartbeat(bulkCopy, beat));
  const { startLeaving, removeLeaving, restoreStale } = proxyActivities<
    Pick<Activities, 'startLeaving' | 'removeLeaving' | 'restoreStale'>
  >(withHeartbeat(irreversible, beat));
  return {
    ...{ openTarget, passBarrier, copyRanges, catchUpRound, joinUnderFence, verifyCopy },
    ...{ canariesAreGreen, cutOver, reverseCutOver, startLeaving, removeLeaving, restoreStale },
  };
}

/**
 * Makes the target's copy of some shards equal to the source's while writes go on, and lets the target
 * answer for them. All shards of one pair of nodes go together. The phases are those of the runbook,
 * in its order.
 */
export async function syncShards(input: SyncInput): Promise<SyncReport> {
  return operate(specOf(input), async (operation) => {
    const sync = startSync(input, operation);
    const groups = input.parent === null ? [input.group, input.sourceGroup] : [];
    return withClaim(operation, groups, async () => {
      try {
        await fillUntilCutOver(sync);
      } catch (error) {
        if (error instanceof ContinueAsNew || !operation.state.cancellable) throw error;
        return rollBack(sync, error);
      }
      if (await reversedInGrace(sync)) return giveBack(sync);
      await cleanUpSource(sync);
      return report(sync, 'done', null);
    });
  });
}

async function fillUntilCutOver(sync: Sync): Promise<void> {
  const { operation, activities, ref } = sync;
  for (let fills = 1; ; fills += 1) {
    await operation.cancellable(() => fillInSpiteOfLosses(sync));
    await operation.enter('cut-over');
    // Point of no return: after this change the target answers for the shards. No cancel is accepted
    // any more; until the clean-up a reverse still flips back, because the source gets every write.
    operation.passPointOfNoReturn();
    const verdict = await activities.cutOver(ref);
    if (verdict.ok) return;
    // The target missed a write after it had joined, so nothing was flipped and a cancel is safe again.
    operation.state.cancellable = true;
    if (fills === refillsMax) throw fatal('cut-over-refused', verdict.reason);
  }
}

/** Goes on where it stopped when the nodes are back, and from other copies when a source is not. */
async function fillInSpiteOfLosses(sync: Sync): Promise<void> {
  for (;;) {
    try {
      return await fill(sync);
    } catch (error) {
      const loss = lossOf(error);
      if (loss !== null) await goOnAfter(sync, loss);
      else if (sync.verifiesAnother && isDifference(error)) startOver(sync);
      else throw error;
    }
  }
}

async function goOnAfter(sync: Sync, loss: Loss): Promise<void> {
  const { operation } = sync;
  const { phase } = operation.state;
  const feeds = await outlive(operation, sync, loss);
  // Copies equal each other in what was acknowledged only, and a source that fell behind unseen may have
  // been read: what is there already is compared with the new ones, and only what differs is sent.
  const joined = phase === 'verify';
  if (phase === 'open') startOver(sync);
  else if (joined) sync.resumeAt = 'verify';
  else if (feeds !== null || phase === 'copy') sync.resumeAt = 'copy';
  else sync.resumeAt = 'catch-up';
  if (loss.cursor !== null && phase === 'copy') keepCursor(sync, loss.cursor);
  if (feeds !== null) {
    sync.cursor = null;
    sync.ref = readFrom(sync.ref, feeds);
    sync.verifiesAnother = joined;
    operation.state.readFrom = feeds.map(({ node }) => node);
  }
  if (sync.resumeAt !== null) await continueIfLong(sync, sync.resumeAt);
}

/** Opened again, a target that had joined begins as a stale one does: all of it is compared. */
function startOver(sync: Sync): void {
  sync.resumeAt = null;
  sync.cursor = null;
  sync.verifiesAnother = false;
}

async function fill(sync: Sync): Promise<void> {
  await open(sync);
  await copy(sync);
  await catchUpAndJoin(sync);
  sync.resumeAt = null;
  await sync.operation.enter('verify');
  await sync.activities.verifyCopy(sync.ref);
  await waitForCanaries(sync);
}

/** After the barrier every search to the target carries the bucket filter, so a half copy is not seen. */
async function open(sync: Sync): Promise<void> {
  if (sync.resumeAt !== null) return;
  const { operation, activities, ref } = sync;
  await operation.enter('open');
  const again = sync.wasOpen;
  sync.opened = true;
  const { epoch, wasStale } = await activities.openTarget(ref);
  sync.wasOpen = true;
  // A copy that became stale during this sync is not one that a roll-back leaves behind.
  if (!again) sync.wasStale = wasStale;
  await operation.enter('barrier');
  await operation.waiting(`every pod to know epoch ${String(epoch)}`, () =>
    activities.passBarrier({ epoch, operation: operation.id }),
  );
}

async function copy(sync: Sync): Promise<void> {
  const { operation, activities, ref } = sync;
  if (sync.resumeAt === 'catch-up' || sync.resumeAt === 'verify') return;
  await operation.enter('copy');
  for (;;) {
    await operation.checkpoint();
    const began = Date.now();
    const { cursor, outcome } = await activities.copyRanges({ ref, cursor: sync.cursor });
    operation.state.copyMs += Date.now() - began;
    keepCursor(sync, cursor);
    if (outcome === 'done') break;
    await continueIfLong(sync, 'copy');
  }
  sync.cursor = null;
}

function keepCursor(sync: Sync, cursor: CopyCursor): void {
  sync.operation.state.documentsCopied += Math.max(0, cursor.sent - (sync.cursor?.sent ?? 0));
  sync.cursor = cursor;
}

/** Rounds until one is small, then the join; when writes are too dense to join, more rounds. */
async function catchUpAndJoin(sync: Sync): Promise<void> {
  const { operation, activities, ref, input } = sync;
  if (sync.resumeAt === 'verify') return;
  sync.resumeAt = null;
  for (;;) {
    await operation.enter('catch-up');
    const round = await activities.catchUpRound(ref);
    operation.state.documentsCopied += round.sent;
    if (Math.max(round.handled, round.left) <= input.options.smallRoundIds) {
      await operation.enter('join');
      const join = await activities.joinUnderFence(ref);
      if (join.joined) {
        operation.state.fencedMs = join.fencedMs ?? 0;
        return;
      }
      await operation.waiting(`a moment in which the join is possible: ${join.reason}`, () =>
        sleep(joinPauseMs, { summary: line(`join again: ${join.reason}`) }),
      );
    }
    await continueIfLong(sync, 'catch-up');
  }
}

async function waitForCanaries(sync: Sync): Promise<void> {
  const { operation, activities, ref } = sync;
  await operation.enter('canaries');
  for (;;) {
    const verdict = await activities.canariesAreGreen({ index: ref.index });
    if (verdict.ok) return;
    await operation.waiting(verdict.reason, () =>
      sleep(canaryPauseMs, { summary: line(verdict.reason) }),
    );
    await operation.checkpoint();
  }
}

/** The way back stays open for the grace time. A copy has no way back to keep open: its source stays. */
async function reversedInGrace(sync: Sync): Promise<boolean> {
  const { operation, input } = sync;
  if (input.kind === 'copy') return false;
  // A source that the sync had to leave missed writes, or may have: there is no way back to keep open.
  if (sync.ref.feeds !== undefined) return false;
  const { state } = operation;
  state.cancellable = false;
  state.reversible = true;
  await operation.enter('grace');
  await operation.waiting('the grace time, in which `reverse` goes back', () =>
    condition(() => state.reversedBy !== null, input.options.graceMs, {
      summary: 'the grace time, in which `reverse` goes back',
    }),
  );
  await operation.checkpoint();
  state.reversible = false;
  return state.reversedBy !== null;
}

async function cleanUpSource(sync: Sync): Promise<void> {
  const { operation, input } = sync;
  if (input.kind === 'copy') return;
  await operation.enter('clean-up');
  await leave(sync, leaveRequest(sync, input.source, input.sourceGroup, input.shards));
}

async function giveBack(sync: Sync): Promise<SyncReport> {
  const { operation, activities, ref } = sync;
  await operation.enter('reverse');
  const verdict = await activities.reverseCutOver(ref);
  if (!verdict.ok) throw fatal('reverse-refused', verdict.reason);
  await cleanTarget(sync);
  return report(sync, 'reversed', null);
}

/** Before the point of no return: the target is cleaned first, its rows leave the table last. */
async function rollBack(sync: Sync, error: unknown): Promise<SyncReport> {
  const { operation } = sync;
  const canceled = isCancellation(error);
  operation.state.cancellable = false;
  operation.state.paused = false;
  if (sync.opened) {
    await operation.enter('roll-back');
    await cleanTarget(sync);
  }
  if (canceled) return report(sync, 'canceled', null);
  return report(sync, 'failed', textOf(error));
}

async function cleanTarget(sync: Sync): Promise<void> {
  const { input, activities, wasStale } = sync;
  const { target, group } = input;
  const made = input.shards.filter((shard) => !wasStale.includes(shard));
  if (wasStale.length > 0) {
    await activities.restoreStale(leaveRequest(sync, target, group, wasStale));
  }
  if (made.length > 0) await leave(sync, leaveRequest(sync, target, group, made));
}

function leaveRequest(
  { ref, input }: Sync,
  node: NodeId,
  group: GroupId,
  shards: readonly ShardId[],
): LeaveRequest {
  const { physicalUid, who, why } = input;
  return { physicalUid, group, node, shards, who, why, runKey: ref.runKey };
}

async function leave(sync: Sync, request: LeaveRequest): Promise<void> {
  const { operation, activities, input } = sync;
  const epoch = await activities.startLeaving(request);
  if (epoch === null) return;
  await operation.waiting(`every pod to know epoch ${String(epoch)}`, () =>
    activities.passBarrier({ epoch, operation: operation.id }),
  );
  const until = Date.now() + awayMaxMs(input);
  try {
    await deleteWhenKept(operation, epoch, () => activities.removeLeaving({ ...request, until }));
  } catch (error) {
    // Its rows stay, leaving, so nothing there is seen; the next repair or rebalance removes them.
    if (lossOf(error) === null) throw error;
    operation.state.leftOn = request.node;
  }
}

async function report(
  sync: Sync,
  outcome: SyncReport['outcome'],
  error: string | null,
): Promise<SyncReport> {
  const { operation, input } = sync;
  const status = outcome === 'done' ? 'succeeded' : outcome === 'failed' ? 'failed' : 'canceled';
  operation.state.phase = 'done';
  if (outcome === 'done') operation.state.done = operation.state.total;
  await operation.finish(status, error);
  const { physicalUid, index, group, source, sourceGroup, target, shards, kind } = input;
  return {
    ...{ physicalUid, index, group, source, sourceGroup, target, shards, kind, outcome, error },
    documentsCopied: operation.state.documentsCopied,
    startedAt: operation.startedAt,
    finishedAt: new Date().toISOString(),
  };
}

async function continueIfLong(sync: Sync, step: SyncStep): Promise<void> {
  const { operation, input } = sync;
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  const max = input.options.historyEventsMax ?? historyEventsMax;
  if (historyLength < max && !continueAsNewSuggested) return;
  await operation.settle();
  const { documentsCopied, paused, documentsPerSecond } = operation.state;
  await continueAsNew<typeof syncShards>({
    ...input,
    options: { ...input.options, documentsPerSecond },
    resume: {
      ...{ step, documentsCopied, paused, cursor: sync.cursor, wasStale: sync.wasStale },
      startedAt: operation.startedAt,
      ...(sync.ref.feeds === undefined ? {} : { feeds: sync.ref.feeds }),
    },
  });
}

function specOf(input: SyncInput) {
  const { resume } = input;
  return {
    kind: 'sync' as const,
    origin: { who: input.who, why: input.why },
    index: input.index,
    nodes: [input.source, input.target],
    shards: input.shards.join(','),
    total: input.shards.length,
    documentsPerSecond: input.options.documentsPerSecond,
    ...(resume === undefined ? {} : { resumed: { ...resume, approvedBy: null } }),
  };
}

function startSync(input: SyncInput, operation: Operation): Sync {
  const { physicalUid, index, group, source, sourceGroup, target, shards, kind, who, why } = input;
  const ref = {
    ...{ physicalUid, index, group, source, sourceGroup, target, shards, kind, who, why },
    runKey: operation.id,
  };
  const feeds = input.resume?.feeds;
  return {
    input,
    operation,
    ref: feeds === undefined ? ref : readFrom(ref, feeds),
    activities: activitiesOf(input),
    resumeAt: input.resume?.step ?? null,
    cursor: input.resume?.cursor ?? null,
    wasStale: input.resume?.wasStale ?? [],
    opened: input.resume !== undefined,
    wasOpen: input.resume !== undefined,
    // A run that continues to verify does so because it reads from others since the join.
    verifiesAnother: input.resume?.step === 'verify' && input.resume.feeds !== undefined,
  };
}
