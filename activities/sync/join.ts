import type { JoinOutcome, SyncRef } from '../../core/operations';
import type { OutstandingWrite } from '../../store/types';
import { refuse, tryAgain } from '../errors';
import { allWorkedOff } from '../node-queue';
import type { ActivityTools, Call } from '../tools';
import { copyJournal, readJournals } from './catch-up';
import { joinOps, targetStates } from './replica-changes';
import { createSender } from './sender';
import { demandSources, entryNow, openSession } from './session';
import type { Session } from './session';

const pauseMs = 10;

const no = (reason: string): JoinOutcome => ({ joined: false, reason });

/**
 * From the join on the target gets every client write, behind the copies in its own queue. Under the
 * fence new writes to the shards wait in their requests, so it is up for at most `fenceMaxMs`; when
 * that is too short it is given up, and catching up goes on.
 */
export async function joinUnderFence(
  tools: ActivityTools,
  ref: SyncRef,
  call: Call,
): Promise<JoinOutcome> {
  const fleet = await tools.store.fleet.load();
  // A second call after a lost answer: the join is done.
  if (targetStates(fleet, ref).every((state) => state === 'joined')) {
    return { joined: true, epoch: fleet.epoch };
  }
  const session = await openSession(tools, ref, call);
  const { fences } = tools.store;
  const token = `${call.runId}:${String(session.number)}`;
  const raisedAt = tools.clock.now();
  const until = raisedAt + tools.config.fenceMaxMs;
  if (!(await fences.raise(ref.physicalUid, ref.shards, token, tools.config.fenceMaxMs))) {
    return no('another sync joins these shards right now');
  }
  try {
    const outcome = await joinBefore(session, token, until);
    return outcome.joined ? { ...outcome, fencedMs: tools.clock.now() - raisedAt } : outcome;
  } finally {
    await fences.lower(ref.physicalUid, token);
  }
}

async function joinBefore(session: Session, token: string, until: number): Promise<JoinOutcome> {
  const { tools, call, ref } = session;
  let reason = 'the fence was too short';
  while (tools.clock.now() < until) {
    const busy = await outstanding(session);
    if (busy > 0) {
      reason = `${String(busy)} writes are still being sent`;
      await tools.clock.sleep(pauseMs, call.signal);
      continue;
    }
    const blocked = await copyTheLast(session, until);
    if (blocked !== null) return no(blocked);
    const result = await tryJoin(session, token);
    if (typeof result !== 'string') return result;
    if (result === 'fence-lost') return no('the fence ended before the join');
    if (result === 'attempt-old') throw tryAgain('attempt-old', `${ref.runKey} was overtaken.`);
    reason = `the join was refused: ${result}`;
  }
  return no(reason);
}

async function outstanding({ tools, ref }: Session): Promise<number> {
  const shards = new Set(ref.shards);
  const touches = ({ shards: written }: OutstandingWrite): boolean =>
    written === 'all' || written.some((shard) => shards.has(shard));
  return (await tools.store.writers.outstanding(ref.physicalUid)).filter(touches).length;
}

/** Null: everything that was written is enqueued on the target. */
async function copyTheLast(session: Session, until: number): Promise<string | null> {
  const { tools, call, sources } = session;
  const journals = await readJournals(session);
  if (journals.some(({ all }) => all !== null)) return 'a write by filter must be compared first';
  await demandSources(session);
  const inTime = await Promise.all(
    sources.map((source) => allWorkedOff(source, { clock: tools.clock, call, until })),
  );
  if (inTime.includes(false)) {
    return `the source has not worked off its queue within ${String(tools.config.fenceMaxMs)} ms`;
  }
  const entry = await entryNow(session);
  const sender = createSender(session);
  for (const journal of journals) await copyJournal({ session, sender, entry }, journal);
  return null;
}

async function tryJoin(session: Session, fenceToken: string): Promise<JoinOutcome | string> {
  const { tools, ref, number } = session;
  const fleet = await tools.store.fleet.load();
  const changes = joinOps(fleet, ref);
  // Neither comes back by waiting: a source that missed a write must be filled itself.
  if (changes === null) {
    throw refuse(
      'replicas-changed',
      `A source is not in sync any more, or ${ref.target} is not syncing.`,
    );
  }
  const result = await tools.store.join(ref.physicalUid, {
    fenceToken,
    attempt: { runKey: ref.runKey, number },
    epoch: fleet.epoch,
    changes,
    audit: { who: ref.who, why: ref.why, what: `join ${ref.target} for ${ref.physicalUid}` },
  });
  return result.kind === 'ok' ? { joined: true, epoch: result.epoch } : result.reason;
}
