import type { IndexEntry } from '../../core/fleet';
import type { ShardId } from '../../core/ids';
import type { CatchUpResult, SyncRef } from '../../core/operations';
import type { JournalEntry } from '../../store/types';
import { allWorkedOff } from '../node-queue';
import { stopIfCancelled } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { rangeWidth, slotsOfShard } from './compare-range';
import { levelRange } from './copy';
import { readDocuments } from './read-documents';
import { createSender } from './sender';
import type { Sender } from './sender';
import { demandSources, entryNow, ofShard, openSession, sourcesWorkedOff } from './session';
import type { Session, ShardSession } from './session';

/** Ids taken from one journal in one round; more of them wait for the next round. */
const journalIdsMax = 20_000;

export interface ShardJournal {
  readonly shard: ShardId;
  readonly ids: readonly JournalEntry[];
  readonly all: string | null;
}

/** Only settled writes are in it: what is begun and not committed cannot be copied yet. */
export async function readJournals({ tools, ref }: Session): Promise<ShardJournal[]> {
  const { journals } = tools.store;
  const read = await Promise.all(
    ref.shards.map(async (shard) => ({
      shard,
      ...(await journals.read(ref.physicalUid, shard, ref.target, journalIdsMax)),
    })),
  );
  return read.filter(({ ids, all }) => ids.length > 0 || all !== null);
}

export const sizeOf = (journals: readonly ShardJournal[]): number =>
  journals.reduce((sum, { ids, all }) => sum + ids.length + (all === null ? 0 : 1), 0);

/**
 * One round: what is settled is on the source's queue, so after the source has worked that off the
 * documents are read, enqueued on the target, and only then crossed off.
 */
export async function catchUpRound(
  tools: ActivityTools,
  ref: SyncRef,
  call: Call,
): Promise<CatchUpResult> {
  const session = await openSession(tools, ref, call);
  const journals = await readJournals(session);
  await demandSources(session);
  await sourcesWorkedOff(session);
  const entry = await entryNow(session);
  const sender = createSender(session);
  for (const journal of journals) {
    stopIfCancelled(call);
    await copyJournal({ session, sender, entry }, journal);
    call.beat({ shard: journal.shard, sent: sender.sent() });
  }
  await sender.drain();
  const left = await Promise.all(
    ref.shards.map((shard) => tools.store.journals.size(ref.physicalUid, shard, ref.target)),
  );
  return {
    handled: sizeOf(journals),
    sent: sender.sent(),
    left: left.reduce((sum, size) => sum + size, 0),
  };
}

export interface CatchUp {
  readonly session: Session;
  readonly sender: Sender;
  readonly entry: IndexEntry;
}

interface ShardCatchUp extends CatchUp {
  readonly session: ShardSession;
}

/** The source must have worked off what the journal names, before this is called. */
export async function copyJournal(whole: CatchUp, journal: ShardJournal): Promise<void> {
  const { entry } = whole;
  const { shard, ids, all } = journal;
  const session = ofShard(whole.session, shard);
  const { tools, ref } = session;
  const catchUp = { ...whole, session };
  if (entry.primaryKey !== null) {
    if (all !== null) await copyWholeShard(catchUp, shard, entry.primaryKey);
    await copyIds(catchUp, ids, entry.primaryKey);
  }
  await tools.store.journals.cross(ref.physicalUid, shard, ref.target, ids, all ?? undefined);
}

/** After a write by filter or by function nobody knows the ids: all of the shard is compared. */
async function copyWholeShard(
  { session, sender, entry }: ShardCatchUp,
  shard: ShardId,
  primaryKey: string,
): Promise<void> {
  const { tools, call } = session;
  // What was sent before must be seen by the comparison, else it would come back after a deletion.
  await sender.drain();
  await allWorkedOff(session.target, { clock: tools.clock, call });
  const whole = slotsOfShard(shard, entry.shardCount);
  const width = await rangeWidth(session, whole);
  let from = whole.from;
  while (from < whole.to) {
    stopIfCancelled(call);
    const asked = { from, to: Math.min(from + width, whole.to) };
    from = (await levelRange(session, sender, { asked, primaryKey })).range.to;
  }
}

async function copyIds(
  { session, sender }: ShardCatchUp,
  entries: readonly JournalEntry[],
  primaryKey: string,
): Promise<void> {
  const { tools, call, source } = session;
  const size = tools.config.rangeDocumentsMax;
  for (let at = 0; at < entries.length; at += size) {
    stopIfCancelled(call);
    const ids = entries.slice(at, at + size).map(({ id }) => id);
    const until = tools.clock.now() + tools.config.nodeDeadlineMs;
    const { documents } = await readDocuments(source, {
      primaryKey,
      ids,
      limit: ids.length,
      deadlineMs: tools.config.nodeDeadlineMs,
      signal: call.signal,
    });
    const gone = ids.filter((id) => !documents.has(id));
    if (documents.size > 0) await sender.upsert([...documents.values()], primaryKey, until);
    if (gone.length > 0) await sender.remove(gone, until);
  }
}
