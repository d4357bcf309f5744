import type { ErrorBody } from '../../core/errors';
import type { IndexEntry, JsonValue } from '../../core/fleet';
import type { NodeId, PhysicalUid, ShardId } from '../../core/ids';
import type { Audit, FleetOp } from '../../store/types';
import type { FleetTaskType } from '../../store/task-types';
import type { FleetCache } from '../fleet-cache';
import type { PlaceChange } from './place-change';
import type { Places } from './places';
import type { Step } from './steps';

export type JsonObject = { readonly [member: string]: JsonValue };

/**
 * What one node gets of a write, step by step in this order. A node that is not known to have the
 * index gets it made first, with its settings.
 */
export interface NodeWork {
  readonly node: NodeId;
  /** The touched shards that the node takes writes for; none for a node that only gets settings. */
  readonly shards: readonly ShardId[];
  readonly steps: readonly Step[];
}

/** The outcome of a task that needs no node, or is known to fail. */
export interface FinalOutcome {
  readonly error: ErrorBody | null;
  readonly details: JsonObject;
}

/** What a write does, under one state of the fleet. Planned anew when the epoch has moved. */
export interface WritePlan {
  readonly physicalUid: PhysicalUid | null;
  /** The index as it will be after begin; null when there is none. */
  readonly entry: IndexEntry | null;
  readonly type: FleetTaskType;
  readonly indexUid: string | null;
  readonly details: JsonObject | null;
  readonly extra: JsonObject;
  readonly shards: readonly ShardId[] | 'all';
  /** What the journals of syncing shards must note: ids by shard, or all of every touched shard. */
  readonly journal: ReadonlyMap<ShardId, readonly string[]> | 'all' | null;
  readonly sequences: number;
  readonly changes: readonly FleetOp[];
  readonly audit?: Audit;
  /**
   * The next write of the index may begin before this one is committed. Only for what changes documents by
   * their ids and nothing else: such a write needs to know of those before it no more than their places.
   */
  readonly overlaps?: boolean;
  /** Set: the task is final at commit, whatever the nodes' setup does. */
  readonly final: FinalOutcome | null;
  /** The nodes' parts; called once, after begin gave the numbers. */
  readonly work: (firstSequence: number) => readonly NodeWork[];
  /** The parts without their payloads, where these are built only after begin; else `work` says it. */
  readonly intent?: readonly {
    readonly node: NodeId;
    readonly shards: readonly ShardId[];
    readonly steps: readonly Step[];
  }[];
  /** The places in the order of insertion that this write gives; null for a write of no documents. */
  readonly places?: (firstSequence: number) => PlaceChange;
}

export interface PlanInput {
  readonly fleet: FleetCache;
  readonly places: Places | null;
}

/** One write of a client, from the request on. */
export interface Operation {
  /** The names that the client wrote; they decide which queues it waits in. */
  readonly names: readonly string[];
  readonly customMetadata?: string | undefined;
  readonly idempotency?: { readonly key: string; readonly bodyHash: string } | undefined;
  /** The index whose writer lease it needs; null for none. */
  target(fleet: FleetCache): PhysicalUid | null;
  plan(input: PlanInput): Promise<WritePlan>;
}
