import type { AliasEntry, Fleet, FleetNode, IndexEntry, JsonValue, ReplicaState } from './fleet';
import type { Epoch, GroupId, NodeId, ShardId } from './ids';

/** What one member of a record was and is; null where it was not, or is not any more. */
export interface Difference {
  readonly kind: 'node' | 'index' | 'alias';
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Of a changed record, the members that differ. */
  readonly members: readonly {
    readonly member: string;
    readonly from: JsonValue;
    readonly to: JsonValue;
  }[];
}

/** One copy that came, went, or is in another state. */
export interface ReplicaDifference {
  readonly index: string;
  readonly group: GroupId;
  readonly shard: ShardId;
  readonly node: NodeId;
  readonly from: ReplicaState | null;
  readonly to: ReplicaState | null;
}

export interface TopologyDifference {
  readonly from: Epoch;
  readonly to: Epoch;
  readonly records: readonly Difference[];
  readonly replicas: readonly ReplicaDifference[];
}

type Shown = { readonly [member: string]: JsonValue };

const nodeShown = ({ id: _, ...rest }: FleetNode): Shown => ({ ...rest });

/** Settings may hold an embedder's key, so of them only the version is compared and shown. */
const indexShown = (entry: IndexEntry): Shown => {
  const { physicalUid, primaryKey, shardCount, replicationFactor, settingsVersion } = entry;
  return { physicalUid, primaryKey, shardCount, replicationFactor, settingsVersion };
};

const aliasShown = ({ targets }: AliasEntry): Shown => ({ targets: [...targets] });

/** What differs between two states of the fleet; sorted, so that the same states give the same text. */
export function topologyDifference(before: Fleet, after: Fleet): TopologyDifference {
  const table = <T>(records: readonly T[], nameOf: (r: T) => string, shown: (r: T) => Shown) =>
    new Map(records.map((record) => [nameOf(record), shown(record)]));
  const nodes = (fleet: Fleet) => table(fleet.nodes, ({ id }) => id, nodeShown);
  const indexes = (fleet: Fleet) => table(fleet.indexes, ({ uid }) => uid, indexShown);
  const aliases = (fleet: Fleet) => table(fleet.aliases, ({ name }) => name, aliasShown);
  return {
    from: before.epoch,
    to: after.epoch,
    records: [
      ...differences('node', nodes(before), nodes(after)),
      ...differences('index', indexes(before), indexes(after)),
      ...differences('alias', aliases(before), aliases(after)),
    ],
    replicas: replicaDifferences(before, after),
  };
}

function differences(
  kind: Difference['kind'],
  before: ReadonlyMap<string, Shown>,
  after: ReadonlyMap<string, Shown>,
): Difference[] {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  return names.flatMap((name): Difference[] => {
    const from = before.get(name);
    const to = after.get(name);
    if (from === undefined) return [{ kind, name, change: 'added', members: [] }];
    if (to === undefined) return [{ kind, name, change: 'removed', members: [] }];
    const members = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    const changed = members.flatMap((member) => {
      const was = from[member] ?? null;
      const is = to[member] ?? null;
      return JSON.stringify(was) === JSON.stringify(is) ? [] : [{ member, from: was, to: is }];
    });
    return changed.length === 0 ? [] : [{ kind, name, change: 'changed', members: changed }];
  });
}

interface NamedReplica {
  readonly index: string;
  readonly group: GroupId;
  readonly shard: ShardId;
  readonly node: NodeId;
  readonly state: ReplicaState;
}

/** By the index's name on the nodes, which a rename does not change: a renamed index moves nothing. */
function replicasOf(fleet: Fleet): Map<string, NamedReplica> {
  const found = new Map<string, NamedReplica>();
  for (const { uid, physicalUid, placement } of fleet.indexes) {
    for (const { group, shards } of placement) {
      shards.forEach((row, at) => {
        const shard = at as ShardId;
        for (const { node, state } of row) {
          const key = `${physicalUid}/${String(group)}/${String(shard).padStart(3, '0')}/${node}`;
          found.set(key, { index: uid, group, shard, node, state });
        }
      });
    }
  }
  return found;
}

function replicaDifferences(before: Fleet, after: Fleet): ReplicaDifference[] {
  const was = replicasOf(before);
  const is = replicasOf(after);
  const keys = [...new Set([...was.keys(), ...is.keys()])].sort();
  return keys.flatMap((key): ReplicaDifference[] => {
    const from = was.get(key);
    const to = is.get(key);
    const named = to ?? from;
    if (named === undefined || from?.state === to?.state) return [];
    const { index, group, shard, node } = named;
    return [{ index, group, shard, node, from: from?.state ?? null, to: to?.state ?? null }];
  });
}
