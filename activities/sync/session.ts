import type { IndexEntry } from '../../core/fleet';
import type { SyncRef } from '../../core/operations';
import { tryAgain } from '../errors';
import type { NodeSide } from '../node-queue';
import { allWorkedOff } from '../node-queue';
import { clientOf, entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';

/**
 * What one attempt of an activity that sends to the target works with. It has a number; as soon as
 * another attempt takes the next one, this one may send nothing more.
 */
export interface Session {
  readonly tools: ActivityTools;
  readonly ref: SyncRef;
  readonly call: Call;
  readonly number: number;
  readonly source: NodeSide;
  readonly target: NodeSide;
}

/**
 * Takes the next number, then makes sure that nothing of an earlier attempt can land later: requests
 * that were admitted before are waited for, and the target works off all it has taken. Without that
 * this attempt would compare with a past that is about to change.
 */
export async function openSession(
  tools: ActivityTools,
  ref: SyncRef,
  call: Call,
): Promise<Session> {
  const number = await tools.store.attempts.nextAttempt(ref.runKey);
  const session: Session = {
    tools,
    ref,
    call,
    number,
    source: { client: await clientOf(tools, ref.source), physicalUid: ref.physicalUid },
    target: { client: await clientOf(tools, ref.target), physicalUid: ref.physicalUid },
  };
  // Only a retried activity can have a predecessor that is still running: the workflow waits for the
  // end of each activity before it starts the next one.
  if (call.attempt > 1) await tools.clock.sleep(tools.config.nodeDeadlineMs, call.signal);
  await allWorkedOff(session.target, { clock: tools.clock, call });
  return session;
}

export type Numbered = Pick<Session, 'tools' | 'number'> & {
  readonly ref: Pick<SyncRef, 'runKey'>;
};

/** For activities that change the table or delete: whoever came later has decided otherwise. */
export async function takeNumber(
  tools: ActivityTools,
  ref: Pick<SyncRef, 'runKey'>,
): Promise<Numbered> {
  return { tools, ref, number: await tools.store.attempts.nextAttempt(ref.runKey) };
}

export async function assertCurrent({ tools, ref, number }: Numbered): Promise<void> {
  if (await tools.store.attempts.isCurrent(ref.runKey, number)) return;
  throw tryAgain('attempt-old', `Attempt ${String(number)} of ${ref.runKey} was overtaken.`);
}

/** The span of one deletion: what decides it is read and it is sent within one deadline of a node. */
export interface Span {
  /** Milliseconds since 1970. */
  readonly until: number;
}

export const beginSpan = ({ clock, config }: ActivityTools): Span => ({
  until: clock.now() + config.nodeDeadlineMs,
});

/**
 * The options of a deletion that may go out now, by the newest attempt alone and within its span. A
 * worker that was only slow must not delete from a copy that is in use again: whoever takes over waits
 * until this span is over.
 */
export async function sendOptions(
  numbered: Numbered,
  { until }: Span,
): Promise<{ readonly deadlineMs: number }> {
  await assertCurrent(numbered);
  const deadlineMs = until - numbered.tools.clock.now();
  if (deadlineMs <= 0) throw tryAgain('span-over', 'Looking took too long; it is looked at again.');
  return { deadlineMs };
}

export const entryNow = ({ tools, ref }: Session): Promise<IndexEntry> =>
  entryOf(tools, ref.physicalUid);
