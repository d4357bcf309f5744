import type { IndexEntry } from '../../core/fleet';
import type { NodeId, ShardId } from '../../core/ids';
import type { SyncRef } from '../../core/operations';
import type { Attempt } from '../../store/types';
import { refuse, tryAgain } from '../errors';
import type { NodeSide } from '../node-queue';
import { allWorkedOff } from '../node-queue';
import { clientOf, entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { feedsBehind, feedsOf } from './replica-changes';

/**
 * What one attempt of an activity that sends to the target works with. It has a number; as soon as
 * another attempt takes the next one, this one may send nothing more.
 */
export interface Session {
  readonly tools: ActivityTools;
  readonly ref: SyncRef;
  readonly call: Call;
  readonly number: number;
  /** Every node that is read from, once. */
  readonly sources: readonly NodeSide[];
  readonly target: NodeSide;
  sourceOf(shard: ShardId): NodeSide;
}

/** The work on one shard: what it is read from may differ from shard to shard. */
export interface ShardSession extends Session {
  readonly source: NodeSide;
}

export const ofShard = (session: Session, shard: ShardId): ShardSession => ({
  ...session,
  source: session.sourceOf(shard),
});

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
  const { number } = await takeNumber(tools, ref, call);
  const { physicalUid } = ref;
  const side = async (node: NodeId) => ({ client: await clientOf(tools, node), physicalUid });
  const feeds = await Promise.all(
    feedsOf(ref).map(async ({ node, shards }) => ({ source: await side(node), shards })),
  );
  const session: Session = {
    ...{ tools, ref, call, number, target: await side(ref.target) },
    sources: [...new Map(feeds.map(({ source }) => [source.client, source])).values()],
    sourceOf: (shard) => {
      const feed = feeds.find(({ shards }) => shards.includes(shard));
      if (feed === undefined) throw new Error(`Shard ${String(shard)} has no source.`);
      return feed.source;
    },
  };
  await demandSources(session);
  // Only a retried activity can have a predecessor that is still running: the workflow waits for the
  // end of each activity before it starts the next one.
  if (call.attempt > 1) await tools.clock.sleep(tools.config.nodeDeadlineMs, call.signal);
  await allWorkedOff(session.target, { clock: tools.clock, call });
  return session;
}

/**
 * A copy that missed a write is not read: what it lacks would be taken for deleted. After this the sources
 * have every write that stands in a journal which was read before.
 */
export async function demandSources(session: Session): Promise<void> {
  const behind = feedsBehind(await entryNow(session), session.ref);
  if (behind.length > 0) {
    throw refuse('source-behind', `${behind.join(', ')} is not in sync any more.`);
  }
}

/** Until every source has worked off what it has taken so far. */
export async function sourcesWorkedOff({ sources, tools, call }: Session): Promise<void> {
  await Promise.all(sources.map((side) => allWorkedOff(side, { clock: tools.clock, call })));
}

export type Numbered = Pick<Session, 'tools' | 'number'> & {
  readonly ref: Pick<SyncRef, 'runKey'>;
};

/** For activities that change the table or delete: whoever came later has decided otherwise. */
export async function takeNumber(
  tools: ActivityTools,
  ref: Pick<SyncRef, 'runKey'>,
  { scheduledAt }: Pick<Call, 'scheduledAt'>,
): Promise<Numbered> {
  const number = await tools.store.attempts.nextAttempt(ref.runKey, scheduledAt);
  if (number === null) {
    throw tryAgain('attempt-old', `${ref.runKey} went on before this attempt of it began.`);
  }
  return { tools, ref, number };
}

export const attemptOf = ({ ref: { runKey }, number }: Numbered): Attempt => ({ runKey, number });

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
