import type { Fleet, FleetNode, IndexEntry } from './fleet';
import type { NodeId } from './ids';
import { bucketCount, scriptItemsMax } from './limits';
import type { NodeToAdd, PlacementChange } from './placement-change';
import { isShardCount, splitPlacement } from './reshard';

export type ChangedFleet =
  { readonly ok: true; readonly fleet: Fleet } | { readonly ok: false; readonly reason: string };

export const nodeOf = (node: NodeToAdd, instanceId: string | null = null): FleetNode => ({
  ...node,
  intent: 'active',
  instanceId,
});

const ok = (fleet: Fleet): ChangedFleet => ({ ok: true, fleet });
const no = (reason: string): ChangedFleet => ({ ok: false, reason });

/**
 * The fleet as it would be with the change made and no copy moved: what a plan is computed on, so that a
 * dry run sees what the run will see. More shards are cut at once; fewer can be joined only after their
 * pieces have been brought together, so there the table stays as it is.
 */
export function changedFleet(fleet: Fleet, change: PlacementChange): ChangedFleet {
  switch (change.kind) {
    case 'rebalance':
      if (change.group !== null && !fleet.nodes.some(({ group }) => group === change.group)) {
        return no(`There is no group ${String(change.group)}.`);
      }
      return ok(fleet);
    case 'repair':
      return ok(fleet);
    case 'add-node':
      return added(fleet, [change.node]);
    case 'add-group':
      return addedGroup(fleet, change.group, change.nodes);
    case 'drain-node':
    case 'remove-node':
      return change.lost
        ? forgotten(fleet, change.node)
        : withNode(fleet, change.node, (node) => ({ ...node, intent: 'draining' }));
    case 'set-node':
      return withNode(fleet, change.node, (node) => ({
        ...node,
        weight: change.weight,
        zone: change.zone,
      }));
    case 'replace-node':
      return replaced(fleet, change);
    case 'remove-group':
      return withoutGroup(fleet, change.group);
    case 'set-replication':
      return withFactors(fleet, change.factors);
    case 'reshard':
      return resharded(fleet, change);
  }
}

function withNode(fleet: Fleet, id: NodeId, change: (node: FleetNode) => FleetNode): ChangedFleet {
  if (!fleet.nodes.some((node) => node.id === id)) return no(`There is no node ${id}.`);
  const nodes = fleet.nodes.map((node) => (node.id === id ? change(node) : node));
  return ok({ ...fleet, nodes });
}

/** A node that is there already under the same url is the same one: an operation may be repeated. */
function added(fleet: Fleet, toAdd: readonly NodeToAdd[]): ChangedFleet {
  const nodes = new Map(fleet.nodes.map((node) => [node.id, node]));
  for (const node of toAdd) {
    const known = nodes.get(node.id);
    if (known !== undefined && known.url !== node.url) {
      return no(`There is a node ${node.id} already, at ${known.url}.`);
    }
    // Its copies stand in the table of its group, and would be counted in another one's.
    if (known !== undefined && known.group !== node.group) {
      return no(`${node.id} is in group ${String(known.group)} already; remove it first.`);
    }
    nodes.set(node.id, nodeOf(node, known?.instanceId ?? null));
  }
  return ok({ ...fleet, nodes: [...nodes.values()] });
}

function addedGroup(
  fleet: Fleet,
  group: NodeToAdd['group'],
  toAdd: readonly NodeToAdd[],
): ChangedFleet {
  const ids = new Set(toAdd.map(({ id }) => id));
  if (toAdd.length === 0) return no('A group needs at least one node.');
  if (ids.size < toAdd.length) return no('Two of the nodes have the same id.');
  const stranger = fleet.nodes.find((node) => node.group === group && !ids.has(node.id));
  if (stranger !== undefined) {
    return no(`There is a group ${String(group)} already, with ${stranger.id}.`);
  }
  return added(fleet, toAdd);
}

const mapPlacement = (
  entry: IndexEntry,
  keep: (node: NodeId, group: number) => boolean,
): IndexEntry => ({
  ...entry,
  placement: entry.placement.map(({ group, shards }) => ({
    group,
    shards: shards.map((row) => row.filter(({ node }) => keep(node, group))),
  })),
});

/** A dead node's rows are gone before anything is copied. */
function forgotten(fleet: Fleet, id: NodeId): ChangedFleet {
  const changed = withNode(fleet, id, (node) => ({ ...node, intent: 'draining' }));
  if (!changed.ok) return changed;
  const indexes = fleet.indexes.map((entry) => mapPlacement(entry, (node) => node !== id));
  return ok({ ...changed.fleet, indexes });
}

function replaced(
  fleet: Fleet,
  change: Extract<PlacementChange, { kind: 'replace-node' }>,
): ChangedFleet {
  if (change.old === change.node.id) return no('A node cannot replace itself.');
  const withNew = added(fleet, [change.node]);
  if (!withNew.ok) return withNew;
  const old = fleet.nodes.find(({ id }) => id === change.old);
  if (old !== undefined && old.group !== change.node.group) {
    return no(`${change.old} is of group ${String(old.group)}, so its successor must be, too.`);
  }
  return changedFleet(withNew.fleet, { kind: 'drain-node', node: change.old, lost: change.lost });
}

function withoutGroup(fleet: Fleet, group: NodeToAdd['group']): ChangedFleet {
  if (!fleet.nodes.some((node) => node.group === group)) {
    return no(`There is no group ${String(group)}.`);
  }
  if (fleet.nodes.every((node) => node.group === group)) {
    return no(`Group ${String(group)} is the only one.`);
  }
  for (const entry of fleet.indexes) {
    for (let shard = 0; shard < entry.shardCount; shard += 1) {
      const rows = entry.placement.flatMap((placed) =>
        (placed.shards[shard] ?? []).map((replica) => ({ ...replica, group: placed.group })),
      );
      const inSync = rows.filter(({ state }) => state === 'in-sync');
      if (inSync.length > 0 && inSync.every((replica) => replica.group === group)) {
        return no(
          `Group ${String(group)} has the last in-sync copy of shard ${String(shard)} of ${entry.uid}.`,
        );
      }
    }
  }
  return ok({ ...fleet, nodes: fleet.nodes.filter((node) => node.group !== group) });
}

function withFactors(
  fleet: Fleet,
  factors: Extract<PlacementChange, { kind: 'set-replication' }>['factors'],
): ChangedFleet {
  const wanted = new Map(factors.map((factor) => [factor.physicalUid, factor]));
  const known = new Set(fleet.indexes.map(({ physicalUid }) => physicalUid));
  const gone = factors.find(({ physicalUid }) => !known.has(physicalUid));
  if (gone !== undefined) return no(`The index ${gone.index} was deleted.`);
  const indexes = fleet.indexes.map((entry) => {
    const replicationFactor = wanted.get(entry.physicalUid)?.replicationFactor;
    return replicationFactor === undefined ? entry : { ...entry, replicationFactor };
  });
  return ok({ ...fleet, indexes });
}

function resharded(
  fleet: Fleet,
  { physicalUid, index, shardCount }: Extract<PlacementChange, { kind: 'reshard' }>,
): ChangedFleet {
  const entry = fleet.indexes.find((one) => one.physicalUid === physicalUid);
  if (entry === undefined) return no(`The index ${index} was deleted.`);
  const count = Math.max(shardCount, entry.shardCount);
  // One script writes all rows, and the entry and the clearing of the old rows with them.
  if (entry.placement.length * count + 2 > scriptItemsMax) {
    return no(
      `${entry.uid} has ${String(entry.placement.length)} groups: ${String(count)} shards in each ` +
        `are more rows than one change may have (${String(scriptItemsMax)}).`,
    );
  }
  if (!isShardCount(shardCount)) {
    return no(`The number of shards must be a power of two from 1 to ${String(bucketCount)}.`);
  }
  // Copies that are on their way now will have arrived, or gone, when it is this operation's turn.
  const changed = { ...entry, shardCount: count, placement: splitPlacement(entry, count) };
  return ok({ ...fleet, indexes: fleet.indexes.map((one) => (one === entry ? changed : one)) });
}
