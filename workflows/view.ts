import { workflowInfo } from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { SearchAttributeUpdatePair } from '@temporalio/common';
import type { JsonValue } from '../core/fleet';
import type { OperationStatus, OperationView, ProgressView } from '../core/operations';
import type { SearchAttribute } from './messages';
import type { OperationSpec, OperationState } from './operation-state';

function attributes(values: Partial<Record<SearchAttribute, string>>): SearchAttributeUpdatePair[] {
  return Object.entries(values).map(([name, value]) => ({
    key: defineSearchAttributeKey(name, 'KEYWORD'),
    value,
  }));
}

/** Search attributes are bounded in length; a list of many shards is cut, the view has all of it. */
const attributeCharactersMax = 200;

export function firstAttributes(spec: OperationSpec): SearchAttributeUpdatePair[] {
  return attributes({
    MiroirOp: spec.kind,
    ...(spec.index === undefined
      ? {}
      : { MiroirIndex: spec.index.slice(0, attributeCharactersMax) }),
    ...(spec.nodes === undefined
      ? {}
      : { MiroirNode: spec.nodes.join(',').slice(0, attributeCharactersMax) }),
    ...(spec.shards === undefined
      ? {}
      : { MiroirShard: spec.shards.slice(0, attributeCharactersMax) }),
  });
}

export const phaseAttributes = (state: OperationState): SearchAttributeUpdatePair[] =>
  attributes({
    MiroirPhase: state.phase,
    ...(state.plan === null ? {} : { MiroirEpoch: String(state.plan.epoch) }),
    ...(state.approvedBy === null
      ? {}
      : { MiroirApprover: state.approvedBy.slice(0, attributeCharactersMax) }),
  });

/** While paused the view says so, whatever the phase is. */
const statusOf = (state: OperationState): OperationStatus =>
  state.paused && !state.over ? 'paused' : state.status;

export function progressOf(state: OperationState): ProgressView {
  return {
    status: statusOf(state),
    phase: state.phase,
    progress: {
      done: state.done,
      total: state.total,
      documentsCopied: state.documentsCopied,
      waitingFor: state.waitingFor,
      paused: state.paused,
      documentsPerSecond: state.documentsPerSecond,
    },
    approvedBy: state.approvedBy,
    error: state.error,
  };
}

export function viewOf(
  spec: OperationSpec,
  state: OperationState,
  startedAt: string,
): OperationView {
  const { workflowId, runId } = workflowInfo();
  const now = new Date().toISOString();
  const { status, phase, progress } = progressOf(state);
  const plan = (state.plan as unknown as JsonValue) ?? state.shown;
  return {
    id: workflowId,
    kind: spec.kind,
    status,
    phase,
    ...(spec.index === undefined ? {} : { index: spec.index }),
    ...(spec.nodes === undefined ? {} : { nodes: spec.nodes }),
    ...(plan === null ? {} : { plan }),
    progress: {
      ...progress,
      ...(state.report === null ? {} : { report: state.report }),
      approvedBy: state.approvedBy,
      reversible: state.reversible,
      copyMs: state.copyMs,
      fencedMs: state.fencedMs,
      ...(state.readFrom === null ? {} : { readFrom: [...state.readFrom] }),
      ...(state.leftOn === null ? {} : { leftOn: state.leftOn }),
      ...(state.reverseRefused === null ? {} : { reverseRefused: state.reverseRefused }),
    },
    startedAt,
    updatedAt: now,
    ...(state.over ? { finishedAt: now } : {}),
    ...(state.error === null ? {} : { error: state.error }),
    temporal: { workflowId, runId },
    who: spec.origin.who,
    why: spec.origin.why,
  };
}

/** Views are written one after another; a view that waits for its turn shows the newest state. */
export function viewWriter(write: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let queued = false;
  return () => {
    if (!queued) {
      queued = true;
      last = last.then(async () => {
        queued = false;
        await write();
      });
    }
    return last;
  };
}
