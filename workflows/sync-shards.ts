import { ContinueAsNew, continueAsNew, patched, sleep, workflowInfo } from '@temporalio/workflow';
import type { CopyCursor, SyncInput, SyncReport, SyncStep } from '../core/operations';
import { withClaim } from './claim';
import { fatal } from './failures';
import { operate } from './handlers';
import { isDifference, lossOf, outlive, readFrom } from './outlive';
import type { Loss } from './outlive';
import { canaryPauseMs, historyEventsMax, joinPauseMs, refillsMax } from './policies';
import { line } from './summaries/line';
import { cleanUpSource, giveBack, report, reversedInGrace, rollBack } from './sync-ends';
import { specOf, startSync } from './sync-state';
import type { Sync } from './sync-state';

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
      if (await reversedInGrace(sync)) {
        const given = await giveBack(sync);
        if (given !== null) return given;
      }
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
  // Once, and before anything is changed: an opening whose answer is lost, or that is cancelled, changes the
  // table all the same. A copy that becomes stale during this sync is not one that an undo leaves behind.
  if (sync.wasStale === null && patched('stale-before-opening')) {
    sync.wasStale = await activities.staleCopies(ref);
  }
  sync.opened = true;
  const { epoch, wasStale } = await activities.openTarget(ref);
  sync.wasStale ??= wasStale;
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
      ...{ step, documentsCopied, paused, cursor: sync.cursor },
      wasStale: sync.wasStale ?? [],
      startedAt: operation.startedAt,
      ...(sync.ref.feeds === undefined ? {} : { feeds: sync.ref.feeds }),
    },
  });
}
