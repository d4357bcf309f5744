import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../activities/types';
import { epoch as epochOf } from '../../core/ids';
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
  | 'canariesAreGreen'
  | 'cutOver'
  | 'reverseCutOver'
  | 'removeLeaving'
>;

/** A copy's rate is looked at so often; between two looks it is taken as even. */
const slices = 40;
const refusedMs = 1_000;

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
      await answering(model, [ref.source, ref.target]);
      await clock.sleep(rates.taskMs);
      journal.set(ref.runKey, await clock.now());
      return { epoch: epochOf(await table.open(ref)), wasStale: [] };
    },
    passBarrier: () => clock.sleep(rates.barrierMs),
    copyRanges: ({ ref, cursor }) => copied(model, ref, cursor),
    // What clients wrote since the last round, read from the source and sent as documents.
    catchUpRound: async (ref) => {
      await answering(model, [ref.source, ref.target]);
      const since = journal.get(ref.runKey) ?? (await clock.now());
      const begun = await clock.now();
      const handled = Math.round(((begun - since) / 1_000) * writesOf(ref));
      await clock.sleep(rates.taskMs + (handled / rates.copyPerSecond) * 1_000);
      journal.set(ref.runKey, begun);
      const left = Math.round((((await clock.now()) - begun) / 1_000) * writesOf(ref));
      return { handled, sent: handled, left };
    },
    joinUnderFence: async (ref) => {
      await answering(model, [ref.source, ref.target]);
      // The source works off what it took, then the last ids are enqueued on the target.
      await clock.sleep(rates.taskMs);
      const joined = table.join(ref);
      model.setArrived(ref, 0);
      if (!joined) return { joined: false, reason: 'the source is not in sync' };
      return { joined: true, epoch: model.epoch(), fencedMs: rates.taskMs };
    },
    verifyCopy: async (ref) => {
      await answering(model, [ref.source, ref.target]);
      const documents = Math.round(model.documentsOf(ref.physicalUid, ref.shards.length));
      await model.working([ref.source], async () => {
        await clock.sleep((documents / model.shareOf(ref.source, rates.readPerSecond)) * 1_000);
      });
      return { documents, ranges: ref.shards.length, again: 0 };
    },
    canariesAreGreen: () => Promise.resolve({ ok: true }),
    cutOver: (ref) => table.cutOver(ref),
    reverseCutOver: (ref) => table.reverse(ref),
    removeLeaving: async (request) => {
      await answering(model, [request.node]);
      const documents = Math.round(model.documentsOf(request.physicalUid, request.shards.length));
      await clock.sleep(rates.taskMs + (documents / rates.deletePerSecond) * 1_000);
      await table.forget(request);
      return { deleted: documents };
    },
  };
}

/** A node that is away fails the activity, which Temporal starts again as it does on a real one. */
async function answering(model: ModelFleet, nodes: readonly string[]): Promise<void> {
  const now = model.seconds(new Date(await model.clock.now()).toISOString());
  const away = model.input.away.find(
    ({ node, fromSeconds, toSeconds }) =>
      nodes.includes(node) && now >= fromSeconds && now < toSeconds,
  );
  if (away === undefined) return;
  await model.clock.sleep(refusedMs);
  throw ApplicationFailure.retryable(`${away.node} does not answer.`, 'node-unreachable');
}

async function copied(
  model: ModelFleet,
  ref: SyncRef,
  cursor: CopyCursor | null,
): ReturnType<Activities['copyRanges']> {
  const { rates } = model.input;
  const total = Math.round(model.documentsOf(ref.physicalUid, ref.shards.length));
  return model.working([ref.source, ref.target], async () => {
    let sent = cursor?.sent ?? 0;
    while (sent < total) {
      await answering(model, [ref.source, ref.target]);
      const throttle = model.viewOf(ref.runKey)?.progress.documentsPerSecond ?? Infinity;
      const rate = Math.max(
        1,
        Math.min(
          throttle,
          model.shareOf(ref.target, rates.copyPerSecond),
          model.shareOf(ref.source, rates.readPerSecond),
        ),
      );
      const step = Math.min(total - sent, Math.max(1, Math.ceil(total / slices)));
      await model.clock.sleep((step / rate) * 1_000);
      sent += step;
      model.setArrived(ref, sent);
    }
    const at = { shardAt: ref.shards.length, nextSlot: 0, compared: total, sent: total };
    return { cursor: at, outcome: 'done' };
  });
}
