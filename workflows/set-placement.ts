import { continueAsNew } from '@temporalio/workflow';
import type { ChangeInput, OperationReport } from '../core/operations';
import type { PlacementChange, ReplaceNode, SetNode } from '../core/placement-change';
import { apply, close, runChange, tableSteps, undoChange } from './change';

type SetReplication = Extract<PlacementChange, { kind: 'set-replication' }>;

/**
 * Gives a node another weight or zone and moves what that asks for. Point of no return: none; a cancel
 * brings the old values back and leaves what was moved, each pair whole.
 */
export async function setNode(input: ChangeInput<SetNode>): Promise<OperationReport> {
  return runChange({
    ...{ input, kind: 'set-node', about: { nodes: [input.change.node] } },
    steps: (operation) => tableSteps(input, operation),
    continueWith: (resume) => continueAsNew<typeof setNode>({ ...input, resume }),
  });
}

/**
 * Gives indexes another number of copies. More are filled from those that are there; fewer are dropped
 * when the table asks for them, which is the point of no return.
 */
export async function setReplication(input: ChangeInput<SetReplication>): Promise<OperationReport> {
  const { factors } = input.change;
  const [only] = factors;
  const about = factors.length === 1 && only !== undefined ? { index: only.index } : {};
  return runChange({
    ...{ input, kind: 'set-replication', about },
    steps: (operation) => tableSteps(input, operation),
    continueWith: (resume) => continueAsNew<typeof setReplication>({ ...input, resume }),
  });
}

/**
 * A new node takes over every copy of an old one in one pass, and the old one leaves the fleet: the
 * point of no return. A cancel before it makes the old node an active one again; the new one stays only
 * if it answers for something already.
 */
export async function replaceNode(input: ChangeInput<ReplaceNode>): Promise<OperationReport> {
  const { change, who, why } = input;
  return runChange({
    ...{ input, kind: 'replace-node', about: { nodes: [change.old, change.node.id] } },
    steps: () => ({
      begin: () => apply({ change, who, why }),
      close: () => close({ change, who, why }),
      undo: (plan) => undoChange({ change, who, why, undo: plan.undo ?? null }),
    }),
    continueWith: (resume) => continueAsNew<typeof replaceNode>({ ...input, resume }),
  });
}
