import { ApplicationFailure } from '@temporalio/common';
import { applyChange, finishChange, undoChange } from '../../activities/nodes/change';
import { forgetCopies, mayLeave, removeNode, setNodeIntent } from '../../activities/nodes/leave';
import { pairsOf } from '../../activities/plan/pairs';
import { onlyCopies } from '../../activities/plan/measure';
import { leaveUnless, restoreStale } from '../../activities/sync/leave';
import { changeReplicas, joinOps, rowOps, withGroup } from '../../activities/sync/replica-changes';
import type { ActivityTools } from '../../activities/tools';
import type { Activities, ChangeRequest } from '../../activities/types';
import { changedFleet } from '../../core/changed-fleet';
import type { OperationPlan, PlannedSync, Verdict } from '../../core/operations';
import type { NodeToAdd, PlacementChange } from '../../core/placement-change';
import { planChange as planMovesOf, undoOf } from '../../core/plan-change';
import {
  cutOver as cutOverStep,
  openTarget as openStep,
  removeReplica,
  reverseCutOver as reverseStep,
} from '../../core/replicas';
import { reshardPlacement } from '../../core/reshard';
import type { FleetOp } from '../../store/types';
import { syncActivities } from './sync-activities';
import type { TableSteps } from './sync-activities';
import type { ModelFleet } from './model-fleet';

/** What a placement operation asks for. Another activity in a run is a mistake of the simulation. */
export type SimulatedActivities = Partial<Activities>;

/** A simulation has one attempt at a time. */
const nobodyLate = { scheduledAt: 0, signal: new AbortController().signal };
const fine: Verdict = { ok: true };

/** The real activities get a store that is the model's table; what they would ask of nodes is modelled. */
function toolsOf(model: ModelFleet): ActivityTools {
  const store = {
    fleet: {
      load: () => Promise.resolve(model.load()),
      epoch: () => Promise.resolve(model.epoch()),
      update: (...args: Parameters<ModelFleet['update']>) => Promise.resolve(model.update(...args)),
    },
    attempts: { nextAttempt: () => Promise.resolve(1) },
    journals: { drop: () => Promise.resolve() },
    tasks: { open: () => Promise.resolve([]) },
  };
  return { store } as unknown as ActivityTools;
}

export function simulatedActivities(model: ModelFleet): SimulatedActivities {
  const tools = toolsOf(model);
  return {
    ...syncActivities(model, tableSteps(model, tools)),
    ...planActivities(model),
    ...changeActivities(model, tools),
  };
}

function tableSteps(model: ModelFleet, tools: ActivityTools): TableSteps {
  return {
    open: async (ref) => {
      const { group, target: node, shards } = ref;
      const { fleet, verdict } = await changeReplicas(tools, { ...ref, what: 'sync' }, (entry) =>
        openStep(withGroup(entry, group), { group, shards, node }),
      );
      if (!verdict.ok) throw ApplicationFailure.nonRetryable(verdict.reason, 'replicas-changed');
      return fleet.epoch;
    },
    join: (ref) => {
      let joined = false;
      model.update({ ...ref, what: 'join' }, (fleet) => {
        const ops = joinOps(fleet, ref);
        joined = ops !== null;
        return ops;
      });
      return joined;
    },
    cutOver: async (ref) => {
      const { group, shards, source, target, kind } = ref;
      const step = { group, shards, target, source: kind === 'move' ? source : null };
      const { verdict } = await changeReplicas(tools, { ...ref, what: 'cut over' }, (entry) =>
        cutOverStep(entry, step),
      );
      return verdict;
    },
    reverse: async (ref) => {
      const { group, shards, source, target } = ref;
      const { verdict } = await changeReplicas(tools, { ...ref, what: 'reverse' }, (entry) =>
        reverseStep(entry, { group, shards, source, target }),
      );
      return verdict;
    },
    forget: async (request) => {
      const { group, node, shards } = request;
      await changeReplicas(tools, { ...request, what: 'forget' }, (entry) =>
        removeReplica(entry, { group, node, shards }),
      );
    },
  };
}

function planActivities(model: ModelFleet): SimulatedActivities {
  const plan = (change: PlacementChange): OperationPlan => planOf(model, change);
  const fresh = (change: PlacementChange): Promise<{ fresh: true; plan: OperationPlan }> =>
    // Nobody else changes the fleet of a simulation.
    Promise.resolve({ fresh: true, plan: plan(change) });
  return {
    planChange: ({ change }) => Promise.resolve(plan(change)),
    recheckChange: ({ change }) => fresh(change),
    planRebalance: ({ group }) => Promise.resolve(plan({ kind: 'rebalance', group })),
    checkPlan: ({ rebalance }) => fresh({ kind: 'rebalance', group: rebalance?.group ?? null }),
  };
}

/** The plan as a worker makes it, with the model's counts in the place of what nodes say. */
function planOf(model: ModelFleet, change: PlacementChange): OperationPlan {
  if (change.kind === 'repair') throw ApplicationFailure.nonRetryable('Repairs are not simulated.');
  const planned = planMovesOf(model.load(), change);
  if (!planned.ok) throw ApplicationFailure.nonRetryable(planned.reason, 'change-refused');
  const { fleet, groups, indexes, notKept } = planned.moves;
  const syncs = indexes.flatMap(({ entry, moves }) =>
    pairsOf(entry, moves).map((pair): PlannedSync => {
      // The entry is numbered as the moves are, which may be finer than the table is now.
      const share = pair.shards.length / entry.shardCount;
      const documents = Math.round(model.input.sizes[entry.physicalUid]?.documents ?? 0) * share;
      const bytes = Math.round(documents * model.bytesEach(entry.physicalUid));
      return { ...pair, documents: Math.round(documents), bytes };
    }),
  );
  const documents = syncs.reduce((sum, sync) => sum + sync.documents, 0);
  const { copyPerSecond } = model.input.rates;
  return {
    ...{ epoch: model.epoch(), groups, syncs, more: 0, documents, notKept, nodes: [] },
    removals: indexes.flatMap(({ entry, removals }) =>
      removals.map(({ physicalUid, group, node, shard }) => ({
        ...{ physicalUid, index: entry.uid, group, node, shards: [shard] },
      })),
    ),
    bytes: syncs.reduce((sum, sync) => sum + sync.bytes, 0),
    minutes: documents / copyPerSecond / 60,
    documentsPerSecond: copyPerSecond,
    onlyCopies: onlyCopies(fleet, syncs),
    change,
    undo: undoOf(model.load(), change),
  };
}

function changeActivities(model: ModelFleet, tools: ActivityTools): SimulatedActivities {
  const adopt = (node: NodeToAdd): void => {
    model.update({ who: '', why: '', what: 'adopt' }, () => [
      { op: 'set-node', node: { ...node, intent: 'active', instanceId: null } },
    ]);
  };
  return {
    checkChange: ({ change }) => {
      const changed = changedFleet(model.load(), change);
      return Promise.resolve(changed.ok ? fine : changed);
    },
    checkNewNode: () => Promise.resolve(fine),
    adoptNode: ({ node }) => {
      adopt(node);
      return Promise.resolve({ instanceId: 'simulated' });
    },
    applyChange: (request) => applied(tools, request, adopt),
    finishChange: (request) => finishChange(tools, request, nobodyLate),
    undoChange: (request) => undoChange(tools, request, nobodyLate),
    setNodeIntent: (request) => setNodeIntent(tools, request),
    mayLeave: (request) => mayLeave(tools, request),
    forgetCopies: (request) => forgetCopies(tools, request),
    removeNode: (request) => removeNode(tools, request, nobodyLate),
    startLeaving: (request) =>
      leaveUnless(tools, request, { call: nobodyLate, demand: () => Promise.resolve() }),
    restoreStale: (request) => restoreStale(tools, request, nobodyLate),
    claimGroups: () => Promise.resolve(fine),
    releaseGroups: () => Promise.resolve(),
    reshardCatalogue: (request) => resharded(model, request),
    writeView: (view) => {
      model.show(view);
      return Promise.resolve();
    },
  };
}

/** New nodes are taken in without asking them who they are; all else is the real change of the table. */
async function applied(
  tools: ActivityTools,
  request: ChangeRequest,
  adopt: (node: NodeToAdd) => void,
): Promise<Verdict> {
  const { change } = request;
  if (change.kind === 'add-group') {
    change.nodes.forEach(adopt);
    return fine;
  }
  if (change.kind !== 'replace-node') return applyChange(tools, request);
  adopt(change.node);
  const old = { who: request.who, why: request.why, node: change.old };
  await setNodeIntent(tools, { ...old, intent: 'draining' });
  return change.lost ? forgetCopies(tools, old) : fine;
}

async function resharded(
  model: ModelFleet,
  { change }: Parameters<Activities['reshardCatalogue']>[0],
): ReturnType<Activities['reshardCatalogue']> {
  const entry = model.entry(change.physicalUid);
  if (entry.shardCount === change.shardCount) {
    return { done: true, epoch: model.epoch(), fencedMs: 0 };
  }
  const cut = reshardPlacement(entry, change.shardCount);
  if (!cut.ok) return { done: false, reason: cut.reason, final: true };
  await model.clock.sleep(model.input.rates.taskMs);
  const { placement: _, ...meta } = { ...entry, shardCount: change.shardCount };
  const rows = cut.placement.flatMap(({ group, shards }) =>
    shards.flatMap((replicas, shard) =>
      rowOps(change.physicalUid, [{ group, shard: shard as never, replicas }]),
    ),
  );
  const ops: FleetOp[] = [
    { op: 'set-index', entry: meta },
    { op: 'remove-placement', physicalUid: change.physicalUid },
    ...rows,
  ];
  model.update({ who: '', why: '', what: 'reshard' }, () => ops);
  return { done: true, epoch: model.epoch(), fencedMs: model.input.rates.taskMs };
}
