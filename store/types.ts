import type { AntiEntropyReport } from '../core/anti-entropy';
import type { ArchiveSchedule } from '../core/archives/types';
import type {
  Epoch,
  FleetTaskUid,
  GroupId,
  NodeId,
  PhysicalUid,
  PodId,
  ShardId,
} from '../core/ids';
import type { AliasView } from './alias-view';
import type { AuditLog } from './audit-log';
import type {
  AdminSessionStore,
  ApiKey,
  Canary,
  CanaryRunStore,
  CapturedQuery,
  CdcCursor,
  ExperimentalFeature,
  IdempotencyRecord,
  IndexUpdate,
  JobView,
  LeaseStore,
  NodeSettingsVersionStore,
  Records,
  RestoreDrill,
  RolloverPolicy,
  SealedSecret,
  SearchUiConfig,
  SessionRecord,
  TenantStore,
  TtlSweep,
  Webhook,
} from './record-types';
import type { Attempt, Audit, FleetOp, FleetStore } from './fleet-types';
import type { GovernorStore } from './governor-types';
import type { FigureStore } from './figures';
import type { NodeStores } from './node-stores';
import type { FleetTask, TaskStore } from './task-types';

export type {
  Attempt,
  Audit,
  FleetOp,
  FleetStore,
  IndexMeta,
  PastFleet,
  RestoreRequest,
  TopologyLogEntry,
} from './fleet-types';

export interface Pod {
  readonly id: PodId;
  readonly kind: 'api' | 'worker';
  /** The uid of the key this pod writes to nodes with; deleting it there shuts the pod out. */
  readonly nodeKeyUid: string;
  /** Milliseconds, Redis time. */
  readonly registeredAt: number;
  /** Milliseconds, Redis time. */
  readonly leaseUntil: number;
  /** The lease was not over when the list was read. */
  readonly alive: boolean;
  /** The highest epoch acknowledged, or null before the first heartbeat. */
  readonly acknowledged: Epoch | null;
}

export interface PodStore {
  /** Starts a lease of `podLeaseMs`. The same id again starts over: nothing is acknowledged. */
  register(pod: { id: PodId; kind: 'api' | 'worker'; nodeKeyUid: string }): Promise<void>;
  /** Renews the lease and acknowledges an epoch; `ok: false` when the lease was already over. */
  heartbeat(id: PodId, acknowledged: Epoch): Promise<{ ok: boolean; epoch: Epoch }>;
  /** Called by a pod whose last request has ended, or by whoever settled a dead pod. */
  unregister(id: PodId): Promise<void>;
  /** All registered pods, also dead ones that nobody has unregistered. Sorted by id. */
  list(): Promise<Pod[]>;
  /** Pods that have not acknowledged `epoch` and may still have a request of an older one. */
  lagging(epoch: Epoch): Promise<PodId[]>;
  /**
   * Redis time in milliseconds of the last acknowledgement of `epoch` or a later one; for a pod that
   * never did, the end of its lease. Null while a pod lags, 0 when there is no pod. The barrier of an
   * epoch is over when this plus the longest request deadline is before `time()`.
   */
  lastAcknowledgedAt(epoch: Epoch): Promise<number | null>;
  /** Redis time, milliseconds. */
  time(): Promise<number>;
}

export interface BeginRequest {
  readonly pod: PodId;
  /** Null for tasks of no index: no lease, no fence, no sequences. */
  readonly physicalUid: PhysicalUid | null;
  readonly fence: number | null;
  readonly epoch: Epoch;
  readonly shards: readonly ShardId[] | 'all';
  /** How many sequence numbers to allocate: one for each document. */
  readonly sequences: number;
  /** `<podId>:<n>`, unique for each write; the journals were noted with it. */
  readonly nonce: string;
  readonly task: FleetTaskDraft;
  readonly changes: readonly FleetOp[];
  readonly idempotency?: {
    readonly key: string;
    readonly bodyHash: string;
    readonly ttlMs: number;
  };
  /** For the topology log, when there are changes. */
  readonly audit?: Audit;
}

/** The uid is allocated by the script; the status is stored as `enqueuing`. */
export type FleetTaskDraft = Omit<FleetTask, 'uid' | 'status'>;

export type BeginResult =
  | {
      readonly kind: 'ok';
      readonly taskUid: FleetTaskUid;
      readonly firstSequence: number;
      readonly epoch: Epoch;
    }
  /** Another pod changed the fleet: reload, note the journals anew, begin again. */
  | { readonly kind: 'epoch-moved'; readonly epoch: Epoch }
  /**
   * Begin again after a while with the SAME nonce and do not abandon it: an abandoned note counts as
   * something to copy, so a writer that notes anew at each try would keep the join from ever happening.
   */
  | { readonly kind: 'fenced'; readonly retryMs: number }
  | { readonly kind: 'lease-lost' }
  /** The idempotency key was used with the same body: answer with that task. */
  | { readonly kind: 'repeated'; readonly taskUid: FleetTaskUid }
  | { readonly kind: 'key-reused' }
  /** A touched shard is syncing and the nonce is not pending: note the journals, begin again. */
  | { readonly kind: 'journal-missing' };

export interface CommitRequest {
  /** The holder of the lease now: the writer itself, or whoever settles for it. */
  readonly pod: PodId;
  readonly physicalUid: PhysicalUid | null;
  readonly fence: number | null;
  readonly taskUid: FleetTaskUid;
  readonly nonce: string;
  /** The final form to store. */
  readonly task: FleetTask;
  /**
   * Stored in its place when the last in-sync copy of a shard missed the write: while it was under way
   * the copies that took it have begun to leave or became stale, so nobody will ever read it.
   */
  readonly untaken?: FleetTask;
  readonly stale: readonly {
    readonly group: GroupId;
    readonly shard: ShardId;
    readonly node: NodeId;
  }[];
}

export type CommitResult =
  | { readonly kind: 'ok'; readonly epoch: Epoch }
  | { readonly kind: 'lease-lost' }
  /** Committed as `untaken`; of these shards one in-sync replica was left, which missed it. */
  | {
      readonly kind: 'last-in-sync';
      readonly shards: readonly ShardId[];
      readonly epoch: Epoch;
    };

/** A write that began and was not committed. Its owner sends it now, or died while sending. */
export interface OutstandingWrite {
  readonly taskUid: FleetTaskUid;
  readonly pod: PodId;
  readonly fence: number | null;
  readonly nonce: string;
  readonly shards: readonly ShardId[] | 'all';
  readonly epoch: Epoch;
  /** Milliseconds, Redis time. */
  readonly beganAt: number;
}

export type AcquireResult =
  | {
      readonly ok: true;
      readonly fence: number;
      /**
       * The pod that held the lease before and did not give it back cleanly: its lease ran out, or
       * it left writes outstanding. Its node key must be deleted before its writes are settled.
       */
      readonly previous: { readonly pod: PodId; readonly fence: number } | null;
    }
  | { readonly ok: false; readonly holder: PodId };

export interface WriterStore {
  /** Refused while another pod holds it; that pod then sees `wanted`. The holder itself prolongs. */
  acquire(physicalUid: PhysicalUid, pod: PodId, leaseMs: number): Promise<AcquireResult>;
  renew(
    physicalUid: PhysicalUid,
    pod: PodId,
    fence: number,
    leaseMs: number,
  ): Promise<{ ok: boolean; wanted: boolean }>;
  release(physicalUid: PhysicalUid, pod: PodId, fence: number): Promise<void>;
  begin(request: BeginRequest): Promise<BeginResult>;
  commit(request: CommitRequest): Promise<CommitResult>;
  /** In the order of their task uids. `null` gives those of tasks of no index. */
  outstanding(physicalUid: PhysicalUid | null): Promise<OutstandingWrite[]>;
  /** Indexes with outstanding writes whose lease nobody holds now: work for a sweeper. */
  unsettled(): Promise<(PhysicalUid | null)[]>;
}

export interface JournalEntry {
  readonly id: string;
  /** Opaque: names the settled writes of this id, to be given back to `cross`. */
  readonly nonce: string;
}

export interface JournalStore {
  /** Before begin. Registers the nonce as pending with the first chunk. */
  note(
    physicalUid: PhysicalUid,
    shards: readonly ShardId[],
    entries: readonly {
      readonly shard: ShardId;
      readonly target: NodeId;
      readonly ids: readonly string[] | 'all';
    }[],
    nonce: string,
  ): Promise<void>;
  /**
   * Ids with at least one write that is settled (committed, or never to begin). Those with pending
   * writes only are left out: they cannot be copied yet. `all` is the same for whole-shard notes.
   */
  read(
    physicalUid: PhysicalUid,
    shard: ShardId,
    target: NodeId,
    limit: number,
  ): Promise<{ ids: JournalEntry[]; all: string | null }>;
  /** Crosses off what `read` returned. Writes noted since then, or pending, keep the id. */
  cross(
    physicalUid: PhysicalUid,
    shard: ShardId,
    target: NodeId,
    entries: readonly JournalEntry[],
    all?: string,
  ): Promise<void>;
  /** Ids in the journal, pending ones included; a whole-shard note counts as one. */
  size(physicalUid: PhysicalUid, shard: ShardId, target: NodeId): Promise<number>;
  /** Nonces noted and not committed or abandoned. */
  pending(physicalUid: PhysicalUid): Promise<string[]>;
  /**
   * Gives up a nonce that never began: by its writer when it gives up the write, or for a dead pod.
   * Its ids are then copied like those of a settled write. False, and nothing done, when it had begun.
   */
  abandon(physicalUid: PhysicalUid, nonce: string): Promise<boolean>;
  drop(physicalUid: PhysicalUid, shard: ShardId, target: NodeId): Promise<void>;
}

export interface FenceStore {
  /** All shards or none. False when another token holds one of them. The same token prolongs. */
  raise(
    physicalUid: PhysicalUid,
    shards: readonly ShardId[],
    token: string,
    ttlMs: number,
  ): Promise<boolean>;
  lower(physicalUid: PhysicalUid, token: string): Promise<void>;
  /** All shards raised with this token are still fenced by it. */
  held(physicalUid: PhysicalUid, token: string): Promise<boolean>;
}

export interface AttemptStore {
  /**
   * Takes the next number of a run; from now on older numbers may send nothing more. Null: an attempt
   * that was scheduled later (milliseconds by the server's clock) has one, so this one is over.
   */
  nextAttempt(runKey: string, scheduledAt: number): Promise<number | null>;
  isCurrent(runKey: string, attempt: number): Promise<boolean>;
}

export interface JoinRequest {
  readonly fenceToken: string;
  readonly attempt: Attempt;
  readonly epoch: Epoch;
  /** Every `set-replicas` with a `joined` replica must have an empty journal for it. */
  readonly changes: readonly FleetOp[];
  readonly audit: Audit;
}

export type JoinResult =
  | { readonly kind: 'ok'; readonly epoch: Epoch }
  | {
      readonly kind: 'no';
      readonly reason: 'fence-lost' | 'attempt-old' | 'epoch-moved' | 'outstanding' | 'journal';
    };

export interface ReshardRequest {
  readonly fenceToken: string;
  /** Shards `0 … fenced - 1` are fenced: those of the old and of the new numbering. */
  readonly fenced: number;
  readonly epoch: Epoch;
  readonly changes: readonly FleetOp[];
  readonly audit: Audit;
}

export interface Store extends NodeStores {
  readonly fleet: FleetStore;
  readonly governor: GovernorStore;
  readonly pods: PodStore;
  readonly writers: WriterStore;
  readonly journals: JournalStore;
  readonly fences: FenceStore;
  readonly attempts: AttemptStore;
  /** Makes targets `joined` under a fence; every condition and the change are one atomic step. */
  join(physicalUid: PhysicalUid, request: JoinRequest): Promise<JoinResult>;
  /** Gives an index another number of shards; every condition and the change are one atomic step. */
  reshard(physicalUid: PhysicalUid, request: ReshardRequest): Promise<JoinResult>;
  readonly tasks: TaskStore;
  readonly aliases: AliasView;
  readonly jobs: Records<JobView>;
  readonly sessions: Records<SessionRecord>;
  readonly idempotency: Records<IdempotencyRecord>;
  readonly leases: LeaseStore;
  readonly canaries: Records<Canary>;
  readonly canaryRuns: CanaryRunStore;
  readonly cdcCursors: Records<CdcCursor>;
  readonly tenants: TenantStore;
  readonly rolloverPolicies: Records<RolloverPolicy>;
  readonly searchUiConfigs: Records<SearchUiConfig>;
  readonly adminSessions: AdminSessionStore;
  readonly nodeSettingsVersions: NodeSettingsVersionStore;
  readonly apiKeys: Records<ApiKey>;
  readonly webhooks: Records<Webhook>;
  readonly experimentalFeatures: Records<ExperimentalFeature>;
  readonly indexUpdates: Records<IndexUpdate>;
  readonly secrets: Records<SealedSecret>;
  readonly audit: AuditLog;
  readonly ttlSweeps: Records<TtlSweep>;
  readonly antiEntropyReports: Records<AntiEntropyReport>;
  readonly restoreDrills: Records<RestoreDrill>;
  readonly figures: FigureStore;
  readonly capturedQueries: Records<CapturedQuery>;
  readonly archiveSchedules: Records<ArchiveSchedule>;
  /** Ends the subscriptions this store made. The connections given to it are the caller's to end. */
  close(): Promise<void>;
}

export { StoreError } from './store-error';
