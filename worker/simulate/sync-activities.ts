import { ApplicationFailure } from '@temporalio/common';
import { lossFailure } from '../../activities/sync/away';
import { chooseSources, nodesOf } from '../../activities/sync/choose-sources';
import { feedsOf } from '../../activities/sync/replica-changes';
import type { Activities } from '../../activities/types';
import type { JsonValue } from '../../core/fleet';
import { epoch as epochOf } from '../../core/ids';
import type { NodeId } from '../../core/ids';
import type { CopyCursor, SyncRef, Verdict } from '../../core/operations';
import type { ModelFleet } from './model-fleet';

/** Changes of the table that take no time; what is slow about them is in `syncActivities`. */
export interface TableSteps {
  readonly open: (ref: Parameters<Activities['openTarget']>[0]) => Promise<number>;
  readonly join: (ref: Parameters<Activities['joinUnderFence']>[0]) => boolean;
  readonly cutOver: (ref: Parameters<Activities['cutOver']>[0]) => Promise<Verdict>;
  readonly reverse: (ref: Parameters<Activities['reverseCutOver']>[0]) => Promise<Verdict>;
  readonly forget: (request: Parameters<Activities['removeLeaving']>[0]) => Promise<void>;
}

type SyncActivities = Pick<
  Activities,
  | 'staleCopies'
  | 'openTarget'
  | 'passBarrier'
  | 'copyRanges'
  | 'catchUpRound'
  | 'joinUnderFence'
  | 'verifyCopy'
  | 'awaitSources'
  | 'canariesAreGreen'
  | 'cutOver'
  | 'reverseCutOver'
  | 'removeLeaving'
>;

/** A copy's rate is looked at so often; between two looks it is taken as even. */
const slices = 40;
const refusedMs = 1_000;
const lookMs = 5_000;

/** The phases of a sync with the time that they take, by the rates that the simulation was given. */
export function syncActivities(model: ModelFleet, table: TableSteps): SyncActivities {
  const { clock, input } = model;
  const { rates } = input;
  const journal = new Map<string, number>();
  const writesOf = ({ physicalUid, shards }: SyncRef): number =>
    model.writesTo(physicalUid, shards.length);
  return {
    // The planned changes that are simulated fill no stale copies.
    staleCopies: () => Promise.resolve([]),
    openTarget: async (ref) => {
      await demandSides(model, ref);
      await clock.sleep(rates.taskMs);
      model.setArrived(ref, 0);
      journal.set(ref.runKey, await clock.now());
      return { epoch: epochOf(await table.open(ref)), wasStale: [] };
    },
    passBarrier: () => clock.sleep(rates.barrierMs),
    copyRanges: ({ ref, cursor }) => copied(model, ref, cursor),
    // What clients wrote since the last round, read from the source and sent as documents.
    catchUpRound: async (ref) => {
      await demandSides(model, ref);
      const since = journal.get(ref.runKey) ?? (await clock.now());
      const begun = await clock.now();
      const handled = Math.round(((begun - since) / 1_000) * writesOf(ref));
      await clock.sleep(rates.taskMs + (handled / rates.copyPerSecond) * 1_000);
      journal.set(ref.runKey, begun);
      const left = Math.round((((await clock.now()) - begun) / 1_000) * writesOf(ref));
      return { handled, sent: handled, left };
    },
    joinUnderFence: async (ref) => {
      await demandSides(model, ref);
      // The source works off what it took, then the last ids are enqueued on the target.
      await clock.sleep(rates.taskMs);
      const joined = table.join(ref);
      model.setArrived(ref, 0);
      if (!joined) return { joined: false, reason: 'the source is not in sync' };
      return { joined: true, epoch: model.epoch(), fencedMs: rates.taskMs };
    },
    verifyCopy: (ref) => verified(model, ref),
    awaitSources: (request) => awaited(model, request),
    canariesAreGreen: () => Promise.resolve({ ok: true }),
    cutOver: (ref) => table.cutOver(ref),
    reverseCutOver: (ref) => table.reverse(ref),
    removeLeaving: async (request) => {
      await demandToDelete(model, request);
      const documents = Math.round(model.documentsOf(request.physicalUid, request.shards.length));
      await clock.sleep(rates.taskMs + (documents / rates.deletePerSecond) * 1_000);
      await table.forget(request);
      return { deleted: documents };
    },
  };
}

async function awayNow<N extends string>(model: ModelFleet, nodes: readonly N[]): Promise<N[]> {
  const now = model.seconds(new Date(await model.clock.now()).toISOString());
  return nodes.filter((name) =>
    model.input.away.some(
      ({ node, fromSeconds, toSeconds }) => node === name && now >= fromSeconds && now < toSeconds,
    ),
  );
}

const sourcesOf = (ref: SyncRef): NodeId[] => [...new Set(feedsOf(ref).map(({ node }) => node))];

/** A step says which node it lost, as one of a real fleet does, and the workflow waits or reads another. */
async function demandSides(
  model: ModelFleet,
  ref: SyncRef,
  progress: CopyCursor | null = null,
): Promise<void> {
  const away = await awayNow(model, [...sourcesOf(ref), ref.target]);
  if (away.length === 0) return;
  await model.clock.sleep(refusedMs);
  throw lossFailure({ type: 'node-away', nodes: away }, progress as unknown as JsonValue);
}

/** What is deleted last is waited for, for as long as the request says. */
async function demandToDelete(
  model: ModelFleet,
  { node, until }: Parameters<Activities['removeLeaving']>[0],
): Promise<void> {
  if ((await awayNow(model, [node])).length === 0) return;
  await model.clock.sleep(refusedMs);
  const isOver = until !== undefined && (await model.clock.now()) >= until;
  if (isOver) throw lossFailure({ type: 'node-away', nodes: [node] }, null);
  throw ApplicationFailure.retryable(`${node} does not answer.`, 'node-unreachable');
}

/** By the same choice as a worker makes it; that a node which is away misses writes is not simulated. */
async function awaited(
  model: ModelFleet,
  { ref, graceUntil, until }: Parameters<Activities['awaitSources']>[0],
): ReturnType<Activities['awaitSources']> {
  for (;;) {
    const entry = model.entry(ref.physicalUid);
    const nodes = nodesOf(entry, ref);
    const away = new Set(await awayNow(model, nodes));
    const present = new Map(nodes.map((node) => [node, away.has(node) ? 'away' : 'here'] as const));
    const now = await model.clock.now();
    const { found } = chooseSources(entry, ref, { present, now, graceUntil });
    if (found.ok && found.changed) {
      const from = found.feeds.map(({ node }) => node).join(', ');
      await model.tell(ref.runKey, `goes on from ${from}`);
    }
    if (found.ok || now >= until) return found;
    await model.clock.sleep(Math.min(lookMs, until - now));
  }
}

async function verified(model: ModelFleet, ref: SyncRef): ReturnType<Activities['verifyCopy']> {
  await demandSides(model, ref);
  const { readPerSecond } = model.input.rates;
  const sources = sourcesOf(ref);
  const documents = Math.round(model.documentsOf(ref.physicalUid, ref.shards.length));
  await model.working(sources, async () => {
    // One shard after another, so one source after another.
    for (const { node, shards } of feedsOf(ref)) {
      const part = model.documentsOf(ref.physicalUid, shards.length);
      await model.clock.sleep((part / model.shareOf(node, readPerSecond)) * 1_000);
    }
  });
  return { documents, ranges: ref.shards.length, again: 0 };
}

/** Documents that have come already, from whatever source, are compared and not sent again. */
async function copied(
  model: ModelFleet,
  ref: SyncRef,
  cursor: CopyCursor | null,
): ReturnType<Activities['copyRanges']> {
  const { rates } = model.input;
  const total = Math.round(model.documentsOf(ref.physicalUid, ref.shards.length));
  const there = model.arrivedOf(ref);
  return model.working([...sourcesOf(ref), ref.target], async () => {
    let { compared, sent } = cursor ?? { compared: 0, sent: 0 };
    const reached = (): CopyCursor => {
      const shardAt = Math.floor((compared / Math.max(1, total)) * ref.shards.length);
      return { shardAt, nextSlot: 0, compared, sent };
    };
    while (compared < total) {
      await demandSides(model, ref, reached());
      const isThere = compared < there;
      const throttle = model.viewOf(ref.runKey)?.progress.documentsPerSecond ?? Infinity;
      const shard = ref.shards[reached().shardAt];
      const feed = feedsOf(ref).find(({ shards }) => shard !== undefined && shards.includes(shard));
      const rate = Math.max(
        1,
        Math.min(
          throttle,
          model.shareOf(ref.target, isThere ? rates.readPerSecond : rates.copyPerSecond),
          model.shareOf(feed?.node ?? ref.source, rates.readPerSecond),
        ),
      );
      const left = (isThere ? Math.min(there, total) : total) - compared;
      const step = Math.min(left, Math.max(1, Math.ceil(total / slices)));
      await model.clock.sleep((step / rate) * 1_000);
      compared += step;
      if (isThere) continue;
      sent += step;
      model.setArrived(ref, compared);
    }
    return { cursor: { ...reached(), shardAt: ref.shards.length }, outcome: 'done' };
  });
}
