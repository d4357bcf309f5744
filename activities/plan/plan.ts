import { rendezvousOrder } from '../../core/covering-set';
import type { Fleet, IndexEntry } from '../../core/fleet';
import type { GroupId, NodeId, ShardId } from '../../core/ids';
import type { OperationPlan, PlannedRemoval, PlannedSync, SyncPair } from '../../core/operations';
import { place } from '../../core/placement';
import { planMoves, planRemovals } from '../../core/plan-moves';
import type { Move, Removal } from '../../core/plan-moves';
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
  request: PlanRequest,
  call: Call,
): Promise<OperationPlan> {
  const fleet = await tools.store.fleet.load();
  return complete(tools, fleet, wantedTables(fleet, request.group), call);
}

function wantedTables(fleet: Fleet, only: GroupId | null): Wanted {
  const all = [...new Set(fleet.nodes.map(({ group }) => group))].sort((a, b) => a - b);
  const groups = all.filter((group) => only === null || group === only);
  const notKept = new Set<string>();
  const byIndex = sorted(fleet).map((entry) => {
    const { shardCount, replicationFactor, placement: present, physicalUid: seed } = entry;
    const nodes = fleet.nodes;
    const wanted = place({ nodes, groups, shardCount, replicationFactor, present, seed });
    wanted.notKept.forEach((sentence) => notKept.add(sentence));
    const input = { entry, wanted: wanted.placement };
    const pairs = pairsOf(entry, planMoves(input)).map((pair) => ({ entry, pair }));
    return { pairs, removals: removalsOf(entry, planRemovals(input)) };
  });
  return {
    pairs: byIndex.flatMap(({ pairs }) => pairs),
    removals: byIndex.flatMap(({ removals }) => removals),
    notKept: [...notKept].sort(),
    groups,
  };
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
  const pairs = entries.flatMap((entry) =>
    pairsOf(entry, repairs(entry, request.node)).map((pair) => ({ entry, pair })),
  );
  const groups = [...new Set(pairs.map(({ pair }) => pair.group))].sort((a, b) => a - b);
  return complete(
    tools,
    fleet,
    { pairs, removals: [], notKept: unrepairable(entries, request.node), groups },
    call,
  );
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

function repairs(entry: IndexEntry, target: NodeId): Move[] {
  return staleCopies(entry, target).flatMap(({ group, shard, sources: [source] }): Move[] =>
    source === undefined
      ? []
      : [{ physicalUid: entry.physicalUid, group, shard, source, target, kind: 'copy' }],
  );
}

const unrepairable = (entries: readonly IndexEntry[], node: NodeId): string[] =>
  entries.flatMap((entry) => {
    const lost = staleCopies(entry, node).filter(({ sources }) => sources.length === 0);
    return lost.map(
      ({ shard }) =>
        `Shard ${String(shard)} of ${entry.uid} has no in-sync copy to repair it from.`,
    );
  });

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

/** What is moved where, without counts: documents come and go while an operator reads. */
function shapeOf({ syncs, removals, more }: OperationPlan): string {
  const shapes = syncs.map(({ physicalUid, group, source, target, shards, kind }) => [
    ...[physicalUid, group, source, target, kind],
    ...shards,
  ]);
  return JSON.stringify([shapes, removals, more]);
}
