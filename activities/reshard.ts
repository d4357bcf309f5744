import { shardId } from '../core/ids';
import type { PhysicalUid, ShardId } from '../core/ids';
import type { Origin } from '../core/operations';
import type { Reshard } from '../core/placement-change';
import { reshardPlacement } from '../core/reshard';
import type { FleetOp } from '../store/types';
import type { ActivityTools, Call } from './tools';
import type { ReshardOutcome } from './types';
import { entryOf } from './tools';

const pauseMs = 5;

const later = (reason: string): ReshardOutcome => ({ done: false, reason, final: false });

/**
 * Gives an index another number of shards. Writes that are being sent name shards by their old numbers,
 * so there must be none: new ones wait under a fence, at most `fenceMaxMs`, until the last has ended.
 * Then one script changes the table, and the waiting writes begin with the new numbers. Searches wait
 * for nothing: where documents are is the same before and after.
 */
export async function reshardCatalogue(
  tools: ActivityTools,
  { change, who, why }: Origin & { readonly change: Reshard; readonly operation: string },
  call: Call,
): Promise<ReshardOutcome> {
  const { physicalUid, shardCount } = change;
  const before = await entryOf(tools, physicalUid);
  const { epoch } = await tools.store.fleet.load();
  // A second call after a lost answer: the change is made.
  if (before.shardCount === shardCount) return { done: true, epoch, fencedMs: 0 };
  const token = `${call.runId}:reshard:${String(call.attempt)}`;
  const shards = numbered(Math.max(before.shardCount, shardCount));
  const { fenceMaxMs } = tools.config;
  const raisedAt = tools.clock.now();
  if (!(await tools.store.fences.raise(physicalUid, shards, token, fenceMaxMs))) {
    return later('a sync joins some of the shards right now');
  }
  try {
    return await changeBefore(tools, call, {
      ...{ change, token, fenced: shards.length, raisedAt, until: raisedAt + fenceMaxMs },
      audit: { who, why, what: `reshard ${change.index} to ${String(shardCount)}` },
    });
  } finally {
    await tools.store.fences.lower(physicalUid, token);
  }
}

const numbered = (count: number): ShardId[] =>
  Array.from({ length: count }, (_, shard) => shardId(shard));

interface Fenced {
  readonly change: Reshard;
  readonly token: string;
  readonly fenced: number;
  readonly raisedAt: number;
  readonly until: number;
  readonly audit: Origin & { readonly what: string };
}

async function changeBefore(
  tools: ActivityTools,
  call: Call,
  { change, token, fenced, raisedAt, until, audit }: Fenced,
): Promise<ReshardOutcome> {
  const { physicalUid, shardCount } = change;
  let reason = 'the fence was too short';
  while (tools.clock.now() < until) {
    const busy = (await tools.store.writers.outstanding(physicalUid)).length;
    if (busy > 0) {
      reason = `${String(busy)} writes are still being sent`;
      await tools.clock.sleep(pauseMs, call.signal);
      continue;
    }
    const fleet = await tools.store.fleet.load();
    const entry = fleet.indexes.find((one) => one.physicalUid === physicalUid);
    if (entry === undefined) return { done: false, reason: 'the index was deleted', final: true };
    const resharded = reshardPlacement(entry, shardCount);
    if (!resharded.ok) return { done: false, reason: resharded.reason, final: true };
    const { placement } = resharded;
    const result = await tools.store.reshard(physicalUid, {
      ...{ fenceToken: token, fenced, epoch: fleet.epoch, audit },
      changes: opsOf(physicalUid, { ...entry, shardCount, placement }),
    });
    if (result.kind === 'ok') {
      return { done: true, epoch: result.epoch, fencedMs: tools.clock.now() - raisedAt };
    }
    if (result.reason === 'fence-lost') return later('the fence ended before the change');
    reason = `the change was refused: ${result.reason}`;
  }
  return later(reason);
}

type Entry = Parameters<typeof reshardPlacement>[0];

/** All rows are written anew: those of numbers that are gone must not stay. */
function opsOf(physicalUid: PhysicalUid, { placement, ...meta }: Entry): FleetOp[] {
  const rows = placement.flatMap(({ group, shards }) =>
    shards.map((replicas, shard): FleetOp => ({
      ...{ op: 'set-replicas', physicalUid, group, shard: shardId(shard), replicas },
    })),
  );
  return [{ op: 'set-index', entry: meta }, { op: 'remove-placement', physicalUid }, ...rows];
}
