import { ExternalSorter } from '../../archives/external-sort';
import { DigestSum, digestDocument } from '../../core/digest';
import type { FilterPart } from '../../core/filter/normalize';
import type { IndexEntry, JsonValue } from '../../core/fleet';
import { bucketOfSlot, shardOfBucket } from '../../core/hash';
import { decodeSeq, hiddenField, slotRangeFilter } from '../../core/hidden-fields';
import type { NodeId, ShardId } from '../../core/ids';
import { decodeString } from '../../core/json/keys';
import { stripHiddenMembers } from '../../core/json/members';
import { scanObject } from '../../core/json/scan';
import { slotCount } from '../../core/limits';
import { isNodeError } from '../../meili/node-error';
import { tryAgain } from '../errors';
import { allWorkedOff } from '../node-queue';
import type { NodeSide } from '../node-queue';
import { slotsOfShard } from '../sync/compare-range';
import type { SlotRange } from '../sync/compare-range';
import type { Pace } from '../sync/pace';
import { countDocuments, readDocuments } from '../sync/read-documents';
import type { DocumentPage } from '../sync/read-documents';
import { clientOf, entryOf } from '../tools';
import type { ActivityTools, Call } from '../tools';

/** So often a range may be read again because its copy was no longer in sync when it had been read. */
const rereadsMax = 50;

export interface Collected {
  readonly documents: number;
  readonly digest: string;
  /** The documents as a client would see them, in the order of insertion. Once. */
  readonly inOrder: AsyncIterable<Uint8Array>;
}

export interface Collecting {
  readonly tools: ActivityTools;
  readonly physicalUid: IndexEntry['physicalUid'];
  readonly call: Call;
  readonly pace: Pace;
  /** Documents that earlier indexes of the same run had, for its progress. */
  readonly before: number;
  /** Called for each read; ANDed with the range. */
  readonly filter?: readonly FilterPart[];
}

/**
 * Reads an index once from in-sync copies, range by range of slots, each range in one request: paging a
 * live index would miss documents. Each node has worked off its queue before it is read, so every write
 * that was acknowledged before is in it; a document written meanwhile is in it as it was at one moment.
 *
 * The order of insertion is an order that slots do not have, so documents are sorted on the worker's
 * disk: one Meilisearch that loads them then breaks ties as the fleet does.
 */
export async function withCollected<T>(
  collecting: Collecting,
  use: (collected: Collected) => Promise<T>,
): Promise<T> {
  const { tools, call, pace, physicalUid, before } = collecting;
  const sorter = await ExternalSorter.in(tools.archives.scratchDirectory);
  try {
    const sum = new DigestSum();
    let documents = 0;
    // When a document expires is what the client wrote itself, so it stays.
    const ttl = (await entryOf(tools, physicalUid)).ttl !== undefined;
    for await (const page of ranges(collecting)) {
      for (const { id, bytes } of page.documents.values()) {
        const visible = stripHiddenMembers(bytes, 0, bytes.length, { ttl });
        sum.add({ id, digest: digestDocument(visible) });
        await sorter.add({ key: seqOf(bytes), bytes: visible });
      }
      documents += page.documents.size;
      call.beat({ index: physicalUid, documents });
      while (!(await pace.after(page.documents.size, before + documents))) {
        await tools.clock.sleep(pausedMs, call.signal);
      }
    }
    const { digest } = sum.get();
    return await use({ documents, digest, inOrder: bytesOf(sorter) });
  } finally {
    await sorter.close();
  }
}

const pausedMs = 500;

async function* bytesOf(sorter: ExternalSorter): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of sorter.sorted()) yield bytes;
}

/** A document without a place, which no write of Miroir makes, comes last. */
const noSeq = 2 ** 48 - 1;

function seqOf(bytes: Uint8Array): number {
  let seq = noSeq;
  scanObject(bytes, 0, (key, start, end) => {
    if (key === hiddenField.seq && bytes[start] === 0x22) {
      seq = decodeSeq(decodeString(bytes, start + 1, end - 1));
    }
  });
  return seq;
}

async function* ranges(collecting: Collecting): AsyncGenerator<DocumentPage> {
  const { tools, physicalUid, call } = collecting;
  const quiet = new Set<NodeId>();
  const entry = await entryOf(tools, physicalUid);
  // An index without a primary key has no documents.
  if (entry.primaryKey === null) return;
  let slot = 0;
  let rereads = 0;
  let width = slotCount;
  let measured = '';
  while (slot < slotCount) {
    call.signal.throwIfAborted();
    const now = await entryOf(tools, physicalUid);
    const shard = shardOfBucket(bucketOfSlot(slot), now.shardCount);
    const whole = slotsOfShard(shard, now.shardCount);
    const node = await sourceOf(tools, now, shard);
    const side = { client: await clientOf(tools, node), physicalUid };
    if (!quiet.has(node)) await allWorkedOff(side, { clock: tools.clock, call });
    quiet.add(node);
    if (measured !== `${String(shard)}/${String(now.shardCount)}`) {
      width = await widthOf(collecting, side, whole);
      measured = `${String(shard)}/${String(now.shardCount)}`;
    }
    const asked = { from: slot, to: Math.min(slot + width, whole.to) };
    const read = await readRange(collecting, side, { asked, primaryKey: entry.primaryKey });
    // A copy that missed a write meanwhile may not have what an older one had.
    const after = await entryOf(tools, physicalUid);
    if (!isInSync(after, node, slot)) {
      rereads += 1;
      quiet.delete(node);
      if (rereads > rereadsMax) throw tryAgain('copies-change', 'The copies do not hold still.');
      continue;
    }
    yield read.page;
    slot = read.range.to;
  }
}

/** An in-sync copy of the shard; the same one for the same table, so that one node is read at a time. */
export async function sourceOf(
  { store }: ActivityTools,
  entry: IndexEntry,
  shard: ShardId,
): Promise<NodeId> {
  const known = new Set((await store.fleet.load()).nodes.map(({ id }) => id));
  for (const { shards } of entry.placement) {
    for (const { node, state } of shards[shard] ?? []) {
      if (state === 'in-sync' && known.has(node)) return node;
    }
  }
  throw tryAgain('no-copy', `No copy of shard ${String(shard)} of ${entry.uid} is in sync now.`);
}

function isInSync(entry: IndexEntry, node: NodeId, slot: number): boolean {
  const shard = shardOfBucket(bucketOfSlot(slot), entry.shardCount);
  return entry.placement.some(({ shards }) =>
    (shards[shard] ?? []).some((one) => one.node === node && one.state === 'in-sync'),
  );
}

const filterOf = ({ filter = [] }: Collecting, { from, to }: SlotRange): JsonValue[] => [
  slotRangeFilter(from, to),
  ...filter.map((part): JsonValue => (typeof part === 'string' ? part : [...part])),
];

async function widthOf(collecting: Collecting, side: NodeSide, whole: SlotRange): Promise<number> {
  const { tools, call } = collecting;
  const count = await countDocuments(side, filterOf(collecting, whole), call.signal);
  const parts = Math.max(1, Math.ceil(count / tools.config.rangeDocumentsMax));
  return Math.max(1, Math.floor((whole.to - whole.from) / parts));
}

/** A range with more documents than were asked for is not used but cut in half. */
async function readRange(
  collecting: Collecting,
  side: NodeSide,
  { asked, primaryKey }: { readonly asked: SlotRange; readonly primaryKey: string },
): Promise<{ range: SlotRange; page: DocumentPage }> {
  let range = asked;
  for (;;) {
    const page = await readOnce(collecting, side, { range, primaryKey });
    if (page !== null) return { range, page };
    range = { from: range.from, to: range.from + Math.max(1, (range.to - range.from) >> 1) };
  }
}

async function readOnce(
  collecting: Collecting,
  side: NodeSide,
  { range, primaryKey }: { readonly range: SlotRange; readonly primaryKey: string },
): Promise<DocumentPage | null> {
  const { tools, call } = collecting;
  const single = range.to - range.from === 1;
  const limit = single ? 1_000_000 : tools.config.rangeDocumentsMax * 2;
  try {
    const page = await readDocuments(side, {
      ...{ primaryKey, limit, filter: filterOf(collecting, range) },
      deadlineMs: tools.config.nodeDeadlineMs,
      signal: call.signal,
    });
    return page.total > page.documents.size ? null : page;
  } catch (error) {
    const tooLarge = isNodeError(error) && error.code === 'node_answer_invalid';
    if (tooLarge && !single) return null;
    throw error;
  }
}
