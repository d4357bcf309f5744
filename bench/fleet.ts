import type { FleetNode, IndexEntry } from '../core/fleet';
import { groupId, indexUid, nodeId, physicalUid } from '../core/ids';
import { place } from '../core/placement';
import { defaultSettings } from '../core/settings/defaults';

/** One group of nodes that all take part, one url each. */
export function benchNodes(urls: readonly string[]): FleetNode[] {
  return urls.map((url, at) => ({
    id: nodeId(`meili-${String(at)}`),
    url,
    group: groupId(0),
    zone: null,
    weight: 1,
    intent: 'active',
    instanceId: null,
  }));
}

/** An index of default settings, one copy of each shard, placed as Miroir places a new one. */
export function benchIndex(nodes: readonly FleetNode[], shardCount: number): IndexEntry {
  const { placement } = place({
    nodes,
    groups: [groupId(0)],
    shardCount,
    replicationFactor: 1,
    present: null,
    seed: 'bench',
  });
  return {
    uid: indexUid('films'),
    physicalUid: physicalUid('films-1'),
    primaryKey: 'id',
    createdAt: '2026-11-24T00:00:00Z',
    updatedAt: '2026-11-24T00:00:00Z',
    shardCount,
    replicationFactor: 1,
    settings: defaultSettings(),
    settingsVersion: 1,
    placement,
  };
}
