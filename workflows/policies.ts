import type { ActivityOptions, LocalActivityOptions, RetryPolicy } from '@temporalio/workflow';
import { ActivityCancellationType } from '@temporalio/workflow';

/**
 * Every timeout and every retry of an operation, by the nature of the call. An error that retrying
 * cannot cure is thrown non-retryable by the activity itself, with its type.
 */

const patient: RetryPolicy = {
  initialInterval: '200 milliseconds',
  backoffCoefficient: 2,
  maximumInterval: '20 seconds',
};

/** Every activity heartbeats by a timer, so a worker that died is noticed after this time. */
const heartbeatTimeout = '10 seconds';

/** Reads state; cheap and without effect. */
export const quickRead: ActivityOptions = {
  startToCloseTimeout: '30 seconds',
  heartbeatTimeout,
  scheduleToCloseTimeout: '10 minutes',
  retry: patient,
};

/** Changes the store or asks a node for one thing; idempotent. */
export const quickChange: ActivityOptions = {
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '1 hour',
  heartbeatTimeout,
  retry: patient,
  // What is undone next must not be done at the same time.
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** Waits until a measurable condition holds, and heartbeats what it waits for. */
export const longWait: ActivityOptions = {
  startToCloseTimeout: '24 hours',
  heartbeatTimeout,
  retry: patient,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** Moves documents: hours at worst, heartbeats a cursor, resumes from it. */
export const bulkCopy: ActivityOptions = {
  startToCloseTimeout: '7 days',
  heartbeatTimeout,
  retry: { ...patient, maximumAttempts: 50 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** At or after the point of no return, and roll-back: never given up, because half is the worst state. */
export const irreversible: ActivityOptions = {
  startToCloseTimeout: '24 hours',
  heartbeatTimeout,
  retry: patient,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** Deletes expired documents: it may take long, and the next sweep takes what this one could not. */
export const sweep: ActivityOptions = {
  startToCloseTimeout: '24 hours',
  heartbeatTimeout,
  retry: { ...patient, maximumAttempts: 10 },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
};

/** One search through the api; a canary that cannot be run is red, so it is not tried for long. */
export const canaryRun: ActivityOptions = {
  startToCloseTimeout: '1 minute',
  retry: { ...patient, maximumAttempts: 3 },
};

/** The same with another heartbeat timeout; tests kill workers and want to see them replaced at once. */
export const withHeartbeat = (options: ActivityOptions, timeoutMs = 10_000): ActivityOptions => ({
  ...options,
  heartbeatTimeout: timeoutMs,
});

/**
 * Writes the view of the run; costs no round trip through the server. It is tried for as long as the
 * store is away: running activities read the pause and the throttle there.
 */
export const localView: LocalActivityOptions = {
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '100 milliseconds', maximumInterval: '2 seconds' },
};

/** Reads the table right after a view was written, so the store is there; costs no round trip either. */
export const localRead: LocalActivityOptions = localView;

/** A source that does not answer for longer is replaced by another in-sync copy. */
export const sourceGraceMsDefault = 60_000;
/** A node that nothing can replace is waited for so long before a sync is undone. */
export const awayMaxMsDefault = 15 * 60_000;

/** A run starts over with a fresh history at this length, long before the server insists. */
export const historyEventsMax = 4_000;

/** Tries to join under a fence before the operator has to look at the run; each try is seconds apart. */
export const joinPauseMs = 2_000;
export const canaryPauseMs = 5_000;

/** How long an operation waits for another one on the same group, and how it looks again. */
export const claimWaitMsMax = 24 * 3_600_000;
export const claimPauseMs = { first: 1_000, max: 30_000 };
/** A call waits inside so long, looking often; with the pauses a day of waiting stays a short history. */
export const claimCallMs = 90_000;

/** How long a sync waits for one of its name that a terminated operation left, and how often it looks. */
export const namesakeWaitMsMax = 3_600_000;
export const namesakePauseMs = { first: 500, max: 30_000 };

/** Tries to change the number of shards between two writes, seconds apart, before it is given up. */
export const reshardTriesMax = 30;

/** So many errors stand in a report; all of them stand in the children's views. */
export const reportErrorsMax = 20;
/** A target that missed a write after the join is filled again so often before the sync is undone. */
export const refillsMax = 5;
