import * as fc from 'fast-check';
import type {
  FleetNode,
  GroupPlacement,
  IndexEntry,
  Replica,
  ReplicaState,
} from '../../../core/fleet';
import { groupId, indexUid, nodeId, physicalUid } from '../../../core/ids';

export function fleetNode(id: string, more: Partial<FleetNode> = {}): FleetNode {
  return {
    id: nodeId(id),
    url: `http://${id}:7700`,
    group: groupId(0),
    zone: null,
    weight: 1,
    intent: 'active',
    instanceId: null,
    ...more,
  };
}

export function indexEntry(
  placement: readonly GroupPlacement[],
  shardCount: number,
  replicationFactor = 1,
): IndexEntry {
  return {
    uid: indexUid('products'),
    physicalUid: physicalUid('p1'),
    primaryKey: 'id',
    createdAt: '2026-01-01T00:00:00Z',
    updatedAt: '2026-01-01T00:00:00Z',
    shardCount,
    replicationFactor,
    settings: {},
    settingsVersion: 1,
    placement,
  };
}

const states: readonly ReplicaState[] = ['in-sync', 'joined', 'syncing', 'stale', 'leaving'];

/** Replicas of one shard on some nodes of a group, in random states. */
function replicas(group: number, nodes: number): fc.Arbitrary<Replica[]> {
  const names = Array.from({ length: nodes }, (_, n) => nodeId(`g${String(group)}n${String(n)}`));
  return fc
    .subarray(names)
    .chain((chosen) =>
      fc.tuple(
        ...chosen.map((node) =>
          fc.constantFrom<ReplicaState>('in-sync', ...states).map((state) => ({ node, state })),
        ),
      ),
    );
}

/** An index in the middle of anything: 1 to 3 groups, 1 to 16 shards, copies in all states. */
export const anyEntry: fc.Arbitrary<IndexEntry> = fc
  .record({
    groups: fc.integer({ min: 1, max: 3 }),
    nodes: fc.integer({ min: 1, max: 5 }),
    shardCount: fc.constantFrom(1, 2, 4, 8, 16),
  })
  .chain(({ groups, nodes, shardCount }) =>
    fc
      .tuple(
        ...Array.from({ length: groups }, (_, group) =>
          fc.array(replicas(group, nodes), { minLength: shardCount, maxLength: shardCount }),
        ),
      )
      .map((tables) =>
        indexEntry(
          tables.map((shards, group) => ({ group: groupId(group), shards })),
          shardCount,
        ),
      ),
  );
