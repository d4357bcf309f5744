import type { Depot } from '../archives/depot';
import type { FleetNode, IndexEntry } from '../core/fleet';
import type { NodeId, PhysicalUid } from '../core/ids';
import type { NodeClient, Nodes } from '../meili/types';
import type { Store } from '../store/types';
import { refuse } from './errors';

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Rejects with the signal's reason when it is raised before. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

type LogFields = Readonly<Record<string, unknown>>;

/** Names and numbers only: no document and no secret is ever logged. */
export interface Log {
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
}

/** What Temporal knows of runs; claims of closed runs are taken over. */
export interface Runs {
  isOpen(workflowId: string): Promise<boolean>;
}

/** Where canaries search: the whole path through the api is what they check. */
export interface SearchApi {
  readonly url: string;
  readonly key: string | null;
}

/** Where activities write as an operator: expired documents are deleted by ordinary writes. */
export interface OperatorApi {
  readonly url: string;
  readonly adminKey: string;
}

/** Where archives are, and what reading and writing them needs. Null: switched off. */
export interface ArchiveTools {
  readonly dumps: Depot | null;
  readonly backups: Depot | null;
  /** Any other place that an operator names by its url. */
  readonly open: (url: string) => Depot;
  /** On this machine; documents are sorted there. */
  readonly scratchDirectory: string;
  /** A longer document cannot be sent and is set aside. */
  readonly lineBytesMax: number;
}

export interface ActivityConfig {
  /** Longest call to a node; also the longest span between reading a document and sending it. */
  readonly nodeDeadlineMs: number;
  readonly requestDeadlineMs: number;
  readonly barrierExtraMs: number;
  readonly fenceMaxMs: number;
  readonly rangeDocumentsMax: number;
  readonly heartbeatMs: number;
  /** So long a deletion waits for the nodes to keep the fleet's state; null or absent: they keep none. */
  readonly keptWaitMs?: number | null;
  readonly parallelSyncs: number;
  /** So long an export waits for another Meilisearch that does not take what it is sent. */
  readonly exportGiveUpMs: number;
  /** A shell command that restarts the node of `MIROIR_NODE_ID`; null: operators do it. */
  readonly restartCommand: string | null;
  /** What is repaired without being asked; all of it by default. */
  readonly repair?: { readonly automatic: boolean; readonly rebuildNodes: boolean };
  /** Which urls that operators set may be called. */
  readonly outbound: { readonly allowLoopback: boolean; readonly allowPrivate: boolean };
  /** Shards, copies and groups of an index that a rollover makes. */
  readonly fleet: {
    readonly shards: number;
    readonly replicationFactor: number;
    readonly groups: number;
  };
}

/** What every activity gets; made once for each worker. */
export interface ActivityTools {
  readonly nodes: Nodes;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly config: ActivityConfig;
  readonly runs: Runs;
  readonly searchApi: SearchApi | null;
  readonly operatorApi: OperatorApi | null;
  /** The same api, with a key that may write: what imports send goes the way of any client's write. */
  readonly clientApi: SearchApi | null;
  readonly archives: ArchiveTools;
  /** Opens what an api pod sealed; null: it was sealed by another fleet. */
  readonly unseal: (sealed: string) => string | null;
  /** Ends the process at the named phase, in kill tests; does nothing otherwise. */
  readonly failpoint: (phase: string) => Promise<void>;
}

/** One running attempt of an activity, as it is seen by its code. */
export interface Call {
  /** Counts from 1; more than 1 means that another attempt may still be running somewhere. */
  readonly attempt: number;
  /** When the server scheduled this attempt: milliseconds since 1970, by its clock. */
  readonly scheduledAt: number;
  readonly runId: string;
  readonly signal: AbortSignal;
  /** Sets what the heartbeats carry; they are sent by a timer, also while a node is waited for. */
  beat(details: unknown): void;
  /** What the attempt before this one last carried. */
  resumed(): unknown;
}

/** Throws when the operator or the server cancelled the activity. */
export function stopIfCancelled({ signal }: Call): void {
  signal.throwIfAborted();
}

export async function nodeOf(
  { store }: Pick<ActivityTools, 'store'>,
  id: NodeId,
): Promise<FleetNode> {
  const { nodes } = await store.fleet.load();
  const node = nodes.find((one) => one.id === id);
  if (node === undefined) throw refuse('node-unknown', `There is no node ${id} in the fleet.`);
  return node;
}

/** The index as the catalogue has it now; its primary key may have been found since the last look. */
export async function entryOf(
  { store }: Pick<ActivityTools, 'store'>,
  physicalUid: PhysicalUid,
): Promise<IndexEntry> {
  const { indexes } = await store.fleet.load();
  const entry = indexes.find((one) => one.physicalUid === physicalUid);
  if (entry === undefined) throw refuse('index-gone', `The index ${physicalUid} was deleted.`);
  return entry;
}

export async function clientOf(
  tools: Pick<ActivityTools, 'nodes' | 'store'>,
  id: NodeId,
): Promise<NodeClient> {
  return tools.nodes.client(await nodeOf(tools, id));
}
