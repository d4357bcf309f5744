import type {
  ArchiveStart,
  ArchiveTarget,
  DrillReport,
  ImportCursor,
  ImportPlan,
  ImportRef,
  ImportStep,
  PartsRef,
  WrittenIndex,
} from '../core/archives/types';
import type { ExportRequest, ExportTarget, ExportedIndex, SentIndex } from '../core/export/types';
import type { JsonValue } from '../core/fleet';
import type { Epoch, GroupId, IndexUid, NodeId, PhysicalUid, ShardId } from '../core/ids';
import type { SettingsCheckResult, SweepRequest, SweepResult } from '../core/index-life';
import type {
  AddNodeInput,
  CanaryInput,
  CanaryReport,
  CatchUpResult,
  CopyCursor,
  CopyResult,
  JoinOutcome,
  OperationPlan,
  OperationView,
  Origin,
  RolloverInput,
  SettingsInput,
  SettingsReport,
  SyncRef,
  Verdict,
  VerifyResult,
} from '../core/operations';
import type { SourcesFound } from '../core/sync-losses';
import type { PlacementChange, Reshard } from '../core/placement-change';
import type { MigrationActivities } from './migration/types';
import type { LeaveRequest, OpenResult, SourcesRequest } from './sync/types';
import type { NodeInspection, UpgradeInput, UpgradePlan } from '../core/upgrade';

export type { LeaveRequest, OpenResult, SourcesRequest } from './sync/types';

export interface PlanRequest {
  /** `null`: all groups. */
  readonly group: GroupId | null;
}

export interface RepairRequest {
  /** `null`: all nodes. */
  readonly node: NodeId | null;
  /** `null`: all indexes. */
  readonly physicalUid: PhysicalUid | null;
  readonly shard?: ShardId | null;
}

export type RebuildCheck =
  { readonly ok: true; readonly group: GroupId } | { readonly ok: false; readonly reason: string };

/** What the repair policy found. */
export interface NeededRepairs {
  readonly repair: readonly NodeId[];
  readonly rebuild: readonly NodeId[];
  /** Sentences for an operator. */
  readonly left: readonly string[];
}

export interface CompareRequest {
  readonly report: string;
  /** Whose throttle and pause it keeps to. */
  readonly operation: string;
  readonly physicalUid: PhysicalUid;
}

/** Counts only: what differs stands in the report, and ids of documents in no history. */
export interface AntiEntropyCounts {
  readonly documents: number;
  readonly differences: number;
}

export interface SettleRequest extends Origin {
  readonly report: string;
  readonly repair: boolean;
}

export interface SettledReport {
  readonly report: string;
  readonly repaired: readonly NodeId[];
  readonly notRepaired: readonly string[];
  readonly canceled: boolean;
}

export interface ChangeRequest extends Origin {
  readonly change: PlacementChange;
}

/** `fencedMs`: how long writes to the index had to wait. `done: false`: try again a little later. */
export type ReshardOutcome =
  | { readonly done: true; readonly epoch: Epoch; readonly fencedMs: number }
  | { readonly done: false; readonly reason: string; readonly final: boolean };

/** `fresh: false`: the fleet changed so that other syncs are needed; the new plan must be approved. */
export interface PlanCheck {
  readonly fresh: boolean;
  readonly plan: OperationPlan;
}

export interface ClaimRequest {
  readonly operation: string;
  readonly groups: readonly GroupId[];
  /** How long the call may wait for the operations before it; 0 by default. */
  readonly waitMs?: number;
}

/** `full`: there is no place in the queue, and waiting would not give one. */
export type ClaimVerdict =
  { readonly ok: true } | { readonly ok: false; readonly reason: string; readonly full?: boolean };

export type MayLeave =
  { readonly ok: true; readonly group: GroupId } | { readonly ok: false; readonly reason: string };

/** A policy as it was when the run began, and what the run decided to do. */
export interface RolloverDecision {
  readonly policy: string;
  readonly version: number;
  readonly act: boolean;
  readonly outcome: 'rolled-over' | 'not-due' | 'dry-run' | 'disabled';
  readonly reason: string;
  readonly from: IndexUid | null;
  readonly to: IndexUid | null;
  /** The new index's uid on the nodes; decided once, so that a second try makes the same index. */
  readonly physicalUid: PhysicalUid | null;
  readonly createdAt: string;
  /** Indexes the read alias has after the flip, newest last; null: the policy has no read alias. */
  readonly readTargets: readonly IndexUid[] | null;
  readonly doomed: readonly DoomedIndex[];
  /** The aliases to flip, so that a policy that is deleted meanwhile leaves no half-done run. */
  readonly writeAlias?: IndexUid;
  readonly readAlias?: IndexUid | null;
}

/** An index that retention deletes, with what is needed to finish that when it is half done. */
export interface DoomedIndex {
  readonly uid: IndexUid;
  readonly physicalUid: PhysicalUid;
  readonly nodes: readonly NodeId[];
}

export interface RolloverStepInput extends Origin {
  readonly decision: RolloverDecision;
}

export type InspectResult =
  | { readonly ok: true; readonly plan: ImportPlan }
  | { readonly ok: false; readonly reason: string };

export interface ImportRequest {
  readonly ref: ImportRef;
  readonly plan: ImportPlan;
  readonly cursor: ImportCursor | null;
  /** Documents set aside beyond which the import stops and asks. */
  readonly rejectedMax: number;
}

export interface ImportStepRequest {
  readonly ref: ImportRef;
  readonly plan: ImportPlan;
}

export interface CompareRestoredRequest {
  readonly backup: string;
  readonly plan: ImportPlan;
  readonly runKey: string;
}

export interface DrillRecordRequest {
  readonly report: DrillReport;
}

export interface EndTaskRequest {
  readonly taskUid: number;
  readonly status: 'succeeded' | 'failed' | 'canceled';
  readonly details: { readonly [member: string]: JsonValue };
  readonly error: { readonly [member: string]: JsonValue } | null;
}

/**
 * What workflows may ask for. All of them are idempotent: a second call after a lost answer changes
 * nothing more. None returns documents or secrets, because answers stand in histories.
 */
export interface Activities extends MigrationActivities {
  /** Which of the sync's copies on the target are stale now. Reads the table only. */
  staleCopies(ref: SyncRef): Promise<readonly ShardId[]>;
  /** Makes the index on the target with its settings, then the shards `syncing`. */
  openTarget(ref: SyncRef): Promise<OpenResult>;
  /** Returns when no pod can still route by an older epoch. */
  passBarrier(request: { readonly epoch: Epoch; readonly operation: string }): Promise<void>;
  copyRanges(request: {
    readonly ref: SyncRef;
    readonly cursor: CopyCursor | null;
  }): Promise<CopyResult>;
  catchUpRound(ref: SyncRef): Promise<CatchUpResult>;
  joinUnderFence(ref: SyncRef): Promise<JoinOutcome>;
  verifyCopy(ref: SyncRef): Promise<VerifyResult>;
  /**
   * After a step failed because a node is away or a source fell behind: returns when the sync can go on,
   * from the same copies or from others, or with what is missing when the time is over.
   */
  awaitSources(request: SourcesRequest): Promise<SourcesFound>;
  canariesAreGreen(request: { readonly index: IndexUid }): Promise<Verdict>;
  /** Refused when a target copy is not `joined` any more: it missed a write and must be filled again. */
  cutOver(ref: SyncRef): Promise<Verdict>;
  reverseCutOver(ref: SyncRef): Promise<Verdict>;
  /** Writes to these copies stop with the returned epoch. Null: there is none left in the table. */
  startLeaving(request: LeaveRequest): Promise<Epoch | null>;
  /** Deletes the documents of leaving copies, verifies they are gone, then takes the rows away. */
  removeLeaving(request: LeaveRequest): Promise<{ readonly deleted: number }>;
  /** Makes copies that were stale before the sync stale again. */
  restoreStale(request: LeaveRequest): Promise<void>;

  planRebalance(request: PlanRequest): Promise<OperationPlan>;
  planRepair(request: RepairRequest): Promise<OperationPlan>;
  /** Plans again and compares. */
  checkPlan(request: {
    readonly plan: OperationPlan;
    readonly rebalance: PlanRequest | null;
    readonly repair: RepairRequest | null;
  }): Promise<PlanCheck>;
  /** Puts two placement operations on one group apart. */
  claimGroups(request: ClaimRequest): Promise<ClaimVerdict>;
  releaseGroups(request: { readonly operation: string }): Promise<void>;

  /** Says why a change cannot be made, before anything is changed. */
  checkChange(request: ChangeRequest): Promise<Verdict>;
  planChange(request: { readonly change: PlacementChange }): Promise<OperationPlan>;
  /** Plans again and compares. */
  recheckChange(request: {
    readonly plan: OperationPlan;
    readonly change: PlacementChange;
  }): Promise<PlanCheck>;
  /** What is changed before copies are made. */
  applyChange(request: ChangeRequest): Promise<Verdict>;
  /** What is changed when all copies are made. Refused where something is left. */
  finishChange(request: ChangeRequest): Promise<Verdict>;
  /** Takes back what `applyChange` did; `undo` is the change that leads back, as it was planned. */
  undoChange(request: ChangeRequest & { readonly undo: PlacementChange | null }): Promise<void>;
  /** Gives an index another number of shards, under a fence; every bucket stays where it is. */
  reshardCatalogue(
    request: Origin & { readonly change: Reshard; readonly operation: string },
  ): Promise<ReshardOutcome>;

  checkNewNode(input: AddNodeInput): Promise<Verdict>;
  adoptNode(input: AddNodeInput): Promise<{ readonly instanceId: string }>;
  /** `unlessLast`: fails as refused where the group would have no active node for what it holds. */
  setNodeIntent(
    request: Origin & {
      readonly node: NodeId;
      readonly intent: 'active' | 'draining';
      readonly unlessLast?: boolean;
    },
  ): Promise<void>;
  /** May this node's copies go: is each of them held, or holdable, elsewhere? */
  mayLeave(request: { readonly node: NodeId; readonly lost: boolean }): Promise<MayLeave>;
  /** Takes a dead node's copies out of the table; refused where one is the last in-sync copy. */
  forgetCopies(request: Origin & { readonly node: NodeId }): Promise<Verdict>;
  removeNode(request: Origin & { readonly node: NodeId }): Promise<Verdict>;

  planUpgrade(input: UpgradeInput): Promise<UpgradePlan>;
  /** Sends reads of a node elsewhere, or back; refused where it would leave shards without a reader. */
  restNode(
    request: Origin & {
      readonly node: NodeId;
      readonly resting: boolean;
      readonly acceptUnavailable: boolean;
    },
  ): Promise<Epoch>;
  restartNode(request: { readonly node: NodeId; readonly version: string | null }): Promise<void>;
  awaitVersion(request: { readonly node: NodeId; readonly version: string }): Promise<void>;
  /** `patient`: waits some minutes for a node that does not answer yet. */
  inspectNode(request: {
    readonly node: NodeId;
    readonly version: string | null;
    readonly patient: boolean;
  }): Promise<NodeInspection>;
  countStale(request: { readonly node: NodeId }): Promise<number>;
  /** May what is on a strange node's disk be deleted? */
  checkRebuild(request: {
    readonly node: NodeId;
    readonly acceptLoss: boolean;
  }): Promise<RebuildCheck>;
  /** Makes the node's copies stale; the epoch from which on they are. */
  disownCopies(request: Origin & { readonly node: NodeId }): Promise<{ readonly epoch: Epoch }>;
  emptyNode(request: { readonly node: NodeId }): Promise<{ readonly deleted: number }>;
  /** Gives an emptied node a new instance id, in the table and on its disk. */
  renameNode(request: Origin & { readonly node: NodeId }): Promise<Verdict>;
  /** At most so many repairs and rebuilds; the next look finds the others. */
  findRepairs(request: { readonly nodesMax: number }): Promise<NeededRepairs>;

  beginAntiEntropy(
    request: Origin & { readonly report: string; readonly physicalUid: PhysicalUid | null },
  ): Promise<{ readonly indexes: readonly PhysicalUid[] }>;
  compareIndex(request: CompareRequest): Promise<AntiEntropyCounts>;
  /** Nodes with something to repair, after copies that are behind were made stale. */
  settleDifferences(request: SettleRequest): Promise<{ readonly nodes: readonly NodeId[] }>;
  finishAntiEntropy(request: SettledReport): Promise<{ readonly outcome: string }>;

  broadcastSettings(input: SettingsInput): Promise<SettingsReport>;
  /** Compares without sending anything; the nodes that differ are noted in the catalogue. */
  checkSettings(request: {
    readonly physicalUid: PhysicalUid | null;
    readonly operation: string;
  }): Promise<SettingsCheckResult>;

  /** The indexes whose documents expire. */
  expiringIndexes(request: { readonly operation: string }): Promise<readonly PhysicalUid[]>;
  sweepIndex(request: SweepRequest): Promise<SweepResult>;

  decideRollover(input: RolloverInput): Promise<RolloverDecision>;
  createNextIndex(input: RolloverStepInput): Promise<void>;
  waitIndexReady(input: RolloverStepInput): Promise<void>;
  flipAliases(input: RolloverStepInput): Promise<void>;
  /** Before the flip only: deletes the index that `createNextIndex` made, if it made one. */
  dropNextIndex(input: RolloverStepInput): Promise<void>;
  retainIndexes(input: RolloverStepInput): Promise<{ readonly deleted: readonly IndexUid[] }>;

  runCanary(input: CanaryInput): Promise<CanaryReport>;

  /** Reads an archive once and says what importing it would do. */
  inspectArchive(ref: ImportRef): Promise<InspectResult>;
  createImported(request: ImportStepRequest): Promise<void>;
  importDocuments(request: ImportRequest): Promise<ImportStep>;
  finishImport(
    request: ImportStepRequest,
  ): Promise<{ readonly keys: number; readonly policies: number }>;
  /** Deletes the indexes that an import made. */
  dropImported(request: ImportStepRequest): Promise<void>;

  startArchive(request: { readonly taskUid: number | null }): Promise<ArchiveStart>;
  /** Returns when every task up to the point is over. */
  awaitTasks(request: { readonly upTo: number; readonly own: number | null }): Promise<void>;
  /** Null: the index was deleted meanwhile. */
  writeIndexParts(request: {
    readonly ref: PartsRef;
    readonly ordinal: number;
    readonly index: ArchiveTarget;
    readonly before: number;
  }): Promise<WrittenIndex | null>;
  dropParts(ref: PartsRef): Promise<void>;
  assembleDump(request: {
    readonly ref: PartsRef;
    readonly file: string;
    readonly startedAt: string;
    readonly indexes: readonly WrittenIndex[];
  }): Promise<{ readonly bytes: number }>;
  /** Which indexes an export sends; refused where a filter is wrong, before anything is sent. */
  planExport(request: {
    readonly taskUid: number;
  }): Promise<{ readonly targets: readonly ExportTarget[] }>;
  inspectRemote(request: ExportRequest): Promise<{ readonly exists: boolean }>;
  /** Null: the index was deleted meanwhile. */
  exportIndex(
    request: ExportRequest & {
      readonly exists: boolean;
      readonly before: number;
      readonly runKey: string;
    },
  ): Promise<ExportedIndex>;
  noteExported(request: {
    readonly taskUid: number;
    readonly sent: readonly SentIndex[];
  }): Promise<void>;
  beginTask(request: { readonly taskUid: number }): Promise<void>;
  endTask(request: EndTaskRequest): Promise<void>;

  writeManifest(request: {
    readonly ref: PartsRef;
    readonly start: ArchiveStart;
    readonly indexes: readonly WrittenIndex[];
  }): Promise<void>;
  retainBackups(request: {
    readonly keep: number;
    readonly keepMs?: number | null;
  }): Promise<readonly string[]>;
  newestBackup(request: Origin): Promise<string | null>;
  /** What of a backup is missing, one sentence each. */
  checkBackup(request: { readonly id: string }): Promise<readonly string[]>;
  compareRestored(request: CompareRestoredRequest): Promise<readonly string[]>;
  dropScratch(
    request: Origin & { readonly prefix: string; readonly plan: ImportPlan | null },
  ): Promise<void>;
  recordDrill(request: DrillRecordRequest): Promise<void>;

  /** The view of a run; a final one is never replaced by an unfinished one of the same run. */
  writeView(view: OperationView): Promise<void>;
}
