import type { JsonValue } from '../core/fleet';
import type { Epoch, FleetTaskUid, GroupId, IndexUid, NodeId, PhysicalUid } from '../core/ids';

type JsonObject = { readonly [member: string]: JsonValue };

/** What every kind of record can do. `list` is in the order of ids, or of expiry where it expires. */
export interface Records<T> {
  /** False, and nothing stored, when there is one of that id. */
  create(record: T): Promise<boolean>;
  get(id: string): Promise<T | null>;
  /** Creates or replaces. */
  put(record: T): Promise<void>;
  /** Compare-and-set loop; `change` must be pure. Null when there is none, or when it gives null. */
  update(id: string, change: (record: T) => T | null): Promise<T | null>;
  list(page?: { readonly offset?: number; readonly limit?: number }): Promise<T[]>;
  count(): Promise<number>;
  delete(id: string): Promise<boolean>;
}

/** Somebody else's secret, which an operation needs; only the fleet's processes can open it. */
export interface SealedSecret {
  readonly id: string;
  readonly sealed: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** A view of one workflow run, written by its activities, so that it can be served without Temporal. */
export interface JobView {
  readonly id: string;
  readonly kind: string;
  readonly status:
    'planned' | 'waiting-approval' | 'running' | 'paused' | 'succeeded' | 'failed' | 'canceled';
  readonly phase: string;
  readonly index?: string;
  readonly nodes?: readonly string[];
  readonly plan?: JsonValue;
  readonly progress: {
    readonly done: number;
    readonly total: number;
    readonly documentsCopied: number;
    readonly [member: string]: JsonValue;
  };
  /** RFC 3339. */
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly finishedAt?: string;
  readonly error?: JsonValue;
  readonly temporal: { readonly workflowId: string; readonly runId: string };
  readonly who: string;
  readonly why: string;
}

/** A client's session: reads see at least its own writes. */
export interface SessionRecord {
  readonly id: string;
  /** Index → the newest write of this session. */
  readonly writes: { readonly [indexUid: string]: FleetTaskUid };
  readonly pinnedGroup: GroupId | null;
  readonly epoch: Epoch;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface IdempotencyRecord {
  readonly key: string;
  readonly bodyHash: string;
  readonly taskUid: FleetTaskUid;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Rises by one with each new holder and never falls, also after the lease ran out. */
  readonly fence: number;
  /** Milliseconds, Redis time. */
  readonly until: number;
}

export interface LeaseStore {
  /** Null when another holds it. The holder itself gets its lease prolonged under the same fence. */
  acquire(name: string, holder: string, ttlMs: number): Promise<Lease | null>;
  renew(lease: Lease, ttlMs: number): Promise<Lease | null>;
  release(lease: Lease): Promise<boolean>;
  get(name: string): Promise<Lease | null>;
  /** Is this lease, with its fence, still the one in force? */
  holds(lease: Lease): Promise<boolean>;
  list(): Promise<Lease[]>;
}

/** A golden query with what its answer must fulfil. */
export interface Canary {
  readonly id: string;
  readonly index: IndexUid;
  readonly enabled: boolean;
  readonly query: JsonObject;
  /** Members as in the API: top_hit_id, top_k_contains, min_hits, max_p95_ms, … */
  readonly assertions: readonly JsonObject[];
  readonly intervalMs: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface CanaryRun {
  readonly canaryId: string;
  /** Milliseconds since 1970; runs of one canary have different times. */
  readonly at: number;
  readonly ok: boolean;
  readonly failures: readonly string[];
  readonly latencyMs: number;
  /** What the search answered; absent when there was no answer to judge. */
  readonly observed?: CanaryObserved;
}

export interface CanaryObserved {
  /** The first hits, in order. */
  readonly ids: readonly string[];
  readonly total: number;
  readonly settingsVersion: number | null;
}

/** A search that a client made, kept to make a canary of: its body and its answer, no key and no header. */
export interface CapturedQuery {
  /** A hash of index and body: the same search is kept once. */
  readonly id: string;
  readonly index: IndexUid;
  readonly query: JsonObject;
  /** The first hits of the newest answer, in order. */
  readonly ids: readonly string[];
  readonly total: number;
  /** How often it was sampled. */
  readonly seen: number;
  /** RFC 3339. */
  readonly at: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface CanaryRunStore {
  /** Keeps the newest `canaryRunsMax` runs of its canary. */
  add(run: CanaryRun): Promise<void>;
  get(canaryId: string, at: number): Promise<CanaryRun | null>;
  /** Replaces the run of the same canary and time. False when there is none. */
  update(run: CanaryRun): Promise<boolean>;
  /** Newest first. */
  list(canaryId: string, limit: number): Promise<CanaryRun[]>;
  /** Removes all runs of a canary; returns how many. */
  delete(canaryId: string): Promise<number>;
}

/** How far a sink has got in the changes of one index. */
export interface CdcCursor {
  readonly sink: string;
  readonly index: IndexUid;
  readonly eventId: string;
  readonly updatedAt: string;
}

export interface Tenant {
  /** Hex sha256 of the tenant's key. The key itself is never stored. */
  readonly keyHash: string;
  readonly name: string;
  readonly group: GroupId | null;
  readonly limits: JsonObject;
  readonly createdAt: string;
}

export interface TenantStore extends Records<Tenant> {
  /** By the key as the client sent it. */
  byKey(key: string): Promise<Tenant | null>;
}

export interface RolloverPolicy {
  readonly name: string;
  /** Rises with each change; a run works with the version it began with. */
  readonly version: number;
  readonly enabled: boolean;
  readonly writeAlias: IndexUid;
  readonly readAlias: IndexUid | null;
  readonly pattern: string;
  readonly triggers: JsonObject;
  readonly retention: JsonObject;
  readonly template: JsonObject;
  readonly updatedAt: string;
  /** Why it is paused, as the operator said. */
  readonly pauseNote?: string;
  /** Versions before this one, newest last and bounded: a run finishes with the one it began with. */
  readonly earlier?: readonly RolloverTerms[];
}

/** What of a policy a run works by. */
export type RolloverTerms = Pick<
  RolloverPolicy,
  'version' | 'writeAlias' | 'readAlias' | 'pattern' | 'triggers' | 'retention' | 'template'
>;

export interface SearchUiConfig {
  readonly index: IndexUid;
  readonly config: JsonObject;
  readonly updatedAt: string;
}

/** Who is told of finished tasks, as the client set it. */
export interface Webhook {
  readonly uuid: string;
  readonly url: string;
  /** Sent with each delivery; they may hold secrets. */
  readonly headers: { readonly [name: string]: string };
}

export interface ExperimentalFeature {
  /** As Meilisearch names it in its routes. */
  readonly name: string;
  readonly enabled: boolean;
}

/** What came of restoring a backup for proof; the id is the backup's. */
export interface RestoreDrill {
  readonly id: string;
  /** RFC 3339: when it ended. */
  readonly at: string;
  readonly ok: boolean;
  readonly failures: readonly string[];
  readonly documents: number;
  readonly seconds: number;
}

export interface IndexUpdate {
  readonly physicalUid: PhysicalUid;
  /** RFC 3339: when the last task that changed the index ended. */
  readonly updatedAt: string;
}

export interface AdminSession {
  /** Hex sha256 of the cookie's value. */
  readonly id: string;
  readonly csrf: string;
  readonly address: string;
  readonly createdAt: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

export interface AdminSessionStore extends Records<AdminSession> {
  /** Deletes it and tells every pod at once. */
  revoke(id: string): Promise<boolean>;
  watchRevoked(listener: (id: string) => void): () => void;
}

/** What the sweeps of expired documents did in one index. */
export interface TtlSweep {
  readonly physicalUid: PhysicalUid;
  /** RFC 3339: when the last sweep ended. */
  readonly at: string;
  /** Documents that the last sweep deleted, and how long it took in milliseconds. */
  readonly deleted: number;
  readonly durationMs: number;
  /** Documents that all sweeps deleted. */
  readonly deletedTotal: number;
  /** Expired documents that were left for the next sweep, because of the bound of one. */
  readonly left: number;
}

/** Which settings a node was last known to have for one index. */
export interface NodeSettingsVersion {
  readonly physicalUid: PhysicalUid;
  readonly node: NodeId;
  readonly settingsVersion: number;
  readonly settingsHash: string;
  readonly appliedAt: string;
}

export interface NodeSettingsVersionStore extends Records<NodeSettingsVersion> {
  of(physicalUid: PhysicalUid, node: NodeId): Promise<NodeSettingsVersion | null>;
  ofIndex(physicalUid: PhysicalUid): Promise<NodeSettingsVersion[]>;
}

/** A key of Miroir's own, with the members of the engine's key. The key text is derived, not stored. */
export interface ApiKey {
  readonly uid: string;
  readonly name: string | null;
  readonly description: string | null;
  readonly actions: readonly string[];
  readonly indexes: readonly string[];
  readonly expiresAt: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}
