import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
} from '@temporalio/common';
import type { RefusalType } from './messages';

/** What an operator may read of a failure: the innermost message, without stack. */
export function textOf(error: unknown): string {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) {
    return error.cause === undefined ? error.message : textOf(error.cause);
  }
  if (error instanceof ApplicationFailure && error.type !== null && error.type !== undefined) {
    return `${error.type}: ${error.message}`;
  }
  // Temporal speaks of its scopes here.
  if (error instanceof CancelledFailure) return 'It was canceled.';
  return error instanceof Error ? error.message : String(error);
}

/** The type and the words of the innermost failure, as an activity gave them. */
export function failureOf(error: unknown): { readonly type: string; readonly message: string } {
  if (error instanceof ActivityFailure || error instanceof ChildWorkflowFailure) {
    if (error.cause !== undefined) return failureOf(error.cause);
  }
  const type = error instanceof ApplicationFailure ? (error.type ?? '') : '';
  return { type, message: error instanceof Error ? error.message : String(error) };
}

/** A refused Update. Thrown by validators, so that nothing of it enters the history. */
export const refusal = (type: RefusalType, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, type);

/** Ends a run as failed without a retry. */
export const fatal = (type: string, message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, type);
