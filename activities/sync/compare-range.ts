import { slotRangeFilter } from '../../core/hidden-fields';
import { bucketsOfShard } from '../../core/hash';
import type { ShardId } from '../../core/ids';
import { slotsPerBucket } from '../../core/limits';
import { isNodeError } from '../../meili/node-error';
import type { NodeSide } from '../node-queue';
import { countDocuments, readDocuments } from './read-documents';
import type { DocumentPage, ReadDocument } from './read-documents';
import type { Session } from './session';

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
export async function rangeWidth(session: Session, whole: SlotRange): Promise<number> {
  const filter = slotRangeFilter(whole.from, whole.to);
  const { source, target, call, tools } = session;
  const counts = await Promise.all([
    countDocuments(source, filter, call.signal),
    countDocuments(target, filter, call.signal),
  ]);
  const parts = Math.max(1, Math.ceil(Math.max(...counts) / tools.config.rangeDocumentsMax));
  return Math.max(1, Math.floor((whole.to - whole.from) / parts));
}

/** Both sides of one range, read within one span. */
export interface RangePair {
  readonly range: SlotRange;
  readonly source: DocumentPage;
  readonly target: DocumentPage;
  /** When this span is over, milliseconds since 1970: what was read may not be sent after it. */
  readonly until: number;
}

async function readSide(
  session: Session,
  side: NodeSide,
  { range, primaryKey }: { range: SlotRange; primaryKey: string },
): Promise<DocumentPage | 'too-large'> {
  const { tools, call } = session;
  const single = range.to - range.from === 1;
  // Above the usual count, because slots are not evenly filled; one slot cannot be split any more.
  const limit = single ? 1_000_000 : tools.config.rangeDocumentsMax * 2;
  try {
    const page = await readDocuments(side, {
      primaryKey,
      limit,
      filter: slotRangeFilter(range.from, range.to),
      deadlineMs: tools.config.nodeDeadlineMs,
      signal: call.signal,
    });
    return page.total > page.documents.size ? 'too-large' : page;
  } catch (error) {
    const tooLarge = isNodeError(error) && error.code === 'node_answer_invalid';
    if (tooLarge && !single) return 'too-large';
    throw error;
  }
}

/**
 * Reads a range from both sides. A range with more documents than were asked for is not used but cut
 * in half, so what is compared is always complete.
 */
export async function readRange(
  session: Session,
  asked: SlotRange,
  primaryKey: string,
): Promise<RangePair> {
  const { tools, source, target } = session;
  let range = asked;
  for (;;) {
    const until = tools.clock.now() + tools.config.nodeDeadlineMs;
    const request = { range, primaryKey };
    const [ours, theirs] = await Promise.all([
      readSide(session, source, request),
      readSide(session, target, request),
    ]);
    if (ours !== 'too-large' && theirs !== 'too-large') {
      return { range, source: ours, target: theirs, until };
    }
    range = { from: range.from, to: range.from + Math.max(1, (range.to - range.from) >> 1) };
  }
}

export interface RangeDifference {
  /** On the source and not, or not so, on the target. */
  readonly differing: readonly ReadDocument[];
  /** On the target only. */
  readonly extra: readonly string[];
}

export function differenceOf({ source, target }: RangePair): RangeDifference {
  const differing: ReadDocument[] = [];
  for (const [id, document] of source.documents) {
    if (target.documents.get(id)?.digest !== document.digest) differing.push(document);
  }
  const extra = [...target.documents.keys()].filter((id) => !source.documents.has(id));
  return { differing, extra };
}
