import type { NodeId, PhysicalUid, PodId, ShardId } from '../core/ids';

/**
 * Every key and channel in Redis. All keys carry one hash tag, the prefix in braces, so that a script
 * may touch any of them: a Redis Cluster gives fail-over then, not capacity.
 *
 * Physical uids, shards and node ids have no `:`, so no two of these shapes can give one key.
 */
export interface Keys {
  readonly tag: string;
  /** String: the epoch. Its absence is epoch 0. */
  readonly epoch: string;
  /** List, newest first, bounded: the topology log. */
  readonly topologyLog: string;
  /** Stream, bounded: what operators did. */
  readonly auditLog: string;
  /** Hashes of JSON: node id, index uid, alias name. */
  readonly nodes: string;
  readonly indexes: string;
  readonly aliases: string;
  /** Hash: `<group>:<shard>` → `node:state,node:state`, and `groups` → `0,1`. */
  placement(physicalUid: PhysicalUid): string;
  /** Channel: each new epoch. */
  readonly epochChannel: string;
  /** Hash: node id → the newest task of its disk that anybody has seen. */
  readonly nodeMarks: string;
  /** Hash: node id → what was last seen of its room. */
  readonly nodeDisks: string;
  /** Hash: pod id → what its clients got in its last window. */
  readonly podFigures: string;
  /** String: what the guard of the service level has done to an operation. */
  guardState(operation: string): string;
  /** List, oldest first, bounded, expires. */
  operationEvents(operation: string): string;
  /** String: what an activity told under this name, as JSON. Expires. */
  told(name: string): string;
  /** Hash: index uid → how often a sync of it went on from other copies. */
  readonly sourceChanges: string;

  /** Hash: pod id → `<registeredAt> <JSON>`. */
  readonly pods: string;
  /** Sorted set: pod id by the end of its lease. */
  readonly podLeases: string;
  /** Sorted set: `<epoch>:<at>` by epoch, bounded. */
  podAcknowledgements(pod: PodId): string;

  /** Hash: pod, fence, until, wanted. The fence outlives every holder. */
  writer(physicalUid: PhysicalUid): string;
  /** String: the next sequence number of an index. */
  sequence(physicalUid: PhysicalUid): string;
  /** Hash: task uid → `<beganAt> <JSON>`. Tasks of no index share the one of the empty uid. */
  outstanding(physicalUid: PhysicalUid | null): string;
  /** Set: physical uids with outstanding writes; the empty uid stands for tasks of no index. */
  readonly unsettled: string;
  /** Hash: nonce → `,shard:target,` pairs noted; `<taskUid> <firstSequence> <epoch>` when begun. */
  pending(physicalUid: PhysicalUid | null): string;
  /** Hash: document id → tokens; `*` for whole-shard notes. No document id has a `*`. */
  journal(physicalUid: PhysicalUid, shard: ShardId, target: NodeId): string;
  /** String: how many markers journals ever got. */
  readonly journalMarkers: string;
  /** Hash: shard → `<token>|<until>|<raise>`. */
  fences(physicalUid: PhysicalUid): string;
  /** String: how many fences were ever raised. */
  readonly fenceRaises: string;
  attempt(runKey: string): string;
  /** String: when the attempt with the newest number was scheduled, ms. */
  attemptScheduled(runKey: string): string;
  /** Hash: group → the operation that has it to itself. */
  readonly claims: string;
  /** Sorted set: waiting operations by ticket; hash: what each wants, `0,1`; string: the last ticket. */
  readonly claimQueue: string;
  readonly claimWanted: string;
  readonly claimTickets: string;

  /** String: the next task uid. */
  readonly nextTaskUid: string;
  /** JSON without the uid. */
  task(uid: number | string): string;
  /** Sorted sets of task uids: without, and with, a final status. */
  readonly openTasks: string;
  readonly finishedTasks: string;
  /** Hash: task uid → what filters look at. */
  readonly taskSummaries: string;

  record(kind: RecordKind, id: string): string;
  /** Sorted set: ids by expiry, 0 for records that stay. */
  recordIndex(kind: RecordKind): string;
  canaryRuns(canaryId: string): string;
  lease(name: string): string;
  leaseFence(name: string): string;
  /** Channel: ids of admin sessions that end now. */
  readonly adminSessionRevokedChannel: string;
}

/** Kinds kept as one JSON string a record. The others have their own shapes above. */
export type RecordKind =
  | 'node-settings-version'
  | 'session'
  | 'idempotency'
  | 'job'
  | 'lease'
  | 'canary'
  | 'cdc-cursor'
  | 'tenant'
  | 'rollover-policy'
  | 'search-ui-config'
  | 'admin-session'
  | 'api-key'
  | 'webhook'
  | 'experimental-feature'
  | 'index-update'
  | 'secret'
  | 'ttl-sweep'
  | 'anti-entropy-report'
  | 'restore-drill'
  | 'captured-query'
  | 'archive-schedule';

export function createKeys(prefix: string): Keys {
  if (!/^[A-Za-z0-9_.-]+$/.test(prefix)) {
    throw new RangeError(`The key prefix ${JSON.stringify(prefix)} is not of [A-Za-z0-9_.-]+.`);
  }
  const tag = `{${prefix}}:`;
  const at = (kind: string, id: string | number): string => `${tag}${kind}:${id}`;
  return {
    tag,
    epoch: at('fleet', 'epoch'),
    topologyLog: at('fleet', 'log'),
    auditLog: at('audit', 'log'),
    nodes: at('fleet', 'nodes'),
    indexes: at('fleet', 'indexes'),
    aliases: at('fleet', 'aliases'),
    placement: (physicalUid) => at('placement', physicalUid),
    epochChannel: at('channel', 'epoch'),
    nodeMarks: at('node-index', 'marks'),
    nodeDisks: at('node-index', 'disks'),
    podFigures: at('pod', 'figures'),
    guardState: (operation) => at('guard-state', operation),
    told: (name) => at('told', name),
    sourceChanges: at('sync', 'source-changes'),
    operationEvents: (operation) => at('operation-events', operation),
    pods: at('pod', 'all'),
    podLeases: at('pod', 'leases'),
    podAcknowledgements: (pod) => at('pod-acknowledgements', pod),
    writer: (physicalUid) => at('writer', physicalUid),
    sequence: (physicalUid) => at('sequence', physicalUid),
    outstanding: (physicalUid) => at('outstanding', physicalUid ?? ''),
    unsettled: at('writer-index', 'unsettled'),
    pending: (physicalUid) => at('pending', physicalUid ?? ''),
    journal: (physicalUid, shard, target) => at('journal', `${physicalUid}:${shard}:${target}`),
    journalMarkers: at('journal-index', 'markers'),
    fences: (physicalUid) => at('fence', physicalUid),
    fenceRaises: at('fence-index', 'raises'),
    attempt: (runKey) => at('attempt', runKey),
    attemptScheduled: (runKey) => at('attempt-scheduled', runKey),
    claims: at('claim', 'groups'),
    claimQueue: at('claim', 'queue'),
    claimWanted: at('claim', 'wanted'),
    claimTickets: at('claim', 'tickets'),
    nextTaskUid: at('task-index', 'next'),
    task: (uid) => at('task', uid),
    openTasks: at('task-index', 'open'),
    finishedTasks: at('task-index', 'finished'),
    taskSummaries: at('task-index', 'summaries'),
    record: (kind, id) => at(kind, id),
    recordIndex: (kind) => at('record-index', kind),
    canaryRuns: (canaryId) => at('canary-run', canaryId),
    lease: (name) => at('lease', name),
    leaseFence: (name) => at('lease-fence', name),
    adminSessionRevokedChannel: at('channel', 'admin-session-revoked'),
  };
}
