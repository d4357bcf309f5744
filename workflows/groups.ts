import { continueAsNew } from '@temporalio/workflow';
import type { ChangeInput, OperationReport } from '../core/operations';
import type { PlacementChange } from '../core/placement-change';
import { apply, close, planChange, runChange, undoChange } from './change';
import type { Operation } from './operation';
import { dropUnwanted } from './run-plan';

type AddGroup = Extract<PlacementChange, { kind: 'add-group' }>;
type RemoveGroup = Extract<PlacementChange, { kind: 'remove-group' }>;

/**
 * Takes the nodes of a new group into the fleet together, so that each shard is copied once to where it
 * stays. Point of no return: none; a cancel drops the group's copies and forgets its nodes.
 */
export async function addGroup(input: ChangeInput<AddGroup>): Promise<OperationReport> {
  const { change, who, why } = input;
  return runChange({
    ...{ input, kind: 'add-group', about: { nodes: change.nodes.map(({ id }) => id) } },
    steps: (operation) => ({
      begin: () => apply({ change, who, why }),
      undo: () => dropGroup(operation, input),
    }),
    continueWith: (resume) => continueAsNew<typeof addGroup>({ ...input, resume }),
  });
}

/** The nodes are draining first, so that an index that is made meanwhile puts nothing on them. */
async function dropGroup(operation: Operation, input: ChangeInput<AddGroup>): Promise<void> {
  const { who, why } = input;
  const removal = { kind: 'remove-group', group: input.change.group, lost: false } as const;
  await apply({ change: removal, who, why });
  await dropUnwanted(operation, await planChange({ change: removal }));
  await undoChange({ change: input.change, who, why, undo: null });
}

/**
 * Drops a group's copies and forgets its nodes. Point of no return: the first copy that goes; before it a
 * cancel makes the nodes active again.
 */
export async function removeGroup(input: ChangeInput<RemoveGroup>): Promise<OperationReport> {
  const { change, who, why } = input;
  return runChange({
    ...{ input, kind: 'remove-group', about: {} },
    steps: () => ({
      begin: () => apply({ change, who, why }),
      close: () => close({ change, who, why }),
      undo: () => undoChange({ change, who, why, undo: null }),
    }),
    continueWith: (resume) => continueAsNew<typeof removeGroup>({ ...input, resume }),
  });
}
