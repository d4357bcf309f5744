import { claimGroups, releaseGroups } from '../../../activities/claims';
import { passBarrier } from '../../../activities/barrier';
import { adoptNode } from '../../../activities/nodes/adopt';
import { setNodeIntent } from '../../../activities/nodes/leave';
import { planRebalance, planRepair } from '../../../activities/plan/plan';
import { catchUpRound } from '../../../activities/sync/catch-up';
import { copyRanges } from '../../../activities/sync/copy';
import { cutOver, reverseCutOver } from '../../../activities/sync/cut-over';
import { joinUnderFence } from '../../../activities/sync/join';
import { removeLeaving, restoreStale, startLeaving } from '../../../activities/sync/leave';
import { openTarget } from '../../../activities/sync/open';
import { verifyCopy } from '../../../activities/sync/verify';
import type { LeaveRequest } from '../../../activities/types';
import type { FleetNode } from '../../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../../core/ids';
import { groupId } from '../../../core/ids';
import type { OperationPlan, PlannedSync, SyncRef } from '../../../core/operations';
import type { ModelFleet } from './fleet';
import type { Activity } from './temporal';
import { Canceled, Cancellation } from './temporal';

const origin = { who: 'operator', why: 'the model' };
const graceMs = 400;
const smallRound = 4;
const parallelSyncs = 2;
const refillsMax = 5;
const roundsMax = 200;

export type SyncOutcome = 'done' | 'canceled' | 'reversed' | 'failed';

/** What an operator has asked of a running operation. */
export interface Steering {
  readonly cancel: Cancellation;
  reverse: boolean;
}

export const steering = (): Steering => ({ cancel: new Cancellation(), reverse: false });

/**
 * The phases of `workflows/sync-shards.ts` in their order, around the real activities. Temporal's own
 * parts (history, updates, search attributes) have their tests where they are.
 */
class SyncRun {
  readonly #ref: SyncRef;
  #opened = false;
  #wasStale: readonly ShardId[] = [];
  #cancellable = true;

  constructor(
    private readonly fleet: ModelFleet,
    sync: PlannedSync,
    private readonly steer: Steering,
  ) {
    const { physicalUid, index, group, source, sourceGroup, target, shards, kind } = sync;
    const runKey = `sync/${physicalUid}/${source}/${target}`;
    this.#ref = {
      ...{ physicalUid, index, group, source, sourceGroup, target, shards, kind },
      ...origin,
      runKey,
    };
  }

  async run(): Promise<SyncOutcome> {
    try {
      await this.#fillUntilCutOver();
    } catch (error) {
      if (!this.#cancellable) throw error;
      if (this.#opened) await this.#cleanTarget();
      if (error instanceof Canceled) return 'canceled';
      this.fleet.world.note(`sync failed: ${(error as Error).message}`);
      return 'failed';
    }
    if (this.#ref.kind === 'copy') return 'done';
    if (await this.#reversedInGrace()) {
      const verdict = await this.#do(reverseCutOver, this.#ref);
      if (!verdict.ok) {
        this.fleet.world.note(`reverse refused: ${verdict.reason}`);
        return 'failed';
      }
      await this.#cleanTarget();
      return 'reversed';
    }
    const { source, sourceGroup, shards } = this.#ref;
    await this.#leave(this.#leaveRequest(source, sourceGroup, shards));
    return 'done';
  }

  async #fillUntilCutOver(): Promise<void> {
    for (let fills = 1; ; fills += 1) {
      await this.#fill();
      if (this.steer.cancel.requested) throw new Canceled('It was canceled just in time.');
      this.#cancellable = false;
      const verdict = await this.#do(cutOver, this.#ref);
      if (verdict.ok) return;
      this.#cancellable = true;
      if (fills === refillsMax) throw new Error(verdict.reason);
    }
  }

  async #fill(): Promise<void> {
    const again = this.#opened;
    this.#opened = true;
    const { epoch, wasStale } = await this.#may(openTarget, this.#ref);
    if (!again) this.#wasStale = wasStale;
    await this.#may(passBarrier, { epoch, operation: this.#ref.runKey });
    await this.#may(copyRanges, { ref: this.#ref, cursor: null });
    for (let round = 0; ; round += 1) {
      const caught = await this.#may(catchUpRound, this.#ref);
      if (Math.max(caught.handled, caught.left) <= smallRound) {
        const join = await this.#may(joinUnderFence, this.#ref);
        if (join.joined) break;
        this.fleet.world.note(`no join: ${join.reason}`);
        await this.fleet.world.sleep(200);
      }
      if (round > roundsMax) throw new Error('It never joined.');
    }
    if (!this.fleet.skipsVerify) await this.#may(verifyCopy, this.#ref);
  }

  async #reversedInGrace(): Promise<boolean> {
    await this.fleet.world.sleep(graceMs);
    return this.steer.reverse;
  }

  async #cleanTarget(): Promise<void> {
    const { target, group, shards } = this.#ref;
    const made = shards.filter((shard) => !this.#wasStale.includes(shard));
    if (this.#wasStale.length > 0) {
      await this.#do(restoreStale, this.#leaveRequest(target, group, this.#wasStale));
    }
    if (made.length > 0) await this.#leave(this.#leaveRequest(target, group, made));
  }

  #leaveRequest(node: NodeId, group: GroupId, shards: readonly ShardId[]): LeaveRequest {
    const { physicalUid, runKey } = this.#ref;
    return { physicalUid, group, node, shards, runKey, ...origin };
  }

  #leave(request: LeaveRequest): Promise<void> {
    return leaveCopies(this.fleet, request);
  }

  /** What a cancel may interrupt. */
  #may<Q, A>(activity: Activity<Q, A>, request: Q): Promise<A> {
    const { runKey: runId } = this.#ref;
    this.fleet.world.note(`${runId}: ${activity.name}`);
    return this.fleet.temporal.run(activity, request, { runId, cancel: this.steer.cancel });
  }

  /** What goes on until it is done. */
  #do<Q, A>(activity: Activity<Q, A>, request: Q): Promise<A> {
    const { runKey: runId } = this.#ref;
    this.fleet.world.note(`${runId}: ${activity.name}`);
    return this.fleet.temporal.run(activity, request, { runId, cancel: null });
  }
}

async function leaveCopies(fleet: ModelFleet, request: LeaveRequest): Promise<void> {
  const { temporal } = fleet;
  const how = { runId: request.runKey, cancel: null };
  const epoch = await temporal.run(startLeaving, request, how);
  if (epoch === null) return;
  await temporal.run(passBarrier, { epoch, operation: request.runKey }, how);
  await temporal.run(removeLeaving, request, how);
}

/** The order of `workflows/run-plan.ts`: claim, plan, syncs side by side, surplus copies at last. */
async function runByPlan(
  fleet: ModelFleet,
  operation: string,
  how: { readonly plan: () => Promise<OperationPlan>; readonly steer: Steering },
): Promise<string> {
  const { temporal, world } = fleet;
  const { steer } = how;
  const bare = { runId: operation, cancel: null };
  const groups = [groupId(0)];
  for (;;) {
    const claim = await temporal.run(claimGroups, { operation, groups }, bare);
    if (claim.ok) break;
    world.note(`${operation} waits: ${claim.reason}`);
    if (steer.cancel.requested) {
      await temporal.run(releaseGroups, { operation }, bare);
      return 'canceled';
    }
    await world.sleep(500);
  }
  try {
    const plan = await how.plan();
    const todo = [...plan.syncs];
    const outcomes: SyncOutcome[] = [];
    const lane = async (): Promise<void> => {
      for (;;) {
        const sync = steer.cancel.requested ? undefined : todo.shift();
        if (sync === undefined) return;
        outcomes.push(await new SyncRun(fleet, sync, steer).run());
      }
    };
    await Promise.all(Array.from({ length: parallelSyncs }, lane));
    const whole = outcomes.every((outcome) => outcome === 'done') && todo.length === 0;
    for (const { physicalUid, group, node, shards } of whole ? plan.removals : []) {
      await leaveCopies(fleet, { physicalUid, group, node, shards, runKey: operation, ...origin });
    }
    return outcomes.join(',');
  } finally {
    await temporal.run(releaseGroups, { operation }, bare);
  }
}

export const rebalance = (fleet: ModelFleet, operation: string, steer: Steering): Promise<string> =>
  runByPlan(fleet, operation, {
    steer,
    plan: () =>
      fleet.temporal.run(planRebalance, { group: groupId(0) }, { runId: operation, cancel: null }),
  });

export const repair = (
  fleet: ModelFleet,
  operation: string,
  node: NodeId,
  steer: Steering,
): Promise<string> =>
  runByPlan(fleet, operation, {
    steer,
    plan: () =>
      fleet.temporal.run(
        planRepair,
        { node, physicalUid: null },
        { runId: operation, cancel: null },
      ),
  });

export async function addNode(
  fleet: ModelFleet,
  operation: string,
  node: FleetNode,
  steer: Steering,
): Promise<string> {
  const { id, url, group, zone, weight } = node;
  const input = { node: { id, url, group, zone, weight }, ...origin };
  await fleet.temporal.run(adoptNode, input as never, { runId: operation, cancel: null });
  return rebalance(fleet, operation, steer);
}

export async function drainNode(
  fleet: ModelFleet,
  operation: string,
  node: NodeId,
  steer: Steering,
): Promise<string> {
  const how = { runId: operation, cancel: null };
  await fleet.temporal.run(setNodeIntent, { node, intent: 'draining' as const, ...origin }, how);
  const outcome = await rebalance(fleet, operation, steer);
  if (steer.cancel.requested) {
    await fleet.temporal.run(setNodeIntent, { node, intent: 'active' as const, ...origin }, how);
  }
  return outcome;
}
