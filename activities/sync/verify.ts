import type { SyncRef, VerifyResult } from '../../core/operations';
import { refuse } from '../errors';
import { demandKnown } from '../nodes/inspect';
import { allWorkedOff } from '../node-queue';
import { stopIfCancelled } from '../tools';
import type { ActivityTools, Call } from '../tools';
import { differenceOf, rangeWidth, readRange, slotsOfShard } from './compare-range';
import type { RangePair, SlotRange } from './compare-range';
import { entryNow, openSession } from './session';
import type { Session } from './session';

/** A range is compared so often before its writes are said to be too dense to verify it. */
const comparesMax = 60;
/** A document that differs in the same way so often in a row was not written to: it is wrong. */
const sameDifferenceMax = 5;
const firstPauseMs = 20;
const lastPauseMs = 1_000;

/**
 * Compares counts and digests range by range, both sides getting all writes. Two reads are never at
 * the same instant, so a range that differs is compared again after both nodes have worked off their
 * queues; a difference that stays as it is was no write on its way.
 */
export async function verifyCopy(
  tools: ActivityTools,
  ref: SyncRef,
  call: Call,
): Promise<VerifyResult> {
  // What is compared next decides who answers: neither side may be another disk by now.
  await demandKnown(tools, [ref.source, ref.target]);
  const session = await openSession(tools, ref, call);
  const entry = await entryNow(session);
  const result = { documents: 0, ranges: 0, again: 0 };
  if (entry.primaryKey === null) return result;
  await settle(session);
  for (const shard of ref.shards) {
    const whole = slotsOfShard(shard, entry.shardCount);
    const width = await rangeWidth(session, whole);
    let from = whole.from;
    while (from < whole.to) {
      stopIfCancelled(call);
      const asked = { from, to: Math.min(from + width, whole.to) };
      const verified = await verifyRange(session, asked, entry.primaryKey);
      from = verified.pair.range.to;
      result.documents += verified.pair.source.documents.size;
      result.ranges += 1;
      if (verified.compares > 1) result.again += 1;
      call.beat(result);
    }
  }
  return result;
}

async function settle({ source, target, tools, call }: Session): Promise<void> {
  const wait = { clock: tools.clock, call };
  await Promise.all([allWorkedOff(source, wait), allWorkedOff(target, wait)]);
}

/** Each differing id with how it differs. */
function differences(pair: RangePair): Map<string, string> {
  const { differing, extra } = differenceOf(pair);
  const found = new Map<string, string>();
  for (const { id, digest } of differing) {
    found.set(id, `${digest}|${pair.target.documents.get(id)?.digest ?? ''}`);
  }
  for (const id of extra) found.set(id, `|${pair.target.documents.get(id)?.digest ?? ''}`);
  return found;
}

async function verifyRange(
  session: Session,
  asked: SlotRange,
  primaryKey: string,
): Promise<{ pair: RangePair; compares: number }> {
  const { tools, call } = session;
  let before = new Map<string, { how: string; times: number }>();
  let pauseMs = firstPauseMs;
  for (let compares = 1; compares <= comparesMax; compares += 1) {
    const pair = await readRange(session, asked, primaryKey);
    const now = differences(pair);
    if (now.size === 0) return { pair, compares };
    const counted = new Map<string, { how: string; times: number }>();
    for (const [id, how] of now) {
      const last = before.get(id);
      const times = last?.how === how ? last.times + 1 : 1;
      if (times >= sameDifferenceMax) throw differs(pair, now.size);
      counted.set(id, { how, times });
    }
    before = counted;
    await tools.clock.sleep(pauseMs, call.signal);
    pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    await settle(session);
  }
  throw refuse(
    'copy-differs',
    `Slots ${String(asked.from)} to ${String(asked.to)} are written to too densely to be verified.`,
  );
}

/** Says where and how many, and no id: failures stand in histories. */
const differs = ({ range }: RangePair, count: number): Error =>
  refuse(
    'copy-differs',
    `${String(count)} documents in slots ${String(range.from)} to ${String(range.to - 1)} differ between source and target.`,
  );
