import type { DevLine } from './dev-line';
import type { RunningProgram } from './supervisor';

export interface LocalNode {
  readonly id: string;
  readonly url: string;
  readonly group: number;
}

/**
 * A whole Miroir on this machine. Every part that was started here can be killed (SIGKILL, as a crash)
 * and started again under the same address and data; parts that ran already cannot, and say so.
 */
export interface RunningFleet {
  /** Url of the first api process. */
  readonly api: string;
  readonly apis: readonly string[];
  readonly masterKey: string;
  readonly adminKey: string;
  readonly nodeKey: string;
  readonly redis: string;
  readonly redisPrefix: string;
  readonly temporal: string;
  readonly temporalUi: string | null;
  readonly engine: string;
  /** Data and logs. */
  readonly directory: string;
  /** Part → how it was found, for people. */
  readonly sources: Readonly<Record<string, string>>;
  nodes(): readonly LocalNode[];
  line(): DevLine;
  /** Part → process id, of all that run. */
  pids(): Readonly<Record<string, number>>;
  killApi(at?: number): Promise<void>;
  startApi(at?: number): Promise<void>;
  killWorker(at?: number): Promise<void>;
  startWorker(at?: number): Promise<void>;
  killNode(id: string): Promise<void>;
  restartNode(id: string): Promise<void>;
  /** SIGSTOP and SIGCONT: the node is there, but answers nothing. */
  pauseNode(id: string): void;
  resumeNode(id: string): void;
  /** Starts one more node process; the fleet does not know it until it is added through the api. */
  addNodeProcess(options?: { id?: string; group?: number }): Promise<LocalNode>;
  killRedis(): Promise<void>;
  startRedis(): Promise<void>;
  killTemporal(): Promise<void>;
  startTemporal(): Promise<void>;
  /** Called when a part ends that nobody here has ended. */
  onUnexpectedEnd(listener: (program: RunningProgram) => void): void;
  /** Stops everything in order: api, worker, nodes, temporal, redis. */
  close(): Promise<void>;
}
