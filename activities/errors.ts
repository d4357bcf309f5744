import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { isNodeError } from '../meili/node-error';

/**
 * The one place that says which failures retrying can cure. A refusal is final: the workflow undoes
 * what was done. Everything that a node or Redis may get over is tried again by the policy.
 */

/** Each stands with what to do on the page of failure modes. */
export const refuseTypes = [
  'node-unknown',
  'node-strange',
  'node-away',
  'source-behind',
  'source-undecided',
  'index-gone',
  'replicas-changed',
  'copy-needed',
  'copy-refused',
  'copy-differs',
  'disk-full',
  'settings-refused',
  'policy-unknown',
  'policy-invalid',
  'canary-unknown',
  'change-refused',
  'migration-refused',
  'source-changed',
  'node-needed',
  'no-restart-command',
  'rollover-refused',
  'name-taken',
  'archive-refused',
  'import-refused',
  'export-refused',
  'export-filter',
] as const;
export type RefuseType = (typeof refuseTypes)[number];

export const refuse = (type: RefuseType, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, type);

export const isRefusal = (error: unknown, type: RefuseType): boolean =>
  error instanceof ApplicationFailure && error.type === type;

/** Another attempt has taken over, or an answer was lost: a new attempt finds out by comparing. */
export const tryAgain = (type: string, message: string): ApplicationFailure =>
  ApplicationFailure.retryable(message, type);

/** What the engine says when a task can never succeed on that node. */
const fullCodes: ReadonlySet<string> = new Set([
  'no_space_left_on_device',
  'database_size_limit_reached',
]);

export const isDiskFull = (code: string): boolean => fullCodes.has(code);

/** The failure to give to Temporal for what an activity threw. */
export function toFailure(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return new CancelledFailure('The activity was cancelled.');
  if (!isNodeError(error)) return error;
  const type = error.body?.code ?? error.code;
  if (isDiskFull(type)) return refuse('disk-full', error.message);
  return ApplicationFailure.create({ message: error.message, type, nonRetryable: false });
}
