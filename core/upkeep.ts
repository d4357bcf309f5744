import type { NodeId, PhysicalUid } from './ids';
import type { Origin, PlanResume, RunOptions } from './operations';

/** The data of operations that keep a fleet whole: types only, as in `operations.ts`. */

/** A node that is not the one it was is emptied and filled again. */
export interface RebuildInput extends Origin {
  readonly node: NodeId;
  /** Last in-sync copies that it had, and what is on the disk that it has now, may be lost. */
  readonly acceptLoss: boolean;
  readonly options: RunOptions;
  readonly resume?: PlanResume;
}

export interface RepairPolicyInput {
  readonly options: RunOptions;
}

export interface RepairPolicyReport {
  readonly started: readonly string[];
  /** What an operator must look at, one sentence each. */
  readonly left: readonly string[];
}

export interface AntiEntropyInput extends Origin {
  /** `null`: all indexes. */
  readonly physicalUid: PhysicalUid | null;
  /** Make copies stale that are behind by the record of the writes, and repair stale ones. */
  readonly repair: boolean;
  readonly documentsPerSecond: number | null;
  readonly options: RunOptions;
  readonly resume?: {
    readonly left: readonly PhysicalUid[];
    readonly paused: boolean;
    readonly startedAt: string;
  };
}

export interface AntiEntropyOutcome {
  /** The id of the report. */
  readonly report: string;
  readonly outcome: string;
}
