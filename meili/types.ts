import type { FleetNode, JsonValue } from '../core/fleet';
import type { NodeId, NodeTaskUid, PhysicalUid } from '../core/ids';

/** Headers as they came: lower-case names; a repeated header is a list. */
export type NodeHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface RawAnswer {
  readonly status: number;
  readonly bytes: Buffer;
  readonly headers: NodeHeaders;
}

/** What every call accepts. */
export interface CallOptions {
  /** Milliseconds from now; checked again right before sending. At most `nodeDeadlineMsMax`. */
  readonly deadlineMs?: number;
  readonly signal?: AbortSignal;
}

/** Makes the bytes of a body piece by piece; called anew for each time that it is sent. */
export type BodyStream = () => AsyncIterable<Uint8Array>;

export interface RawRequest extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  /** Begins with `/`; may carry a query string. */
  readonly path: string;
  /** An object is sent as JSON; bytes and text are sent as they are, a stream without its length. */
  readonly body?: Uint8Array | string | object | BodyStream;
  /** `application/json` unless said otherwise. */
  readonly contentType?: string;
}

export interface WriteOptions extends CallOptions {
  readonly customMetadata?: string;
}

export interface AddDocumentsOptions extends WriteOptions {
  readonly primaryKey?: string | null;
  /** Ignore documents whose id is not there yet. */
  readonly skipCreation?: boolean;
  /** `application/json` unless said otherwise. */
  readonly contentType?: string;
}

export type NodeTaskStatus = 'enqueued' | 'processing' | 'succeeded' | 'failed' | 'canceled';

export interface NodeTaskError {
  readonly message: string;
  readonly code: string;
  readonly type: string;
  readonly link: string;
}

/** A node's task as the node shows it. */
export interface NodeTask {
  readonly uid: NodeTaskUid;
  readonly batchUid: number | null;
  readonly indexUid: string | null;
  readonly status: NodeTaskStatus;
  readonly type: string;
  readonly canceledBy: number | null;
  readonly details: { readonly [member: string]: JsonValue } | null;
  readonly error: NodeTaskError | null;
  readonly duration: string | null;
  readonly enqueuedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly customMetadata?: string;
}

export interface NodeTaskQuery extends CallOptions {
  readonly uids?: readonly NodeTaskUid[];
  readonly indexUids?: readonly string[];
  readonly statuses?: readonly NodeTaskStatus[];
  readonly types?: readonly string[];
  readonly limit?: number;
  readonly from?: number;
}

export interface NodeTaskPage {
  readonly results: readonly NodeTask[];
  readonly total: number;
  /** `from` of the next page. */
  readonly next: number | null;
}

export interface NodeIndex {
  readonly uid: PhysicalUid;
  readonly primaryKey: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface NodeIndexStats {
  readonly numberOfDocuments: number;
  readonly rawDocumentDbSize: number;
  readonly avgDocumentSize: number;
  readonly isIndexing: boolean;
  readonly numberOfEmbeddings: number;
  readonly numberOfEmbeddedDocuments: number;
  readonly fieldDistribution: { readonly [field: string]: number };
}

export interface NodeStats {
  readonly databaseSize: number;
  readonly usedDatabaseSize: number;
  readonly lastUpdate: string | null;
  readonly indexes: { readonly [uid: string]: NodeIndexStats };
}

export interface NodeVersion {
  readonly commitSha: string;
  readonly commitDate: string;
  readonly pkgVersion: string;
}

/**
 * One node, over HTTP. `request` and `search` give any status back (a client's bad query is an answer,
 * not a fault of the node); every other method throws a `NodeError` of code `node_refused` on a status
 * of 400 or more, but for those that answer `null` on 404. All of them throw the other codes of
 * `NodeErrorCode`; `outcomeUnknown` then says whether the node may have taken the request.
 */
export interface NodeClient {
  readonly url: string;
  request(request: RawRequest): Promise<RawAnswer>;
  search(uid: PhysicalUid, body: object, options?: CallOptions): Promise<RawAnswer>;
  fetchDocuments(uid: PhysicalUid, body: object, options?: CallOptions): Promise<RawAnswer>;
  addDocuments(
    uid: PhysicalUid,
    method: 'POST' | 'PUT',
    payload: Uint8Array | BodyStream,
    options?: AddDocumentsOptions,
  ): Promise<NodeTaskUid>;
  deleteDocuments(
    uid: PhysicalUid,
    ids: readonly string[],
    options?: WriteOptions,
  ): Promise<NodeTaskUid>;
  deleteByFilter(uid: PhysicalUid, filter: JsonValue, options?: WriteOptions): Promise<NodeTaskUid>;
  deleteAll(uid: PhysicalUid, options?: WriteOptions): Promise<NodeTaskUid>;
  editDocuments(uid: PhysicalUid, body: object, options?: WriteOptions): Promise<NodeTaskUid>;
  createIndex(
    uid: PhysicalUid,
    primaryKey: string | null,
    options?: CallOptions,
  ): Promise<NodeTaskUid>;
  deleteIndex(uid: PhysicalUid, options?: CallOptions): Promise<NodeTaskUid>;
  updateIndexPrimaryKey(
    uid: PhysicalUid,
    primaryKey: string,
    options?: CallOptions,
  ): Promise<NodeTaskUid>;
  /** `null`: the node has no such index. */
  getIndex(uid: PhysicalUid, options?: CallOptions): Promise<NodeIndex | null>;
  updateSettings(uid: PhysicalUid, settings: object, options?: CallOptions): Promise<NodeTaskUid>;
  getSettings(uid: PhysicalUid, options?: CallOptions): Promise<{ [name: string]: JsonValue }>;
  stats(uid: PhysicalUid, options?: CallOptions): Promise<NodeIndexStats>;
  allStats(options?: CallOptions): Promise<NodeStats>;
  /** Resolves when the node says it is available. */
  health(options?: CallOptions): Promise<void>;
  version(options?: CallOptions): Promise<NodeVersion>;
  tasks(query?: NodeTaskQuery): Promise<NodeTaskPage>;
  /** `null`: the node has no such task. */
  task(uid: NodeTaskUid, options?: CallOptions): Promise<NodeTask | null>;
  /** Polls, 5 ms apart at first and 50 ms at last, until the task is final. Never throws for a failed task. */
  waitForTask(uid: NodeTaskUid, options?: CallOptions): Promise<NodeTask>;
  /** Makes the node key of this uid (a uuid) on the node. It is not an error when it is there. */
  createKey(uid: string, options?: CallOptions): Promise<void>;
  /** From its return on, the node admits no request with that key. It is not an error when it is gone. */
  deleteKey(uid: string, options?: CallOptions): Promise<void>;
  enableFeatures(
    features: { readonly [feature: string]: boolean },
    options?: CallOptions,
  ): Promise<void>;
  close(): Promise<void>;
}

export interface NodeClientOptions {
  readonly url: string;
  /** Sent as the bearer token of every request. */
  readonly key: string;
  /** Default deadline of a call, 10 s. */
  readonly deadlineMs?: number;
  /** Connections kept to this node, 64. */
  readonly connections?: number;
  /** An answer beyond this size is refused, 256 MiB. */
  readonly responseBytesMax?: number;
}

export interface NodesOptions {
  /** The nodes' master key. It makes node keys; no other request carries it. */
  readonly masterKey: string;
  /** The uuid of this process's node key; it stands in the pod's record. */
  readonly nodeKeyUid: string;
  readonly deadlineMs?: number;
  readonly connections?: number;
  readonly responseBytesMax?: number;
  /**
   * Asked before a key is made, also again after a 403: `false` when this pod lost its lease, or when
   * the node has yet to say who it is. `path` is that of the request that needs the key.
   */
  readonly mayRecreateKey?: (node: NodeId, path: string) => boolean | Promise<boolean>;
  /** A connection was closed by the node's side: the node may have restarted, with another disk. */
  readonly onConnectionLost?: (node: NodeId) => void;
  /** Asked before a read is sent again on another connection after one was lost. */
  readonly mayResend?: (node: NodeId, path: string) => boolean;
}

/** The clients of all nodes of a fleet, one per node id and url. */
export interface Nodes {
  client(node: Pick<FleetNode, 'id' | 'url'>): NodeClient;
  /** Deletes a node key (a dead pod's, or the own one on leaving) on one node, with the master key. */
  revokeKey(
    node: Pick<FleetNode, 'id' | 'url'>,
    nodeKeyUid: string,
    options?: CallOptions,
  ): Promise<void>;
  close(): Promise<void>;
}
