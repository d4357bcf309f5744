/**
 * The whole configuration of one process of Miroir, checked and complete: no member is optional and
 * nothing reads the environment after it was loaded. `config/table.ts` says where each value comes
 * from and what it is when nobody sets it.
 */

import type {
  AntiEntropyConfig,
  DiskConfig,
  HealthConfig,
  MetaConfig,
  RepairConfig,
  SloConfig,
  WaitAof,
} from './failure-config';

/** One node that the fleet starts with. Later nodes are added through the API. */
export interface BootstrapNode {
  readonly id: string;
  readonly url: string;
  /** Replica group, `0 … groups-1`. */
  readonly group: number;
  readonly zone: string | null;
  /** Relative capacity; 1 by default. */
  readonly weight: number;
}

export interface ApiConfig {
  readonly host: string;
  /** 0 lets the operating system choose. */
  readonly port: number;
  /** The clients' master key. `null`: no authorisation, as a Meilisearch without a master key. */
  readonly masterKey: string | null;
  /** The operators' key for `/_miroir/*`. */
  readonly adminKey: string;
  readonly bodyLimitBytes: number;
  /** A connection is closed when the head of its request is not there after this time. */
  readonly headersTimeoutMs: number;
  /** The same for the whole of a request. */
  readonly uploadTimeoutMs: number;
  /** Connections at once; more are closed as they come. */
  readonly connectionsMax: number;
  /** Document bodies beyond it wait in a temporary file, not in memory. */
  readonly spoolBytes: number;
  /** The longest a request may take; barriers wait this long after the last acknowledgement. */
  readonly requestDeadlineMs: number;
}

export interface RedisConfig {
  readonly url: string;
  /** Every key begins with it; several fleets may share one Redis. */
  readonly prefix: string;
  /** Whether a change of the fleet waits for the append-only file, and whose. */
  readonly waitAof: WaitAof;
  readonly waitAofMs: number;
}

export interface TemporalConfig {
  /** `host:port`. */
  readonly address: string;
  readonly namespace: string;
  readonly taskQueue: string;
  /** Where a person sees the runs; only for links. */
  readonly uiUrl: string | null;
}

export interface NodesConfig {
  /** The nodes' master key: it makes node keys and is used for nothing else. */
  readonly key: string;
  /** Deadline of one call to a node. */
  readonly deadlineMs: number;
  readonly bootstrap: readonly BootstrapNode[];
  /** Run by the worker with `sh -c` to restart a node in a rolling upgrade; `null`: operators do it. */
  readonly restartCommand: string | null;
}

export interface FleetConfig {
  /** Shards of a new index, a power of two. */
  readonly shards: number;
  /** Copies of each shard within one group. */
  readonly replicationFactor: number;
  readonly groups: number;
}

export interface PodsConfig {
  /** A pod that did not renew for this long may serve no more. */
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

export type WriteQuorum = 'one' | 'majority';

export interface WritesConfig {
  /** How long a write waits for a fence before it is answered 503. */
  readonly fenceMaxMs: number;
  readonly minInSync: number;
  readonly writeQuorum: WriteQuorum;
  readonly writerLeaseMs: number;
  /** Writes of one index that a pod has sent and not committed. */
  readonly inFlightMax: number;
  /** The shortest a pod keeps an index's writer lease, so that two pods alternate batches. */
  readonly writerHoldMs: number;
}

export type OnMissingShard = 'partial' | 'error';

export interface SearchConfig {
  readonly onMissingShard: OnMissingShard;
  /** Whether a part that its node is slow to answer is asked of other replicas, too. */
  readonly hedge: boolean;
  /** Of a hundred parts at most so many. */
  readonly hedgePercent: number;
  readonly hedgeMinMs: number;
  /** A search joins an equal one that began at most so long ago; 0: never. */
  readonly coalesceMs: number;
}

export interface SettingsConfig {
  /** How long a request waits for the settings version that it asks for. */
  readonly waitMs: number;
  /** How often the settings on the nodes are compared with the catalogue's; `null`: never. */
  readonly checkIntervalMs: number | null;
  /** Whether that comparison also repairs what it finds. */
  readonly repairDrift: boolean;
}

export interface CanariesConfig {
  /** Of a thousand searches so many are kept to make canaries of; 0: none. */
  readonly capturePerMille: number;
  /** How long a kept search stays. */
  readonly captureKeepMs: number;
}

export interface TtlConfig {
  /** How often expired documents are deleted; `null`: never by itself. */
  readonly sweepIntervalMs: number | null;
  /** One write deletes about so many. */
  readonly batchDocuments: number;
  /** A sweep of one index ends after so many; the next goes on. */
  readonly documentsMaxPerSweep: number;
  /** `null`: not throttled. */
  readonly documentsPerSecond: number | null;
}

export interface SyncConfig {
  /** How long the source of a move is kept in step after the cut-over. */
  readonly graceMs: number;
  /** A source that does not answer for so long is replaced by another in-sync copy. */
  readonly sourceGraceMs: number;
  /** A target, or the last copy of a shard, is waited for so long; then the sync is undone. */
  readonly awayMaxMs: number;
  readonly rangeDocumentsMax: number;
  readonly parallelSyncs: number;
  /** `null`: not throttled. */
  readonly documentsPerSecond: number | null;
  /** A catch-up round of at most so many ids is small enough to join after. */
  readonly smallRoundIds: number;
  /** Added to the longest request deadline in a barrier, for clocks that differ. */
  readonly barrierExtraMs: number;
}

export interface WorkerConfig {
  /** An activity that sent no heartbeat for so long is given to another worker. */
  readonly heartbeatMs: number;
  /** How long Temporal waits for a worker's sticky queue before another worker may go on. */
  readonly stickyMs: number;
  /** Names the build; it stands in the worker's identity and in the histories. */
  readonly buildId: string | null;
  /** Where canaries send their searches; `null`: where an api on this machine would listen. */
  readonly apiUrl: string | null;
  /** The key they search with; `null`: the master key. */
  readonly canaryKey: string | null;
  /** The key that imports and restores write with; `null`: the master key. */
  readonly apiKey: string | null;
}

export interface DumpsConfig {
  /** A directory, or `s3://bucket/prefix`; `null`: no dumps and no imports. */
  readonly location: string | null;
  /** Where documents are sorted; `null`: the system's directory for temporary files. */
  readonly scratch: string | null;
  /** Documents, and bytes, that an import sends in one write. */
  readonly batchDocuments: number;
  readonly batchBytes: number;
  /** An import stops and asks when more documents were set aside. */
  readonly rejectedMax: number;
}

export interface BackupsConfig {
  /** A directory, or `s3://bucket/prefix`; `null`: no backups. */
  readonly location: string | null;
  /** `null`: only when somebody asks for one. */
  readonly everyMs: number | null;
  readonly keep: number;
  /** A backup younger than this is never deleted by itself; `null`: `keep` alone decides. */
  readonly keepMs: number | null;
  /** How often the newest backup is restored for proof; `null`: only when somebody asks. */
  readonly drillEveryMs: number | null;
}

/** Sending indexes to another Meilisearch. */
export interface ExportConfig {
  readonly enabled: boolean;
  /** Uncompressed bytes of documents in one request, where the client names none. */
  readonly payloadBytes: number;
  /** An export fails when the other side has not taken a request for so long. */
  readonly giveUpMs: number;
}

/** Storage of another maker than Amazon. Credentials come from `AWS_*` and the vendor's own chain. */
export interface S3Config {
  readonly endpoint: string | null;
  readonly region: string;
  readonly pathStyle: boolean;
}

/** What urls that a person can set may point at, beyond public addresses. */
export interface OutboundConfig {
  readonly allowLoopback: boolean;
  readonly allowPrivate: boolean;
}

export type LogLevel = 'silent' | 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace';

export interface LogConfig {
  readonly level: LogLevel;
}

export interface Config {
  readonly api: ApiConfig;
  readonly redis: RedisConfig;
  readonly temporal: TemporalConfig;
  readonly nodes: NodesConfig;
  readonly fleet: FleetConfig;
  readonly pods: PodsConfig;
  readonly writes: WritesConfig;
  readonly search: SearchConfig;
  readonly settings: SettingsConfig;
  readonly ttl: TtlConfig;
  readonly canaries: CanariesConfig;
  readonly sync: SyncConfig;
  readonly worker: WorkerConfig;
  readonly dumps: DumpsConfig;
  readonly backups: BackupsConfig;
  readonly export: ExportConfig;
  readonly s3: S3Config;
  readonly outbound: OutboundConfig;
  readonly health: HealthConfig;
  readonly repair: RepairConfig;
  readonly antiEntropy: AntiEntropyConfig;
  readonly slo: SloConfig;
  readonly disk: DiskConfig;
  readonly meta: MetaConfig;
  readonly log: LogConfig;
}
