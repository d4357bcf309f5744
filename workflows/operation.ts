import {
  allHandlersFinished,
  CancellationScope,
  condition,
  patched,
  proxyLocalActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { CancelledFailure } from '@temporalio/common';
import type { Activities } from '../activities/types';
import { localView } from './policies';
import type { OperationSpec, OperationState } from './operation-state';
import { detailsOf } from './summaries/details';
import { firstAttributes, phaseAttributes, viewOf, viewWriter } from './view';

const { writeView } = proxyLocalActivities<Pick<Activities, 'writeView'>>(localView);

export interface Operation {
  readonly id: string;
  readonly spec: OperationSpec;
  readonly startedAt: string;
  readonly state: OperationState;
  /** Begins a phase: waits while paused, then shows the phase in the view and the search attributes. */
  enter(phase: string): Promise<void>;
  /** Waits while paused. */
  checkpoint(): Promise<void>;
  /** Shows, for as long as `wait` lasts, why the operation does not go on. */
  waiting<T>(reason: string, wait: () => Promise<T>): Promise<T>;
  /** Runs what a cancel may interrupt. A cancel makes it reject with a cancellation. */
  cancellable<T>(work: () => Promise<T>): Promise<T>;
  /** From here on a cancel is refused; throws a cancellation when one has been accepted before. */
  passPointOfNoReturn(): void;
  requestCancel(who: string): void;
  /** Writes the view; in order, and only after the earlier ones are written. */
  show(): Promise<void>;
  /** Ends the operation: final view, and all handlers have answered. */
  finish(status: 'succeeded' | 'failed' | 'canceled', error: string | null): Promise<void>;
  /** What must be true at the end of a run. */
  settle(): Promise<void>;
  /** Before continue-as-new. False: it is to be undone, by a word that the next run would not know of. */
  mayContinue(): Promise<boolean>;
}

function firstState(spec: OperationSpec): OperationState {
  return {
    status: 'running',
    phase: 'start',
    waitingFor: null,
    paused: spec.resumed?.paused ?? false,
    documentsPerSecond: spec.documentsPerSecond,
    approvedBy: spec.resumed?.approvedBy ?? null,
    canceledBy: null,
    reversedBy: null,
    cancellable: true,
    reversible: false,
    plan: null,
    shown: null,
    done: 0,
    total: spec.total,
    documentsCopied: spec.resumed?.documentsCopied ?? 0,
    copyMs: 0,
    fencedMs: 0,
    readFrom: null,
    leftOn: null,
    reverseRefused: null,
    report: null,
    error: null,
    over: false,
  };
}

const ended = { waitingFor: null, cancellable: false, reversible: false, over: true } as const;

async function showWaiting<T>(
  { state, show }: Operation,
  reason: string,
  wait: () => Promise<T>,
): Promise<T> {
  state.waitingFor = reason;
  await show();
  try {
    return await wait();
  } finally {
    state.waitingFor = null;
  }
}

/** Starts the bookkeeping of one run. Handlers are attached by `handleOperator`. */
export function beginOperation(spec: OperationSpec): Operation {
  const startedAt = spec.resumed?.startedAt ?? new Date().toISOString();
  const state = firstState(spec);
  let forward: CancellationScope | null = null;
  upsertSearchAttributes(firstAttributes(spec));
  const show = viewWriter(() => {
    setCurrentDetails(detailsOf(state));
    return CancellationScope.nonCancellable(() => writeView(viewOf(spec, state, startedAt)));
  });

  const operation: Operation = {
    id: workflowInfo().workflowId,
    spec,
    startedAt,
    state,
    show,
    async enter(phase) {
      await operation.checkpoint();
      state.phase = phase;
      upsertSearchAttributes(phaseAttributes(state));
      await show();
    },
    async checkpoint() {
      await condition(() => !state.paused);
      await show();
    },
    waiting: (reason, wait) => showWaiting(operation, reason, wait),
    async cancellable(work) {
      const scope = new CancellationScope();
      forward = scope;
      try {
        return await scope.run(async () => {
          if (state.canceledBy !== null) scope.cancel();
          return work();
        });
      } finally {
        forward = null;
      }
    },
    passPointOfNoReturn() {
      if (state.canceledBy !== null) throw new CancelledFailure('It was cancelled just in time.');
      state.cancellable = false;
    },
    requestCancel(who) {
      state.canceledBy = who;
      // A paused operation must be able to clean up.
      state.paused = false;
      forward?.cancel();
    },
    async finish(status, error) {
      Object.assign(state, { status, error, ...ended });
      await operation.settle();
    },
    async settle() {
      await show();
      await condition(allHandlersFinished);
    },
    async mayContinue() {
      await operation.settle();
      const undone = state.canceledBy !== null || state.reversedBy !== null;
      return !undone || !patched('undo-before-continuing');
    },
  };
  return operation;
}
