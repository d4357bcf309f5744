import type { OperationPlan, PlanResume, RunOptions } from '../core/operations';
import type { Children } from './children';

/** What differs between the operations that move shards by a plan. */
export interface PlannedWork {
  readonly options: RunOptions;
  /** Null: the caller holds the claim. */
  readonly claims: boolean;
  readonly resume: PlanResume | undefined;
  plan(): Promise<OperationPlan>;
  /** There is something to do, also when no copy has to be made. */
  readonly always?: boolean;
  /** Before the copies, under the claim. What it throws ends the operation with nothing changed. */
  begin?(): Promise<void>;
  /** After the copies and before the surplus ones go; from here on no cancel is taken. */
  finish?(): Promise<void>;
  /** After the last copy is gone. */
  close?(): Promise<void>;
  /** A cancel, a reverse or a failure after `begin`: brings back what it changed. */
  undo?(plan: OperationPlan): Promise<void>;
  /** Plans again; `fresh: false` when other syncs are needed now. */
  check(plan: OperationPlan): Promise<{ fresh: boolean; plan: OperationPlan }>;
  /** Continues as new with this state. Never returns. */
  continueWith(resume: PlanResume): Promise<never>;
}

/** The syncs of one plan at work. */
export interface SyncRun {
  readonly work: PlannedWork;
  readonly resume: PlanResume;
  readonly children: Children;
}
