import {
  CancellationScope,
  ContinueAsNew,
  isCancellation,
  patched,
  setHandler,
} from '@temporalio/workflow';
import type { Children } from './children';
import { noChildren } from './children';
import { refusal, textOf } from './failures';
import type {
  Accepted,
  ApproveRequest,
  ControlCommand,
  OperatorRequest,
  ThrottleRequest,
} from './messages';
import {
  approveUpdate,
  cancelUpdate,
  controlSignal,
  pauseUpdate,
  planQuery,
  progressQuery,
  resumeUpdate,
  reverseUpdate,
  setThrottleUpdate,
} from './messages';
import type { Operation } from './operation';
import type { OperationSpec, OperationState } from './operation-state';
import { beginOperation } from './operation';
import { progressOf } from './view';

function refuseNobody({ who }: OperatorRequest | ApproveRequest): void {
  if (typeof who !== 'string' || who === '') throw refusal('bad-argument', '`who` must be a name.');
}

function refuseOver(state: OperationState): void {
  if (state.over) throw refusal('already-over', `The operation is over: ${state.status}.`);
}

function mayApprove(state: OperationState, request: ApproveRequest): void {
  refuseNobody(request);
  refuseOver(state);
  if (state.status !== 'waiting-approval' || state.plan === null) {
    throw refusal('not-waiting-for-approval', `It waits for no approval; it is in ${state.phase}.`);
  }
  if (request.epoch !== state.plan.epoch) {
    throw refusal(
      'plan-stale',
      `The plan is valid for epoch ${String(state.plan.epoch)}, not ${String(request.epoch)}. Look at it again.`,
    );
  }
}

function mayPause(state: OperationState): void {
  refuseOver(state);
  if (state.canceledBy !== null) throw refusal('already-cancelling', 'It is being undone.');
  if (state.paused) throw refusal('already-paused', 'It is paused already.');
}

/** A child may be paused while its parent is not: by itself, or by a parent that was cancelled since. */
const mayResume =
  ({ ids }: Children) =>
  (state: OperationState): void => {
    refuseOver(state);
    if (!state.paused && ids.size === 0) throw refusal('not-paused', 'It is not paused.');
  };

function mayThrottle(state: OperationState, { documentsPerSecond: rate }: ThrottleRequest): void {
  refuseOver(state);
  if (rate !== null && !(typeof rate === 'number' && Number.isFinite(rate) && rate > 0)) {
    throw refusal('bad-argument', '`documentsPerSecond` must be a number above 0, or null.');
  }
}

function mayCancel(state: OperationState): void {
  refuseOver(state);
  if (state.canceledBy !== null) throw refusal('already-cancelling', 'It is being undone already.');
  if (!state.cancellable) {
    throw refusal(
      'past-point-of-no-return',
      `It is past its point of no return, in ${state.phase}.${state.reversible ? ' `reverse` still goes back.' : ''}`,
    );
  }
}

function mayReverse(state: OperationState): void {
  refuseOver(state);
  if (!state.reversible || state.reversedBy !== null) {
    throw refusal(
      'not-reversible',
      'Only while copies are made, and before those that were moved are cleaned up, can it be reversed.',
    );
  }
}

function apply(operation: Operation, command: ControlCommand): void {
  const { state } = operation;
  if (command.command === 'pause') state.paused = true;
  if (command.command === 'resume') state.paused = false;
  if (command.command === 'setThrottle') state.documentsPerSecond = command.documentsPerSecond;
  if (command.command === 'cancel') operation.requestCancel(command.who);
  if (command.command !== 'reverse') return;
  // A sync that has not cut over yet is undone; one that has flips back, now or as soon as it may.
  if (state.cancellable && operation.spec.kind === 'sync') operation.requestCancel(command.who);
  else state.reversedBy ??= command.who;
  state.paused = false;
}

/** Says whether a parent's command still makes sense here; a signal cannot be refused, only ignored. */
function applies(state: OperationState, command: ControlCommand): boolean {
  if (state.over || state.canceledBy !== null) return false;
  return command.command !== 'cancel' || state.cancellable;
}

/**
 * A command that cannot be refused: a parent's, or Temporal's own cancel. A cancel that comes too late
 * lets what is paused go on: who cancels wants an end, and a parent that was cancelled takes no pause and
 * says no `resume` any more.
 */
function heeds(state: OperationState, command: ControlCommand): 'takes' | 'goes-on' | 'ignores' {
  if (applies(state, command)) return 'takes';
  const late = command.command === 'cancel' && state.paused && !state.over;
  if (!late || !patched('too-late-goes-on')) return 'ignores';
  state.paused = false;
  return 'goes-on';
}

/** What Temporal's page says of a message. */
const says = (description: string) => ({ description });

/** A validator that demands a name, then asks the rule. */
const checked =
  (state: OperationState, rule: (state: OperationState) => void) =>
  (request: OperatorRequest): void => {
    refuseNobody(request);
    rule(state);
  };

/** Attaches the handlers of all messages. */
export function handleOperator(operation: Operation, children: Children): void {
  const { state } = operation;
  const accept = async (command: ControlCommand): Promise<Accepted> => {
    const accepted = { phase: state.phase };
    apply(operation, command);
    await operation.show();
    await children.passOn(command);
    return accepted;
  };
  const steer =
    (command: 'pause' | 'resume' | 'cancel') =>
    ({ who }: OperatorRequest): Promise<Accepted> =>
      accept({ command, who });
  setHandler(progressQuery, () => progressOf(state), says('How far it is, and what it waits for.'));
  setHandler(planQuery, () => state.plan, says('What it does or would do; null: not planned yet.'));
  setHandler(pauseUpdate, steer('pause'), {
    ...says('Stop at the next safe place.'),
    validator: checked(state, mayPause),
  });
  setHandler(resumeUpdate, steer('resume'), {
    ...says('Go on.'),
    validator: checked(state, mayResume(children)),
  });
  setHandler(cancelUpdate, steer('cancel'), {
    ...says('Undo it, while there is a way back.'),
    validator: checked(state, mayCancel),
  });
  setHandler(
    setThrottleUpdate,
    ({ who, documentsPerSecond }) => accept({ command: 'setThrottle', who, documentsPerSecond }),
    {
      ...says('Copy so many documents a second; null: as fast as it goes.'),
      validator: (request) => {
        refuseNobody(request);
        mayThrottle(state, request);
      },
    },
  );
  handleDecisions(operation, children);
  setHandler(
    controlSignal,
    async (command) => {
      const heed = heeds(state, command);
      if (heed === 'takes') await accept(command);
      if (heed === 'goes-on') await operation.show();
    },
    says('A command of the operation that started this one.'),
  );
}

/** What decides over the whole plan: its approval, and the way back after the cut over. */
function handleDecisions(operation: Operation, children: Children): void {
  const { state } = operation;
  setHandler(
    approveUpdate,
    async ({ who }) => {
      const accepted = { phase: state.phase };
      state.approvedBy = who;
      state.status = 'running';
      await operation.show();
      return accepted;
    },
    {
      ...says('Let the plan of this epoch run.'),
      validator: (request) => mayApprove(state, request),
    },
  );
  setHandler(
    reverseUpdate,
    async ({ who }) => {
      const accepted = { phase: state.phase };
      state.reversedBy = who;
      // Who goes back does not wait.
      if (state.paused && patched('reverse-goes-on')) state.paused = false;
      await operation.show();
      // A sync is reversed by itself; what is made of syncs tells those that run.
      if (operation.spec.kind !== 'sync') {
        state.paused = false;
        await children.passOn({ command: 'reverse', who });
      }
      return accepted;
    },
    {
      ...says('Flip reads back, while the source still takes every write.'),
      validator: checked(state, mayReverse),
    },
  );
}

/**
 * Runs an operation's body with its messages handled. A cancellation of the workflow itself is taken
 * as the operator's `cancel`, so that there is one way to undo, and activities are only interrupted
 * where the body allows it. An error of the body ends the operation as failed, with its view written.
 */
export async function operate<T>(
  spec: OperationSpec,
  body: (operation: Operation) => Promise<T>,
  children: Children = noChildren,
): Promise<T> {
  const operation = beginOperation(spec);
  handleOperator(operation, children);
  CancellationScope.current().cancelRequested.catch(async () => {
    const command = { command: 'cancel', who: 'temporal' } as const;
    const heed = heeds(operation.state, command);
    if (heed === 'ignores') return;
    if (heed === 'takes') apply(operation, command);
    await CancellationScope.nonCancellable(() =>
      heed === 'takes' ? children.passOn(command) : operation.show(),
    );
  });
  return CancellationScope.nonCancellable(async () => {
    try {
      return await body(operation);
    } catch (error) {
      if (error instanceof ContinueAsNew || operation.state.over) throw error;
      await operation.finish(isCancellation(error) ? 'canceled' : 'failed', textOf(error));
      throw error;
    }
  });
}
