import type { GroupId, IndexUid, NodeId, PhysicalUid, ShardId } from './ids';

export interface NodeToAdd {
  readonly id: NodeId;
  readonly url: string;
  readonly group: GroupId;
  readonly zone: string | null;
  readonly weight: number;
}

/**
 * What an operator wants to be different about where copies are. Every operation that changes
 * placement is one of these, so that one planner shows what any of them would move before anything
 * is changed, and so that the opposite of one can be named.
 */
export type PlacementChange =
  | { readonly kind: 'rebalance'; readonly group: GroupId | null }
  | RepairScope
  | { readonly kind: 'add-node'; readonly node: NodeToAdd }
  | { readonly kind: 'drain-node' | 'remove-node'; readonly node: NodeId; readonly lost: boolean }
  | SetNode
  | ReplaceNode
  | { readonly kind: 'add-group'; readonly group: GroupId; readonly nodes: readonly NodeToAdd[] }
  | { readonly kind: 'remove-group'; readonly group: GroupId; readonly lost: boolean }
  | { readonly kind: 'set-replication'; readonly factors: readonly ReplicationOf[] }
  | Reshard;

/** Which stale copies are filled again; `null` is no bound. */
export interface RepairScope {
  readonly kind: 'repair';
  readonly node: NodeId | null;
  readonly physicalUid: PhysicalUid | null;
  readonly shard: ShardId | null;
}

export interface SetNode {
  readonly kind: 'set-node';
  readonly node: NodeId;
  readonly weight: number;
  readonly zone: string | null;
}

/** `node` takes over every copy of `old`, which leaves the fleet. */
export interface ReplaceNode {
  readonly kind: 'replace-node';
  readonly old: NodeId;
  readonly node: NodeToAdd;
  /** `old` is dead: its copies are made from the others, and forgotten. */
  readonly lost: boolean;
}

export interface ReplicationOf {
  readonly index: IndexUid;
  readonly physicalUid: PhysicalUid;
  readonly replicationFactor: number;
}

export interface Reshard {
  readonly kind: 'reshard';
  readonly index: IndexUid;
  readonly physicalUid: PhysicalUid;
  readonly shardCount: number;
}

export type ChangeKind = PlacementChange['kind'];
