import { rendezvousOrder } from '../../core/covering-set';
import type { Fleet, IndexEntry } from '../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../core/ids';
import type { OperationPlan, PlannedRemoval, PlannedSync, SyncPair } from '../../core/operations';
import type { PlacementChange } from '../../core/placement-change';
import { planChange as planMovesOf, undoOf } from '../../core/plan-change';
import type { Move, Removal } from '../../core/plan-moves';
import { refuse } from '../errors';
import { stopIfCancelled } from '../tools';
import type { ActivityTools, Call } from '../tools';
import type { PlanCheck, PlanRequest, RepairRequest } from '../types';
import { measuredRate, measurePair, nodesAfter, onlyCopies } from './measure';
import { pairsOf } from './pairs';

/** More would make the plan unreadable and the parent's history long; the rest is another plan. */
const syncsMax = 500;

interface Wanted {
  readonly pairs: readonly { readonly entry: IndexEntry; readonly pair: SyncPair }[];
  readonly removals: readonly PlannedRemoval[];
  readonly notKept: readonly string[];
  readonly groups: readonly GroupId[];
}

/** The syncs that bring the tables of the groups to what the nodes and their weights ask for. */
export async function planRebalance(
  tools: ActivityTools,
  { group }: PlanRequest,
  call: Call,
): Promise<OperationPlan> {
  return planSpread(tools, { kind: 'rebalance', group }, call);
}

/** The plan of any change: what it moves and drops, computed on the fleet as it will be. */
export async function planChange(
  tools: ActivityTools,
  { change }: { readonly change: PlacementChange },
  call: Call,
): Promise<OperationPlan> {
  const plan =
    change.kind === 'repair'
      ? await planRepair(tools, change, call)
      : await planSpread(tools, change, call);
  const fleet = await tools.store.fleet.load();
  return { ...plan, change, undo: undoOf(fleet, change) };
}

async function planSpread(
  tools: ActivityTools,
  change: Exclude<PlacementChange, { kind: 'repair' }>,
  call: Call,
): Promise<OperationPlan> {
  const planned = planMovesOf(await tools.store.fleet.load(), change);
  if (!planned.ok) throw refuse('change-refused', planned.reason);
  const { fleet, groups, indexes, notKept } = planned.moves;
  const pairs = indexes.flatMap(({ entry, moves }) =>
    pairsOf(entry, moves).map((pair) => ({ entry, pair })),
  );
  const removals = indexes.flatMap((one) => removalsOf(one.entry, one.removals));
  return complete(tools, fleet, { pairs, removals, notKept, groups }, call);
}

const sorted = (fleet: Fleet): IndexEntry[] =>
  [...fleet.indexes].sort((a, b) => (a.uid < b.uid ? -1 : 1));

function removalsOf(entry: IndexEntry, removals: readonly Removal[]): PlannedRemoval[] {
  const byNode = new Map<string, PlannedRemoval & { readonly shards: ShardId[] }>();
  for (const { physicalUid, group, shard, node } of removals) {
    const key = `${String(group)}/${node}`;
    const removal = byNode.get(key) ?? { physicalUid, index: entry.uid, group, node, shards: [] };
    removal.shards.push(shard);
    byNode.set(key, removal);
  }
  return [...byNode.values()];
}

/** One sync for each in-sync source of the node's stale copies. */
export async function planRepair(
  tools: ActivityTools,
  request: RepairRequest,
  call: Call,
): Promise<OperationPlan> {
  const fleet = await tools.store.fleet.load();
  const entries = sorted(fleet).filter(
    ({ physicalUid }) => request.physicalUid === null || physicalUid === request.physicalUid,
  );
  const targets = request.node === null ? fleet.nodes.map(({ id }) => id) : [request.node];
  const shard = request.shard ?? null;
  const stale = entries.flatMap((entry) =>
    targets.flatMap((node) =>
      staleCopies(entry, node)
        .filter((copy) => shard === null || copy.shard === shard)
        .map((copy) => ({ entry, node, copy })),
    ),
  );
  const pairs = entries.flatMap((entry) => {
    const moves = stale.filter((one) => one.entry === entry).flatMap(repairOf);
    return pairsOf(entry, moves).map((pair) => ({ entry, pair }));
  });
  const removals = shard === null ? entries.flatMap((entry) => leavingOn(entry, targets)) : [];
  const of = [...pairs.map(({ pair }) => pair.group), ...removals.map(({ group }) => group)];
  const groups = [...new Set(of)].sort((a, b) => a - b);
  return complete(
    tools,
    fleet,
    { pairs, removals, notKept: stale.flatMap(unrepairable), groups },
    call,
  );
}

/** What a clean-up left on nodes that were away: it is finished here. */
function leavingOn(entry: IndexEntry, nodes: readonly NodeId[]): PlannedRemoval[] {
  const { physicalUid } = entry;
  const removals = entry.placement.flatMap(({ group, shards }) =>
    shards.flatMap((row, at) =>
      row
        .filter(({ node, state }) => state === 'leaving' && nodes.includes(node))
        .map(({ node }) => ({ physicalUid, group, node, shard: at as ShardId })),
    ),
  );
  return removalsOf(entry, removals);
}

interface StaleCopy {
  readonly group: GroupId;
  readonly shard: ShardId;
  /** In-sync copies elsewhere, those of the same group first. */
  readonly sources: readonly NodeId[];
}

function staleCopies(entry: IndexEntry, node: NodeId): StaleCopy[] {
  return entry.placement.flatMap(({ group, shards }) =>
    shards.flatMap((row, at): StaleCopy[] => {
      const shard = at as ShardId;
      if (!row.some((replica) => replica.node === node && replica.state === 'stale')) return [];
      const own = row.filter(({ state }) => state === 'in-sync');
      const any = entry.placement
        .flatMap((placed) => placed.shards[shard] ?? [])
        .filter(({ state }) => state === 'in-sync');
      const candidates = (own.length > 0 ? own : any).map((replica) => replica.node);
      const sources = rendezvousOrder(
        `repair/${String(shard)}`,
        candidates.filter((n) => n !== node),
      );
      return [{ group, shard, sources }];
    }),
  );
}

interface StaleOn {
  readonly entry: IndexEntry;
  readonly node: NodeId;
  readonly copy: StaleCopy;
}

function repairOf({ entry, node, copy }: StaleOn): Move[] {
  const { group, shard } = copy;
  const [source] = copy.sources;
  if (source === undefined) return [];
  return [{ physicalUid: entry.physicalUid, group, shard, source, target: node, kind: 'copy' }];
}

const unrepairable = ({ entry, copy }: StaleOn): string[] =>
  copy.sources.length > 0
    ? []
    : [`Shard ${String(copy.shard)} of ${entry.uid} has no in-sync copy to repair it from.`];

async function complete(
  tools: ActivityTools,
  fleet: Fleet,
  wanted: Wanted,
  call: Call,
): Promise<OperationPlan> {
  const syncs: PlannedSync[] = [];
  for (const { entry, pair } of wanted.pairs.slice(0, syncsMax)) {
    stopIfCancelled(call);
    syncs.push(await measurePair(tools, entry, pair, call));
  }
  const documents = syncs.reduce((sum, sync) => sum + sync.documents, 0);
  const rate = await measuredRate(tools);
  const targets = new Set(syncs.map(({ target }) => target)).size;
  const parallel = Math.max(1, Math.min(tools.config.parallelSyncs, targets));
  return {
    epoch: fleet.epoch,
    groups: wanted.groups,
    syncs,
    removals: wanted.removals,
    more: Math.max(0, wanted.pairs.length - syncsMax),
    documents,
    bytes: syncs.reduce((sum, sync) => sum + sync.bytes, 0),
    minutes: Math.ceil(documents / rate / parallel / 6) / 10,
    documentsPerSecond: rate,
    nodes: await nodesAfter(tools, fleet, syncs),
    notKept: wanted.notKept,
    onlyCopies: onlyCopies(fleet, syncs),
  };
}

/** A plan is stale when other syncs are needed now than those the operator saw. */
export async function checkPlan(
  tools: ActivityTools,
  request: {
    readonly plan: OperationPlan;
    readonly rebalance: PlanRequest | null;
    readonly repair: RepairRequest | null;
  },
  call: Call,
): Promise<PlanCheck> {
  const plan =
    request.repair === null
      ? await planRebalance(tools, request.rebalance ?? { group: null }, call)
      : await planRepair(tools, request.repair, call);
  return { fresh: shapeOf(plan) === shapeOf(request.plan), plan };
}

export async function recheckChange(
  tools: ActivityTools,
  { plan: before, change }: { readonly plan: OperationPlan; readonly change: PlacementChange },
  call: Call,
): Promise<PlanCheck> {
  const plan = await planChange(tools, { change }, call);
  return { fresh: shapeOf(plan) === shapeOf(before), plan };
}

/**
 * What is moved where, without counts: documents come and go while an operator reads. With the groups, which
 * are claimed by the plan that was approved: who holds some and then needs more can wait for others that
 * wait for it.
 */
function shapeOf({ groups, syncs, removals, more }: OperationPlan): string {
  const shapes = syncs.map(({ physicalUid, group, source, target, shards, kind }) => [
    ...[physicalUid, group, source, target, kind],
    ...shards,
  ]);
  return JSON.stringify([[...groups].sort((a, b) => a - b), shapes, removals, more]);
}
