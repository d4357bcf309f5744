import type { JsonValue } from '../core/fleet';
import type {
  FleetTaskUid,
  IndexUid,
  NodeId,
  NodeTaskUid,
  PhysicalUid,
  ShardId,
} from '../core/ids';

/** `enqueuing`: began and not committed; clients see it as `enqueued`. */
export type FleetTaskStatus = 'enqueuing' | NodeTaskStatus;

/** The engine's names, in its order, as they stand in task views. Their places are stored: new names go to the end. */
export const fleetTaskTypes = [
  'documentAdditionOrUpdate',
  'documentEdition',
  'documentDeletion',
  'settingsUpdate',
  'indexCreation',
  'indexDeletion',
  'indexUpdate',
  'indexSwap',
  'taskCancelation',
  'taskDeletion',
  'dumpCreation',
  'snapshotCreation',
  'export',
  'upgradeDatabase',
  'indexCompaction',
  'networkTopologyChange',
  'dsrUpdate',
  'dsrClear',
] as const;
export type FleetTaskType = (typeof fleetTaskTypes)[number];

/** In the engine's order. */
export const nodeTaskStatuses = [
  'enqueued',
  'processing',
  'succeeded',
  'failed',
  'canceled',
] as const;
export type NodeTaskStatus = (typeof nodeTaskStatuses)[number];

/** One node's part of a fleet task. */
export interface NodeTaskRef {
  readonly node: NodeId;
  readonly uid: NodeTaskUid;
  readonly status?: NodeTaskStatus;
  /** What the fold needs of the finished node task: details, error, times. */
  readonly result?: { readonly [member: string]: JsonValue };
}

export interface FleetTask {
  readonly uid: FleetTaskUid;
  /** The name the client wrote; null for tasks of no index. */
  readonly indexUid: IndexUid | null;
  readonly physicalUid: PhysicalUid | null;
  readonly type: FleetTaskType;
  readonly status: FleetTaskStatus;
  readonly details: { readonly [member: string]: JsonValue } | null;
  /** The error object of the task view: message, code, type, link. */
  readonly error: { readonly [member: string]: JsonValue } | null;
  readonly canceledBy: FleetTaskUid | null;
  /** RFC 3339, as are the two below. */
  readonly enqueuedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** ISO 8601, `PT0.5S`. */
  readonly duration: string | null;
  readonly customMetadata?: string;
  readonly batchUid: number | null;
  readonly nodeTasks: readonly NodeTaskRef[];
  readonly shards: readonly ShardId[] | 'all';
  /** The primary key this write fixes if the index has none when it is processed. */
  readonly primaryKeyWanted?: string;
  /** What a kind of task needs besides. */
  readonly extra: { readonly [member: string]: JsonValue };
}

/** Every member given must match. Times are milliseconds since 1970, bounds exclusive. */
export interface TaskFilter {
  readonly uids?: readonly FleetTaskUid[];
  readonly batchUids?: readonly number[];
  /** `enqueued` also matches `enqueuing`. */
  readonly statuses?: readonly FleetTaskStatus[];
  readonly types?: readonly FleetTaskType[];
  /** Tasks with other indexes too (swaps) match by `indexUid` and by `extra.indexUids`. */
  readonly indexUids?: readonly IndexUid[];
  readonly canceledBy?: readonly FleetTaskUid[];
  readonly beforeEnqueuedAt?: number;
  readonly afterEnqueuedAt?: number;
  readonly beforeStartedAt?: number;
  readonly afterStartedAt?: number;
  readonly beforeFinishedAt?: number;
  readonly afterFinishedAt?: number;
}

export interface TaskPage {
  readonly tasks: FleetTask[];
  /** Tasks that match the filter, on all pages. */
  readonly total: number;
  /** The uid the next page begins with. */
  readonly next: FleetTaskUid | null;
}

export interface TaskStore {
  get(uid: FleetTaskUid): Promise<FleetTask | null>;
  /** Newest first, or oldest first with `reverse`; begins at uid `from`, included. */
  list(query: {
    readonly from?: FleetTaskUid;
    readonly limit: number;
    readonly reverse?: boolean;
    readonly filter?: TaskFilter;
  }): Promise<TaskPage>;
  /** False, and nothing stored, when the task was deleted meanwhile. */
  save(task: FleetTask): Promise<boolean>;
  /** Tasks without a final status, oldest first. */
  open(): Promise<FleetTaskUid[]>;
  /** The newest uid ever allocated. */
  lastUid(): Promise<FleetTaskUid | null>;
  /** Returns how many there were. */
  delete(uids: readonly FleetTaskUid[]): Promise<number>;
}
