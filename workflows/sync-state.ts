import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { ShardId } from '../core/ids';
import type { CopyCursor, SyncInput, SyncRef, SyncStep } from '../core/operations';
import type { Operation } from './operation';
import { readFrom } from './outlive';
import {
  bulkCopy,
  irreversible,
  localRead,
  longWait,
  quickChange,
  quickRead,
  withHeartbeat,
} from './policies';

/** What one run of a sync knows. */
export interface Sync {
  readonly input: SyncInput;
  /** Changes when other copies are read than before. */
  ref: SyncRef;
  readonly operation: Operation;
  readonly activities: ReturnType<typeof activitiesOf>;
  /** Set when the run goes on after continue-as-new; used up by the first phase it names. */
  resumeAt: SyncStep | null;
  cursor: CopyCursor | null;
  /** Shards that were stale on the target before: an undo leaves them so. Null: not known yet. */
  wasStale: readonly ShardId[] | null;
  /** Nothing to undo before it. */
  opened: boolean;
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
  const { staleCopies } = proxyLocalActivities<Pick<Activities, 'staleCopies'>>(localRead);
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
    ...{
      staleCopies,
      openTarget,
      passBarrier,
      copyRanges,
      catchUpRound,
      joinUnderFence,
      verifyCopy,
    },
    ...{ canariesAreGreen, cutOver, reverseCutOver, startLeaving, removeLeaving, restoreStale },
  };
}

export function specOf(input: SyncInput) {
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

export function startSync(input: SyncInput, operation: Operation): Sync {
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
    wasStale: input.resume?.wasStale ?? null,
    opened: input.resume !== undefined,
    // A run that continues to verify does so because it reads from others since the join.
    verifiesAnother: input.resume?.step === 'verify' && input.resume.feeds !== undefined,
  };
}
