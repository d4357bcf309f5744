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

type Numbered = Pick<Session, 'tools' | 'ref' | 'number'>;

/** For activities that change the table only: whoever came later has decided otherwise. */
export async function takeNumber(tools: ActivityTools, ref: SyncRef): Promise<Numbered> {
  return { tools, ref, number: await tools.store.attempts.nextAttempt(ref.runKey) };
}

export async function assertCurrent({ tools, ref, number }: Numbered): Promise<void> {
  if (await tools.store.attempts.isCurrent(ref.runKey, number)) return;
  throw tryAgain('attempt-old', `Attempt ${String(number)} of ${ref.runKey} was overtaken.`);
}

export const entryNow = ({ tools, ref }: Session): Promise<IndexEntry> =>
  entryOf(tools, ref.physicalUid);
