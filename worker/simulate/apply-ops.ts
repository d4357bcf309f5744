import type { Fleet, GroupPlacement, IndexEntry, Replica } from '../../core/fleet';
import type { Epoch, GroupId, ShardId } from '../../core/ids';
import type { FleetOp } from '../../store/types';

/** The fleet after a change, as the store's script would leave it: on memory, for a simulation. */
export function applyOps(fleet: Fleet, ops: readonly FleetOp[]): Fleet {
  const changed = ops.reduce(applyOp, fleet);
  return { ...changed, epoch: (fleet.epoch + 1) as Epoch };
}

function applyOp(fleet: Fleet, op: FleetOp): Fleet {
  switch (op.op) {
    case 'set-node':
      return {
        ...fleet,
        nodes: [...fleet.nodes.filter(({ id }) => id !== op.node.id), op.node],
      };
    case 'remove-node':
      return { ...fleet, nodes: fleet.nodes.filter(({ id }) => id !== op.id) };
    case 'set-index': {
      const known = fleet.indexes.find(({ uid }) => uid === op.entry.uid);
      const entry = { ...op.entry, placement: known?.placement ?? [] };
      return { ...fleet, indexes: [...fleet.indexes.filter((one) => one !== known), entry] };
    }
    case 'remove-index':
      return { ...fleet, indexes: fleet.indexes.filter(({ uid }) => uid !== op.uid) };
    case 'set-replicas':
      return ofIndex(fleet, op.physicalUid, (entry) => ({
        ...entry,
        placement: withRow(entry, op.group, op.shard, op.replicas),
      }));
    case 'remove-placement':
      return ofIndex(fleet, op.physicalUid, (entry) => ({ ...entry, placement: [] }));
    case 'set-alias':
      return {
        ...fleet,
        aliases: [...fleet.aliases.filter(({ name }) => name !== op.alias.name), op.alias],
      };
    case 'remove-alias':
      return { ...fleet, aliases: fleet.aliases.filter(({ name }) => name !== op.name) };
  }
}

function ofIndex(
  fleet: Fleet,
  physicalUid: string,
  change: (entry: IndexEntry) => IndexEntry,
): Fleet {
  const indexes = fleet.indexes.map((entry) =>
    entry.physicalUid === physicalUid ? change(entry) : entry,
  );
  return { ...fleet, indexes };
}

/** A group without any row is in the table no more. */
function withRow(
  { placement, shardCount }: IndexEntry,
  group: GroupId,
  shard: ShardId,
  replicas: readonly Replica[],
): GroupPlacement[] {
  const known = placement.find((placed) => placed.group === group);
  const shards = Array.from({ length: shardCount }, (_, at) =>
    at === shard ? replicas : (known?.shards[at] ?? []),
  );
  const others = placement.filter((placed) => placed !== known);
  if (shards.every((row) => row.length === 0)) return others;
  return [...others, { group, shards }].sort((a, b) => a.group - b.group);
}
