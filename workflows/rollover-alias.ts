import {
  executeChild,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities, RolloverDecision, RolloverStepInput } from '../activities/types';
import type { RolloverInput, RolloverReport, RolloverStep } from '../core/operations';
import { textOf } from './failures';
import { operate } from './handlers';
import { rolloverId } from './ids';
import type { Operation } from './operation';
import { longWait, quickChange, quickRead } from './policies';

const { decideRollover } = proxyActivities<Pick<Activities, 'decideRollover'>>(quickRead);
const { flipAliases } = proxyActivities<Pick<Activities, 'flipAliases'>>(quickChange);
const { createNextIndex, waitIndexReady, retainIndexes, dropNextIndex } =
  proxyActivities<
    Pick<Activities, 'createNextIndex' | 'waitIndexReady' | 'retainIndexes' | 'dropNextIndex'>
  >(longWait);

/**
 * Replaces the index behind a write alias by the next one of its policy, when a trigger is met. The
 * decision is made once, with the policy as it is then, so a half-done run resumes with the same names.
 */
export async function rolloverAlias(input: RolloverInput): Promise<RolloverReport> {
  return operate(
    {
      kind: 'rollover',
      origin: { who: input.who, why: input.why },
      index: input.policy,
      total: 4,
      documentsPerSecond: null,
    },
    async (operation) => {
      const decision = await step(operation, 'check', () =>
        operation.cancellable(() => decideRollover(input)),
      );
      if (!decision.act) return report(operation, decision, []);
      const run = { decision, who: input.who, why: input.why };
      try {
        await prepare(operation, run);
        // Point of no return: one change of the fleet makes clients write to the new index.
        operation.passPointOfNoReturn();
      } catch (error) {
        return undo(operation, run, error);
      }
      await step(operation, 'flip', () => flipAliases(run));
      const { deleted } = await step(operation, 'retain', () => retainIndexes(run));
      return report(operation, decision, deleted);
    },
  );
}

/** The new index is whole on every node before anyone may write to it. */
async function prepare(operation: Operation, run: RolloverStepInput): Promise<void> {
  await step(operation, 'create', () => operation.cancellable(() => createNextIndex(run)));
  await step(operation, 'settle', () => operation.cancellable(() => waitIndexReady(run)));
}

/** The alias still names the old index: the new one, in which nobody can have written, goes again. */
async function undo(operation: Operation, run: RolloverStepInput, error: unknown): Promise<never> {
  operation.state.cancellable = false;
  await operation.enter('roll-back');
  await dropNextIndex(run);
  await operation.finish(isCancellation(error) ? 'canceled' : 'failed', textOf(error));
  throw error;
}

async function step<T>(
  operation: Operation,
  name: RolloverStep,
  work: () => Promise<T>,
): Promise<T> {
  await operation.enter(name);
  const result = await work();
  operation.state.done += 1;
  return result;
}

async function report(
  operation: Operation,
  decision: RolloverDecision,
  deleted: RolloverReport['deleted'],
): Promise<RolloverReport> {
  const { policy, version, outcome, reason, from, to } = decision;
  const result = { policy, version, outcome, reason, from, to, deleted };
  const { readTargets, doomed } = decision;
  operation.state.report = {
    ...result,
    deleted: [...deleted],
    readTargets: readTargets === null ? null : [...readTargets],
    // What a dry run would delete, and what a run could not because an alias took it up.
    doomed: doomed.map(({ uid }) => uid),
  };
  operation.state.phase = 'done';
  operation.state.done = operation.state.total;
  await operation.finish('succeeded', null);
  return result;
}

/**
 * What the schedule starts. Its own id carries the time and so locks nothing; the child's fixed id is
 * the lock, and a rollover that runs already is not started twice.
 */
export async function scheduledRollover(input: RolloverInput): Promise<RolloverReport> {
  try {
    return await executeChild(rolloverAlias, {
      workflowId: rolloverId(input.policy),
      parentClosePolicy: ParentClosePolicy.ABANDON,
      args: [input],
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return {
      ...{ policy: input.policy, version: 0, outcome: 'already-running', from: null, to: null },
      ...{ reason: `${rolloverId(input.policy)} is running already.`, deleted: [] },
    };
  }
}
