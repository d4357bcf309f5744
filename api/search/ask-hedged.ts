import type { CoveringSet, NodeAsk } from '../../core/covering-set';
import type { ApiContext } from '../context';
import type { PartAnswer } from './part-answer';

/** How a part is asked, and who else has its shards. */
export interface HedgeWays {
  readonly ask: (part: NodeAsk, signal: AbortSignal) => Promise<PartAnswer>;
  /** The same shards without the node of the part. */
  readonly others: () => Promise<CoveringSet>;
  /** Told of the node's own failure where the others answered for it. */
  readonly failed: (error: unknown) => void;
}

/**
 * The answers to one part of a read: the node's own, or, where it is slow, those of the other replicas of
 * its shards that were asked meanwhile, whichever are complete first. Never some of both: each shard is
 * counted once. What is not needed any more is ended. Throws the node's own failure when the others cannot
 * answer either; the read then goes on as after any failure.
 */
export async function askHedged(
  ctx: ApiContext,
  part: NodeAsk,
  ways: HedgeWays,
): Promise<readonly PartAnswer[]> {
  const { hedges } = ctx;
  hedges.earn();
  const own = new AbortController();
  const begun = performance.now();
  const first = ways.ask(part, own.signal);
  const delayMs = hedges.delayOf(part.node);
  if (delayMs === null || (await settlesWithin(first, delayMs))) return [await first];
  if (!hedges.spend()) return [await first];
  const again = new AbortController();
  const second = askOthers(part, ways, again.signal);
  const failures: unknown[] = [];
  first.catch((error: unknown) => failures.push(error));
  const isOwn = await Promise.race([
    first.then(() => true).catch(() => false),
    second.then(() => false),
  ]);
  const others = isOwn ? null : await second;
  if (others === null) {
    again.abort();
    hedges.ended(isOwn ? 'lost' : 'impossible');
    return [await first];
  }
  // A failure before this; that it is ended now is no fault of the node.
  failures.forEach(ways.failed);
  own.abort();
  hedges.answered(part.node, performance.now() - begun);
  hedges.ended('won');
  return others;
}

/** Null when nobody else has all of the shards, or one of the others failed. Never throws. */
async function askOthers(
  part: NodeAsk,
  ways: HedgeWays,
  signal: AbortSignal,
): Promise<readonly PartAnswer[] | null> {
  try {
    const cover = await ways.others();
    const isOther = cover.asks.every(({ node }) => node !== part.node);
    if (cover.missing.length > 0 || !isOther) return null;
    return await Promise.all(cover.asks.map(async (ask) => await ways.ask(ask, signal)));
  } catch {
    return null;
  }
}

async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const settled = promise.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([settled, late]);
  } finally {
    clearTimeout(timer);
  }
}
