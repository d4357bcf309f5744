import type { JsonValue } from '../../core/fleet';
import { slotRangeFilter } from '../../core/hidden-fields';
import { bucketsOfShard } from '../../core/hash';
import type { ShardId } from '../../core/ids';
import { slotsPerBucket } from '../../core/limits';
import { isNodeError } from '../../meili/node-error';
import { tryAgain } from '../errors';
import type { NodeSide } from '../node-queue';
import { countDocuments, readDocuments } from './read-documents';
import type { DocumentPage, ReadDocument } from './read-documents';
import type { ShardSession } from './session';

/** Slots `[from, to)`. */
export interface SlotRange {
  readonly from: number;
  readonly to: number;
}

export function slotsOfShard(shard: ShardId, shardCount: number): SlotRange {
  const { from, to } = bucketsOfShard(shard, shardCount);
  return { from: from * slotsPerBucket, to: to * slotsPerBucket };
}

/** How wide a range may be so that it has about `rangeDocumentsMax` documents on the fuller side. */
export async function rangeWidth(session: ShardSession, whole: SlotRange): Promise<number> {
  const filter = slotRangeFilter(whole.from, whole.to);
  const { source, target, call, tools } = session;
  const counts = await Promise.all([
    countDocuments(source, filter, call.signal),
    countDocuments(target, filter, call.signal),
  ]);
  const parts = Math.max(1, Math.ceil(Math.max(...counts) / tools.config.rangeDocumentsMax));
  return Math.max(1, Math.floor((whole.to - whole.from) / parts));
}

/** The same part of both sides, read within one span. */
export interface SidesPair {
  readonly source: DocumentPage;
  readonly target: DocumentPage;
  /** When this span is over, milliseconds since 1970: what was read may not be sent after it. */
  readonly until: number;
}

/** Both sides of one range. */
export interface RangePair extends SidesPair {
  readonly range: SlotRange;
}

interface Part {
  readonly filter: JsonValue;
  readonly primaryKey: string;
  /** More documents than this are too many. */
  readonly limit: number;
}

async function readSide(
  session: ShardSession,
  side: NodeSide,
  part: Part,
): Promise<DocumentPage | null> {
  const { tools, call } = session;
  try {
    const page = await readDocuments(side, {
      ...part,
      deadlineMs: tools.config.nodeDeadlineMs,
      signal: call.signal,
    });
    return page.total > page.documents.size ? null : page;
  } catch (error) {
    if (isNodeError(error) && error.code === 'node_answer_invalid') return null;
    throw error;
  }
}

/** Null: one side's part is too large to be read at once. */
export async function readSides(session: ShardSession, part: Part): Promise<SidesPair | null> {
  const { tools, source, target } = session;
  const until = tools.clock.now() + tools.config.nodeDeadlineMs;
  const [ours, theirs] = await Promise.all([
    readSide(session, source, part),
    readSide(session, target, part),
  ]);
  return ours === null || theirs === null ? null : { source: ours, target: theirs, until };
}

/**
 * Reads a range from both sides. A range with more documents than were asked for is not used but cut
 * in half, so what is compared is always complete.
 */
export async function readRange(
  session: ShardSession,
  asked: SlotRange,
  primaryKey: string,
): Promise<RangePair> {
  const usual = session.tools.config.rangeDocumentsMax;
  let range = asked;
  for (;;) {
    const single = range.to - range.from === 1;
    // Above the usual count, because slots are not evenly filled; one slot cannot be split any more.
    const limit = single ? 1_000_000 : usual * 2;
    const filter = slotRangeFilter(range.from, range.to);
    const pair = await readSides(session, { filter, primaryKey, limit });
    if (pair !== null) return { range, ...pair };
    if (single)
      throw tryAgain('slot-too-large', 'The documents of one slot are too large to be read.');
    range = { from: range.from, to: range.from + Math.max(1, (range.to - range.from) >> 1) };
  }
}

export interface RangeDifference {
  /** On the source and not, or not so, on the target. */
  readonly differing: readonly ReadDocument[];
  /** On the target only. */
  readonly extra: readonly string[];
}

export function differenceOf({ source, target }: SidesPair): RangeDifference {
  const differing: ReadDocument[] = [];
  for (const [id, document] of source.documents) {
    if (target.documents.get(id)?.digest !== document.digest) differing.push(document);
  }
  const extra = [...target.documents.keys()].filter((id) => !source.documents.has(id));
  return { differing, extra };
}
