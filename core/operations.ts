import type { JsonValue } from './fleet';
import type { Epoch, GroupId, IndexUid, NodeId, PhysicalUid, ShardId } from './ids';
import type { NodeToAdd, PlacementChange } from './placement-change';
import type { SyncFeed } from './sync-losses';

export type { NodeToAdd } from './placement-change';

/**
 * The data of operations: what starts one, what a plan says, what a report says. Only types and two
 * tables stand here, because workflows import nothing of core/ at run time: a changed rule must not
 * change what an old history replays to.
 */

/** The phases of one sync in the order of the runbook. The point of no return is `cut-over`. */
export const syncPhases = [
  'open',
  'barrier',
  'copy',
  'catch-up',
  'join',
  'verify',
  'canaries',
  'cut-over',
  'grace',
  'clean-up',
] as const;
export type SyncPhase = (typeof syncPhases)[number];

/** What a sync is in besides its phases: undone, or over. */
export type SyncStep = SyncPhase | 'roll-back' | 'reverse' | 'done';

export const rolloverSteps = ['check', 'create', 'settle', 'flip', 'retain', 'done'] as const;
export type RolloverStep = (typeof rolloverSteps)[number];

/** Where kill tests may end the worker: at the beginning of a phase of a sync, or of a step of a rollover. */
export type Failpoint = SyncPhase | `rollover-${RolloverStep}`;

export type OperationKind =
  | 'sync'
  | 'rebalance'
  | 'add-node'
  | 'drain-node'
  | 'remove-node'
  | 'repair'
  | 'set-node'
  | 'replace-node'
  | 'add-group'
  | 'remove-group'
  | 'set-replication'
  | 'reshard'
  | 'plan'
  | 'rebuild'
  | 'anti-entropy'
  | 'settings'
  | 'settings-check'
  | 'rollover'
  | 'canary'
  | 'ttl'
  | 'upgrade'
  | 'migration'
  | 'import'
  | 'dump'
  | 'export'
  | 'backup'
  | 'restore-drill';

export type OperationStatus =
  'planned' | 'waiting-approval' | 'running' | 'paused' | 'succeeded' | 'failed' | 'canceled';

/** Who asked for it and for what reason; both stand in the topology log. */
export interface Origin {
  readonly who: string;
  readonly why: string;
}

/** All shards that go from one node to another, for one index and one group. */
export interface SyncPair {
  readonly physicalUid: PhysicalUid;
  readonly index: IndexUid;
  /** The group whose table gets the target's copy. */
  readonly group: GroupId;
  readonly source: NodeId;
  /** Differs from `group` when a group is filled from another one. */
  readonly sourceGroup: GroupId;
  readonly target: NodeId;
  readonly shards: readonly ShardId[];
  /** `move`: the source gives the shards up. `copy`: it stays in sync (more copies, repairs). */
  readonly kind: 'move' | 'copy';
}

export interface SyncOptions {
  /** `null`: not throttled. */
  readonly documentsPerSecond: number | null;
  /** How long the source of a move is kept in step after the cut-over, for `reverse`. */
  readonly graceMs: number;
  /** A catch-up round of at most so many ids is small enough to join after. */
  readonly smallRoundIds: number;
  /** Another in-sync copy replaces a source that was away for so long (a minute by default) … */
  readonly sourceGraceMs?: number;
  /** … and a node that nothing replaces is waited for so long before all is undone; 15 minutes by default. */
  readonly awayMaxMs?: number;
  /** An activity that was not heard of for this long is started again; 10 s by default. */
  readonly heartbeatTimeoutMs?: number;
  /** A run starts over with a fresh history at this length; 4,000 by default. */
  readonly historyEventsMax?: number;
}

/** Where a sync stands when it continues as new. Set by the workflow itself only. */
export interface SyncResume {
  readonly step: SyncStep;
  readonly documentsCopied: number;
  readonly paused: boolean;
  readonly cursor: CopyCursor | null;
  /** Shards that were stale on the target before the sync. */
  readonly wasStale: readonly ShardId[];
  readonly startedAt: string;
  readonly feeds?: readonly SyncFeed[];
}

export interface SyncInput extends Origin, SyncPair {
  readonly options: SyncOptions;
  /** The operation that started it and holds the groups' claim; `null`: this run claims them itself. */
  readonly parent: string | null;
  readonly resume?: SyncResume;
}

/** Names a sync to its activities: constant through all of its runs and retries. */
export interface SyncRef extends SyncPair, Origin {
  /** Where the shards are read from; absent: all of them from `source`, for as long as that is in sync. */
  readonly feeds?: readonly SyncFeed[];
  /** The workflow id; attempt numbers count under it. */
  readonly runKey: string;
}

export interface SyncReport extends SyncPair {
  readonly outcome: 'done' | 'canceled' | 'reversed' | 'failed';
  readonly documentsCopied: number;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly error: string | null;
}

/** How far a copy got: all slots below `nextSlot` of the shard at `shardAt` and all shards before it. */
export interface CopyCursor {
  /** Position in the sync's list of shards. */
  readonly shardAt: number;
  readonly nextSlot: number;
  /** Documents compared so far. */
  readonly compared: number;
  /** Documents sent or deleted so far. */
  readonly sent: number;
}

export interface CopyResult {
  readonly cursor: CopyCursor;
  /** `paused`: the operator paused it; call again with the cursor. */
  readonly outcome: 'done' | 'paused';
}

export interface CatchUpResult {
  /** Ids and whole-shard notes handled in this round. */
  readonly handled: number;
  readonly sent: number;
  /** What stands in the journals after the round. */
  readonly left: number;
}

export type JoinOutcome =
  | {
      readonly joined: true;
      readonly epoch: Epoch;
      /** How long writes to the shards had to wait; absent where an earlier attempt had joined. */
      readonly fencedMs?: number;
    }
  | { readonly joined: false; readonly reason: string };

export interface VerifyResult {
  readonly documents: number;
  readonly ranges: number;
  /** Ranges that were compared more than once, because they were written to meanwhile. */
  readonly again: number;
}

/** A refusal is a value: the operator can read it and do something about it. */
export type Verdict = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface PlannedSync extends SyncPair {
  readonly documents: number;
  readonly bytes: number;
}

/** Copies that nobody wants any more, as when the replication factor was lowered. */
export interface PlannedRemoval {
  readonly physicalUid: PhysicalUid;
  readonly index: IndexUid;
  readonly group: GroupId;
  readonly node: NodeId;
  readonly shards: readonly ShardId[];
}

/** What a node has and will have when the plan has run. */
export interface PlanNode {
  readonly node: NodeId;
  readonly documentsNow: number;
  readonly documentsAfter: number;
}

/** The plan of a placement operation. Sorted and stable: the same fleet gives the same text. */
export interface OperationPlan {
  readonly epoch: Epoch;
  readonly groups: readonly GroupId[];
  readonly syncs: readonly PlannedSync[];
  /** Done after all syncs, and only when none of them failed. */
  readonly removals: readonly PlannedRemoval[];
  /** Syncs beyond the bound of one plan: run the operation again for them. */
  readonly more: number;
  readonly documents: number;
  readonly bytes: number;
  readonly minutes: number;
  /** Measured, or the default when nothing was measured yet. */
  readonly documentsPerSecond: number;
  readonly nodes: readonly PlanNode[];
  /** What the wanted table could not keep (zones, replicas), one sentence each. */
  readonly notKept: readonly string[];
  /** Shards whose only in-sync copy is the source of a move. */
  readonly onlyCopies: number;
  /** What the plan is for, where that is more than spreading and filling copies. */
  readonly change?: PlacementChange;
  /** The change that leads back; null where only an operator can know it. */
  readonly undo?: PlacementChange | null;
}

export interface RunOptions extends SyncOptions {
  readonly parallelSyncs: number;
  /** Do not wait for an approval. */
  readonly autoApprove: boolean;
  readonly approvalExpiryMs: number;
}

/** What a parent carries over continue-as-new. */
export interface PlanResume {
  readonly plan: OperationPlan;
  readonly approvedBy: string | null;
  /** Positions in `plan.syncs` that are over. */
  readonly finished: readonly number[];
  readonly reports: OperationTotals;
  readonly startedAt: string;
  readonly paused: boolean;
  readonly documentsPerSecond: number | null;
}

export interface OperationTotals {
  readonly done: number;
  readonly canceled: number;
  readonly reversed: number;
  readonly failed: number;
  readonly documentsCopied: number;
  /** The first few errors, in words. */
  readonly errors: readonly string[];
}

export interface RebalanceInput extends Origin {
  /** `null`: all groups. */
  readonly group: GroupId | null;
  readonly options: RunOptions;
  /** The operation that started it and holds the claim; `null`: this run claims the groups itself. */
  readonly parent: string | null;
  readonly resume?: PlanResume;
}

export interface AddNodeInput extends Origin {
  readonly node: NodeToAdd;
  readonly options: RunOptions;
  readonly resume?: PlanResume;
}

export interface DrainNodeInput extends Origin {
  readonly node: NodeId;
  readonly options: RunOptions;
  readonly parent: string | null;
  readonly resume?: PlanResume;
}

export interface RemoveNodeInput extends Origin {
  readonly node: NodeId;
  /** The node is dead and will not come back: its copies are forgotten, not moved. */
  readonly lost: boolean;
  readonly options: RunOptions;
  readonly resume?: PlanResume;
}

export interface RepairInput extends Origin {
  /** `null`: all nodes. */
  readonly node: NodeId | null;
  /** `null`: all indexes. */
  readonly physicalUid: PhysicalUid | null;
  /** Only this shard of the index. */
  readonly shard?: ShardId | null;
  readonly options: RunOptions;
  readonly resume?: PlanResume;
}

/** Starts an operation that is described by the change it makes. */
export interface ChangeInput<C extends PlacementChange = PlacementChange> extends Origin {
  readonly change: C;
  readonly options: RunOptions;
  /** The operation that started it and holds the claim; null or absent: this run claims the groups itself. */
  readonly parent?: string | null;
  readonly resume?: PlanResume;
}

export interface OperationReport {
  readonly outcome: 'done' | 'canceled' | 'failed' | 'expired' | 'nothing-to-do';
  readonly plan: OperationPlan | null;
  readonly totals: OperationTotals;
  readonly approvedBy: string | null;
}

export interface SettingsInput extends Origin {
  readonly physicalUid: PhysicalUid;
}

export interface SettingsReport {
  readonly settingsVersion: number;
  readonly settingsHash: string;
  /** Nodes whose settings were different and were applied again. */
  readonly changed: readonly NodeId[];
  readonly same: readonly NodeId[];
}

export interface RolloverInput extends Origin {
  readonly policy: string;
  /** Create the next index even when no trigger is met. */
  readonly force: boolean;
  /** Only say what would be done. */
  readonly dryRun: boolean;
}

export interface RolloverReport {
  readonly policy: string;
  readonly version: number;
  readonly outcome: 'rolled-over' | 'not-due' | 'dry-run' | 'disabled' | 'already-running';
  readonly reason: string;
  readonly from: IndexUid | null;
  readonly to: IndexUid | null;
  readonly deleted: readonly IndexUid[];
}

export interface CanaryInput {
  readonly canary: string;
}

export interface CanaryReport {
  readonly canary: string;
  readonly ok: boolean;
  readonly failures: readonly string[];
  readonly latencyMs: number;
}

/** Served by `/_miroir/operations` without Temporal. `id` is the workflow id. */
export interface OperationView {
  readonly id: string;
  readonly kind: OperationKind;
  readonly status: OperationStatus;
  readonly phase: string;
  readonly index?: string;
  readonly nodes?: readonly string[];
  readonly plan?: JsonValue;
  readonly progress: OperationProgress;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly finishedAt?: string;
  readonly error?: JsonValue;
  readonly temporal: { readonly workflowId: string; readonly runId: string };
  readonly who: string;
  readonly why: string;
}

export interface OperationProgress {
  readonly done: number;
  readonly total: number;
  readonly documentsCopied: number;
  /** Why it is not going on right now, or null. Every wait has one. */
  readonly waitingFor: string | null;
  /** Read by running activities: they stop at the next range when it is true. */
  readonly paused: boolean;
  /** Read by running activities; null: not throttled. */
  readonly documentsPerSecond: number | null;
  readonly [member: string]: JsonValue;
}

/** The answer to the `progress` query. */
export interface ProgressView {
  readonly status: OperationStatus;
  readonly phase: string;
  readonly progress: OperationProgress;
  readonly approvedBy: string | null;
  readonly error: string | null;
}
