import type { CopyCursor, CopyResult, SyncRef } from '../../core/operations';
import { demandKnown } from '../nodes/inspect';
import { preparePhysicalIndex } from '../physical-index';
import { stopIfCancelled } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { differenceOf, rangeWidth, readRange, slotsOfShard } from './compare-range';
import type { SidesPair, SlotRange } from './compare-range';
import { createPace } from './pace';
import type { Pace } from './pace';
import { createSender } from './sender';
import type { Sender } from './sender';
import { entryNow, ofShard, openSession, sourcesWorkedOff } from './session';
import type { ShardSession } from './session';
import { SmallShards } from './small-shards';
import type { ShardsPair } from './small-shards';

const firstCursor: CopyCursor = { shardAt: 0, nextSlot: 0, compared: 0, sent: 0 };

function isCursor(value: unknown): value is CopyCursor {
  return typeof value === 'object' && value !== null && 'nextSlot' in value && 'shardAt' in value;
}

/** The further of the workflow's cursor and the heartbeat of the attempt before this one. */
function startAt(call: Call, given: CopyCursor | null): CopyCursor {
  const beaten = call.resumed();
  const cursor = given ?? firstCursor;
  if (!isCursor(beaten)) return cursor;
  const further =
    beaten.shardAt > cursor.shardAt ||
    (beaten.shardAt === cursor.shardAt && beaten.nextSlot > cursor.nextSlot);
  return further ? beaten : cursor;
}

/**
 * Makes the target equal to the source, range by range. A range that is equal already costs two reads
 * and no write, so starting anywhere again is safe.
 */
export async function copyRanges(
  tools: ActivityTools,
  { ref, cursor: given }: { readonly ref: SyncRef; readonly cursor: CopyCursor | null },
  call: Call,
): Promise<CopyResult> {
  const session = await openSession(tools, ref, call);
  // Writes that were begun before the barrier stand in no journal: they are in the source's queue.
  await sourcesWorkedOff(session);
  const entry = await entryNow(session);
  // A sync that left this node at the same time may have taken its empty index for unused.
  await demandKnown(tools, [ref.target]);
  await preparePhysicalIndex(session.target, entry, { clock: tools.clock, call });
  let cursor = startAt(call, given);
  const before = cursor.sent;
  const sender = createSender(session);
  const pace = createPace(tools, call, ref.runKey);
  const small = new SmallShards(session, ref.shards, entry.shardCount);
  while (cursor.shardAt < ref.shards.length) {
    const shard = ref.shards[cursor.shardAt];
    // An index without a primary key has no documents: what comes later stands in the journal.
    if (shard === undefined || entry.primaryKey === null) break;
    const ofThis = ofShard(session, shard);
    const copying = { session: ofThis, sender, pace, primaryKey: entry.primaryKey, before };
    const pair = cursor.nextSlot > 0 ? null : await small.read(cursor.shardAt, entry.primaryKey);
    const copied =
      pair === null
        ? await copyShard(copying, slotsOfShard(shard, entry.shardCount), cursor)
        : await copyPair(copying, pair, cursor);
    cursor = copied.cursor;
    if (copied.outcome === 'paused') break;
    cursor = { ...cursor, shardAt: cursor.shardAt + 1, nextSlot: 0 };
    call.beat(cursor);
  }
  await sender.drain();
  const paused = cursor.shardAt < ref.shards.length && entry.primaryKey !== null;
  return { cursor, outcome: paused ? 'paused' : 'done' };
}

/** The cursor stands at the last of the shards, whose documents are there. */
async function copyPair(
  { session, sender, pace, primaryKey, before }: Copying,
  pair: ShardsPair,
  start: CopyCursor,
): Promise<CopyResult> {
  stopIfCancelled(session.call);
  const documents = pair.source.documents.size;
  await level(sender, pair, primaryKey);
  const cursor = {
    shardAt: start.shardAt + pair.count - 1,
    nextSlot: 0,
    compared: start.compared + documents,
    sent: before + sender.sent(),
  };
  return { cursor, outcome: (await pace.after(documents, cursor.sent)) ? 'done' : 'paused' };
}

interface Copying {
  readonly session: ShardSession;
  readonly sender: Sender;
  readonly pace: Pace;
  readonly primaryKey: string;
  /** What earlier attempts had sent. */
  readonly before: number;
}

async function copyShard(
  copying: Copying,
  whole: SlotRange,
  start: CopyCursor,
): Promise<CopyResult> {
  const { session, sender, pace, primaryKey, before } = copying;
  const { call } = session;
  let cursor = start;
  let from = Math.max(whole.from, cursor.nextSlot);
  const width = await rangeWidth(session, whole);
  while (from < whole.to) {
    stopIfCancelled(call);
    const asked = { from, to: Math.min(from + width, whole.to) };
    const { documents, range } = await levelRange(session, sender, { asked, primaryKey });
    from = range.to;
    cursor = {
      ...cursor,
      nextSlot: from,
      compared: cursor.compared + documents,
      sent: before + sender.sent(),
    };
    call.beat(cursor);
    if (!(await pace.after(documents, cursor.sent))) return { cursor, outcome: 'paused' };
  }
  return { cursor, outcome: 'done' };
}

/** Sends what differs in one range. */
export async function levelRange(
  session: ShardSession,
  sender: Sender,
  { asked, primaryKey }: { readonly asked: SlotRange; readonly primaryKey: string },
): Promise<{ range: SlotRange; documents: number }> {
  const pair = await readRange(session, asked, primaryKey);
  await level(sender, pair, primaryKey);
  return { range: pair.range, documents: pair.source.documents.size };
}

async function level(sender: Sender, pair: SidesPair, primaryKey: string): Promise<void> {
  const { differing, extra } = differenceOf(pair);
  if (differing.length > 0) await sender.upsert(differing, primaryKey, pair.until);
  if (extra.length > 0) await sender.remove(extra, pair.until);
}
