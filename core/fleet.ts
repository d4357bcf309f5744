import type { Epoch, GroupId, IndexUid, NodeId, PhysicalUid } from './ids';

/**
 * The state of one copy of one shard on one node.
 *
 * | state   | gets client writes | is read | meaning                                                     |
 * |---------|--------------------|---------|-------------------------------------------------------------|
 * | in-sync | yes                | yes     | took every acknowledged write                               |
 * | joined  | yes                | no      | takes every write, but is not (or no longer) read           |
 * | syncing | no, a journal does | no      | being filled by a copy                                      |
 * | stale   | no                 | no      | missed a write; waits for repair                            |
 * | leaving | no                 | no      | its documents are being deleted                             |
 *
 * All five count as held: a node that holds any of them may have documents of that shard on disk.
 */
export type ReplicaState = 'in-sync' | 'joined' | 'syncing' | 'stale' | 'leaving';

export interface Replica {
  readonly node: NodeId;
  readonly state: ReplicaState;
}

/** One group's copies: `shards[s]` lists the replicas of shard `s`, in the order they were added. */
export interface GroupPlacement {
  readonly group: GroupId;
  readonly shards: readonly (readonly Replica[])[];
}

/** What an operator may ask of a node. `draining` nodes get no new replicas and lose what they have. */
export type NodeIntent = 'active' | 'draining';

export interface FleetNode {
  readonly id: NodeId;
  readonly url: string;
  readonly group: GroupId;
  readonly zone: string | null;
  /** Relative capacity; 1 by default. */
  readonly weight: number;
  readonly intent: NodeIntent;
  /** It is read only for what nobody else has, because it is about to be restarted; else absent. */
  readonly resting?: boolean;
  /** The uuid found on the node's disk; another one there means a replaced or emptied disk. */
  readonly instanceId: string | null;
}

export type JsonValue =
  null | boolean | number | string | JsonValue[] | { [member: string]: JsonValue };

/** A client's settings as GET shows them: every member present, defaults included. */
export type Settings = { [name: string]: JsonValue };

/** A node whose settings of an index were found to be others than the catalogue's. */
export interface DriftedNode {
  readonly node: NodeId;
  /** Names of the settings that differ. */
  readonly settings: readonly string[];
  /** RFC 3339: when it was found. */
  readonly since: string;
}

/** How documents of an index expire. */
export interface IndexTtl {
  /** Expired documents are deleted; `false` keeps them and what they carry. */
  readonly enabled: boolean;
  /** Milliseconds that a new document without a time of its own lives; null: for ever. */
  readonly defaultTtlMs: number | null;
}

export interface IndexEntry {
  readonly uid: IndexUid;
  readonly physicalUid: PhysicalUid;
  readonly primaryKey: string | null;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** S, a power of two, at most `bucketCount`. */
  readonly shardCount: number;
  readonly replicationFactor: number;
  readonly settings: Settings;
  /** Rises by one with each accepted settings change. */
  readonly settingsVersion: number;
  /**
   * The settings version at which what the nodes are sent last changed: a node with it has all later
   * versions too, because they concern only what Miroir does with answers. Absent: `settingsVersion`.
   */
  readonly physicalSettingsVersion?: number;
  /** Nodes with settings that nobody wrote here; not read where another can serve. Absent: none. */
  readonly drifted?: readonly DriftedNode[];
  /** Documents of the index may carry a time of expiry. Absent: they may not. */
  readonly ttl?: IndexTtl;
  readonly placement: readonly GroupPlacement[];
}

export interface AliasEntry {
  readonly name: IndexUid;
  readonly targets: readonly IndexUid[];
  /** Newest last, bounded. */
  readonly history: readonly { readonly at: string; readonly targets: readonly IndexUid[] }[];
  /** How often it was flipped since it was made; absent on old records: as often as the history says. */
  readonly flips?: number;
}

/** Everything a pod must know to route a request, as of one epoch. */
export interface Fleet {
  readonly epoch: Epoch;
  readonly nodes: readonly FleetNode[];
  readonly indexes: readonly IndexEntry[];
  readonly aliases: readonly AliasEntry[];
}
