import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { OperationPlan, ProgressView } from '../core/operations';
import type { MigrationPlan } from '../core/migration';
import type { UpgradePlan } from '../core/upgrade';

/**
 * The messages every operation understands. Updates come from operators, are checked by a validator
 * and answered; a refused one fails with an ApplicationFailure whose type is a `RefusalType`. The
 * signal carries the same commands from a parent to its children: workflows cannot send Updates.
 */

export type RefusalType =
  | 'not-waiting-for-approval'
  | 'plan-stale'
  | 'already-paused'
  | 'not-paused'
  | 'past-point-of-no-return'
  | 'not-reversible'
  | 'already-over'
  | 'already-cancelling'
  | 'waits-for-nobody'
  | 'bad-argument';

export interface ApproveRequest {
  readonly who: string;
  /** The epoch of the plan that was looked at; another plan is refused. */
  readonly epoch: number;
}

export interface OperatorRequest {
  readonly who: string;
  readonly why?: string;
}

export interface ThrottleRequest extends OperatorRequest {
  /** `null` takes the throttle away. */
  readonly documentsPerSecond: number | null;
}

/** The phase it was in when the message was accepted. */
export interface Accepted {
  readonly phase: string;
}

export const approveUpdate = defineUpdate<Accepted, [ApproveRequest]>('approve');
export const pauseUpdate = defineUpdate<Accepted, [OperatorRequest]>('pause');
export const resumeUpdate = defineUpdate<Accepted, [OperatorRequest]>('resume');
export const setThrottleUpdate = defineUpdate<Accepted, [ThrottleRequest]>('setThrottle');
export const cancelUpdate = defineUpdate<Accepted, [OperatorRequest]>('cancel');
export const reverseUpdate = defineUpdate<Accepted, [OperatorRequest]>('reverse');

/** Says that what the run waits for outside of it was done: a node restarted, writers stopped. */
export const proceedUpdate = defineUpdate<Accepted, [OperatorRequest]>('proceed');

/** Every plan names the epoch that it is for. */
export type AnyPlan = OperationPlan | UpgradePlan | MigrationPlan;

export const progressQuery = defineQuery<ProgressView>('progress');
export const planQuery = defineQuery<AnyPlan | null>('plan');

export type ControlCommand =
  | { readonly command: 'pause' | 'resume' | 'cancel' | 'reverse'; readonly who: string }
  | {
      readonly command: 'setThrottle';
      readonly who: string;
      readonly documentsPerSecond: number | null;
    };

export const controlSignal = defineSignal<[ControlCommand]>('control');

/** Workflow types by name, for starting them without importing their code. */
export const workflowTypes = {
  syncShards: 'syncShards',
  rebalance: 'rebalance',
  addNode: 'addNode',
  drainNode: 'drainNode',
  removeNode: 'removeNode',
  repairReplica: 'repairReplica',
  setNode: 'setNode',
  replaceNode: 'replaceNode',
  addGroup: 'addGroup',
  removeGroup: 'removeGroup',
  setReplication: 'setReplication',
  reshardIndex: 'reshardIndex',
  planOperation: 'planOperation',
  rebuildNode: 'rebuildNode',
  scheduledRepair: 'scheduledRepair',
  antiEntropy: 'antiEntropy',
  scheduledAntiEntropy: 'scheduledAntiEntropy',
  settingsBroadcast: 'settingsBroadcast',
  rolloverAlias: 'rolloverAlias',
  scheduledRollover: 'scheduledRollover',
  runCanary: 'runCanary',
  scheduledCanary: 'scheduledCanary',
  settingsCheck: 'settingsCheck',
  scheduledSettingsCheck: 'scheduledSettingsCheck',
  expireDocuments: 'expireDocuments',
  scheduledExpiry: 'scheduledExpiry',
  upgradeNodes: 'upgradeNodes',
  importArchive: 'importArchive',
  createDump: 'createDump',
  exportIndexes: 'exportIndexes',
  createBackup: 'createBackup',
  scheduledBackup: 'scheduledBackup',
  restoreDrill: 'restoreDrill',
  scheduledDrill: 'scheduledDrill',
  migrateInstance: 'migrateInstance',
} as const;
export type WorkflowType = keyof typeof workflowTypes;

/** Keyword search attributes; the worker registers those that are missing. Seven is the bound. */
export const searchAttributes = [
  'MiroirOp',
  'MiroirIndex',
  'MiroirNode',
  'MiroirShard',
  'MiroirPhase',
  'MiroirEpoch',
  'MiroirApprover',
] as const;
export type SearchAttribute = (typeof searchAttributes)[number];
