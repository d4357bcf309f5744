/** What a fleet does about nodes, disks and stores that fail; part of `Config`. */

export interface HealthConfig {
  /** Failures in a row, of requests and probes, after which a node is asked no more. */
  readonly failuresToLeave: number;
  /** Probes in a row that bring it back. */
  readonly successesToReturn: number;
  readonly probeMs: number;
  readonly probeDeadlineMs: number;
  /** How long a node that is new or back gets only a growing share of the searches. 0: at once all. */
  readonly slowStartMs: number;
  /** Ask a node who it is before it serves, and whether it went back in time. */
  readonly checkIdentity: boolean;
}

export interface RepairConfig {
  /** Fill stale copies again without being asked. */
  readonly automatic: boolean;
  /** Rebuild a node that came back empty, or with an older state of its own, without being asked. */
  readonly rebuildNodes: boolean;
  readonly everyMs: number;
}

export interface AntiEntropyConfig {
  readonly enabled: boolean;
  readonly everyMs: number;
  /** Documents compared in a second; `null`: as fast as the nodes answer. */
  readonly documentsPerSecond: number | null;
  /** Make copies stale that the record of the writes shows to be wrong, and repair them. */
  readonly repair: boolean;
}

/** The farthest that the guard goes when users suffer while an operation runs. */
export type SloAction = 'off' | 'throttle' | 'pause' | 'rollback';

export interface SloConfig {
  readonly action: SloAction;
  readonly searchP95Ms: number;
  /** Share of requests that were answered with a 5xx. */
  readonly errorRate: number;
  /** Tasks that wait on one node. */
  readonly nodeQueueTasks: number;
  readonly everyMs: number;
  /** How long a breach lasts before the next step is taken. */
  readonly breachMs: number;
  /** How long all is well before a step is taken back. */
  readonly recoverMs: number;
}

export interface DiskConfig {
  /** Room for the engine's databases on each node; `null`: unknown. */
  readonly capacityBytes: number | null;
  /** The same for single nodes, by id. */
  readonly capacities: Readonly<Record<string, number>>;
  /** A node exporter's address; `{host}` stands for the node's host. Wins over capacities. */
  readonly metricsUrl: string | null;
  readonly mountpoint: string;
  readonly noMovesAt: number;
  readonly noGrowthAt: number;
  /** A mark is left behind only when the use has fallen so far below it. */
  readonly hysteresis: number;
  readonly everyMs: number;
}

export interface MetaConfig {
  /** Keep the state of the fleet on every node as well, for `miroir recover`. */
  readonly enabled: boolean;
  readonly everyMs: number;
  readonly keep: number;
  /** What the copies are sealed with; `null`: the admin key. */
  readonly secret: string | null;
}

/** `local`: the server's own append-only file; `replica`: that of one replica, too. */
export type WaitAof = 'off' | 'local' | 'replica';
