import type { ShardId } from '../../core/ids';
import type { SyncRef, VerifyResult } from '../../core/operations';
import { refuse } from '../errors';
import { demandKnown } from '../nodes/inspect';
import type { NodeSide } from '../node-queue';
import { allWorkedOff } from '../node-queue';
import { stopIfCancelled } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { rangeWidth, readRange, slotsOfShard } from './compare-range';
import type { SlotRange } from './compare-range';
import { readDocuments } from './read-documents';
import type { ReadDocument } from './read-documents';
import { feedsOf, targetStates } from './replica-changes';
import { entryNow, ofShard, openSession, sourcesWorkedOff } from './session';
import type { Session, ShardSession } from './session';
import { SmallShards } from './small-shards';
import type { ShardsPair } from './small-shards';
import { Suspects } from './suspects';
import { demandDecided } from './undecided';

/** A document is looked at so often before its writes are said to be too dense to verify it. */
const looksMax = 60;
/** A document that differs in the same way so often in a row was not written to: it is wrong. */
const sameDifferenceMax = 5;
/** More than this are not collected over ranges, so that a copy that lacks everything costs no memory. */
const suspectsMax = 5_000;
const firstPauseMs = 20;
const lastPauseMs = 1_000;

interface Progress extends VerifyResult {
  readonly shardsDone: number;
}

const nothing: Progress = { documents: 0, ranges: 0, again: 0, shardsDone: 0 };

/** Shards that an earlier attempt has verified stay verified: they have joined and get every write. */
function startAt(call: Call): Progress {
  const beaten = call.resumed();
  const known = typeof beaten === 'object' && beaten !== null && 'shardsDone' in beaten;
  return known ? (beaten as Progress) : nothing;
}

/**
 * Compares counts and digests range by range, both sides getting all writes; documents that differ are
 * looked at again, by id, after both nodes have worked off their queues. Ends early when the target
 * has missed a write since it joined: the cut-over refuses it then, and it is filled again.
 */
export async function verifyCopy(
  tools: ActivityTools,
  ref: SyncRef,
  call: Call,
): Promise<VerifyResult> {
  // What is compared next decides who answers: neither side may be another disk by now.
  await demandKnown(tools, [...feedsOf(ref).map(({ node }) => node), ref.target]);
  const session = await openSession(tools, ref, call);
  const { primaryKey, shardCount } = await entryNow(session);
  let { shardsDone, ...result } = startAt(call);
  if (primaryKey === null) return result;
  await settle(session);
  await demandDecided(session);
  const small = new SmallShards(session, ref.shards, shardCount);
  while (shardsDone < ref.shards.length) {
    const shard = ref.shards[shardsDone];
    if (shard === undefined) break;
    stopIfCancelled(call);
    const pair = await small.read(shardsDone, primaryKey);
    const ofThis = ofShard(session, shard);
    const verified =
      pair === null
        ? await verifyShard(ofThis, shard, { primaryKey, shardCount })
        : await verifyPair(ofThis, pair, primaryKey);
    if (verified === 'missed-a-write') break;
    result = {
      documents: result.documents + verified.documents,
      ranges: result.ranges + verified.ranges,
      again: result.again + verified.again,
    };
    shardsDone += pair?.count ?? 1;
    call.beat({ ...result, shardsDone } satisfies Progress);
  }
  return result;
}

async function settle(session: Session): Promise<void> {
  const { target, tools, call } = session;
  await Promise.all([
    sourcesWorkedOff(session),
    allWorkedOff(target, { clock: tools.clock, call }),
  ]);
}

async function verifyPair(
  session: ShardSession,
  pair: ShardsPair,
  primaryKey: string,
): Promise<VerifyResult | 'missed-a-write'> {
  const suspects = new Suspects();
  suspects.add(pair);
  const again = suspects.size > 0 ? 1 : 0;
  if (!(await clearSuspects(session, suspects, { primaryKey, whole: pair.span }))) {
    return 'missed-a-write';
  }
  return { documents: pair.source.documents.size, ranges: 1, again };
}

async function verifyShard(
  session: ShardSession,
  shard: ShardId,
  entry: { readonly primaryKey: string; readonly shardCount: number },
): Promise<VerifyResult | 'missed-a-write'> {
  const { primaryKey } = entry;
  const whole = slotsOfShard(shard, entry.shardCount);
  const width = await rangeWidth(session, whole);
  const suspects = new Suspects();
  const clear = (): Promise<boolean> => clearSuspects(session, suspects, { primaryKey, whole });
  const result = { documents: 0, ranges: 0, again: 0 };
  for (let from = whole.from; from < whole.to;) {
    stopIfCancelled(session.call);
    const asked = { from, to: Math.min(from + width, whole.to) };
    const pair = await readRange(session, asked, primaryKey);
    const before = suspects.size;
    suspects.add(pair);
    from = pair.range.to;
    result.documents += pair.source.documents.size;
    result.ranges += 1;
    if (suspects.size > before) result.again += 1;
    if (suspects.size > suspectsMax && !(await clear())) return 'missed-a-write';
  }
  return (await clear()) ? result : 'missed-a-write';
}

/**
 * Looks until no suspect is left. False: the target has missed a write. Throws when a document stays
 * as it is although every write that was under way at the first look has ended.
 */
async function clearSuspects(
  session: ShardSession,
  suspects: Suspects,
  range: { readonly primaryKey: string; readonly whole: SlotRange },
): Promise<boolean> {
  const { tools, call } = session;
  if (suspects.size === 0) return stillJoined(session);
  const underWay = await outstanding(session);
  let pauseMs = firstPauseMs;
  for (let looks = 1; suspects.size > 0; looks += 1) {
    if (looks === looksMax) throw differs(range.whole, suspects.size);
    await tools.clock.sleep(pauseMs, call.signal);
    pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    // Asked before the look: a write that ends during it may be on one side of what is seen.
    const left = await outstanding(session);
    await settle(session);
    await lookAgain(session, suspects, range.primaryKey);
    if (!(await stillJoined(session))) return false;
    const stuck = suspects.stuck(sameDifferenceMax);
    if (stuck > 0 && noneOf(underWay, left)) {
      throw differs(range.whole, stuck);
    }
  }
  return stillJoined(session);
}

async function stillJoined({ tools, ref }: Session): Promise<boolean> {
  const states = targetStates(await tools.store.fleet.load(), ref);
  return states.every((state) => state === 'joined' || state === 'in-sync');
}

/** Writes that were begun and have not ended: one side may have them and the other not yet. */
async function outstanding({ tools, ref }: Session): Promise<ReadonlySet<string>> {
  const writes = await tools.store.writers.outstanding(ref.physicalUid);
  return new Set(writes.map(({ nonce }) => nonce));
}

const noneOf = (some: ReadonlySet<string>, present: ReadonlySet<string>): boolean =>
  ![...some].some((nonce) => present.has(nonce));

async function lookAgain(
  session: ShardSession,
  suspects: Suspects,
  primaryKey: string,
): Promise<void> {
  const { tools, source, target } = session;
  const size = tools.config.rangeDocumentsMax;
  const { ids } = suspects;
  for (let at = 0; at < ids.length; at += size) {
    stopIfCancelled(session.call);
    const some = ids.slice(at, at + size);
    const [ours, theirs] = await Promise.all(
      [source, target].map((side) => readIds(session, side, { ids: some, primaryKey })),
    );
    if (ours !== undefined && theirs !== undefined) suspects.lookAgain(some, ours, theirs);
  }
}

async function readIds(
  { tools, call }: Session,
  side: NodeSide,
  { ids, primaryKey }: { ids: readonly string[]; primaryKey: string },
): Promise<ReadonlyMap<string, ReadDocument>> {
  const { documents } = await readDocuments(side, {
    ...{ primaryKey, ids, limit: ids.length },
    ...{ deadlineMs: tools.config.nodeDeadlineMs, signal: call.signal },
  });
  return documents;
}

/** Says where and how many, and no id: failures stand in histories. */
const differs = ({ from, to }: SlotRange, count: number): Error =>
  refuse(
    'copy-differs',
    `${String(count)} documents in slots ${String(from)} to ${String(to - 1)} differ between source and target.`,
  );
