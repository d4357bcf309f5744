import type { ChangeInput, Origin, RunOptions } from '../core/operations';
import type { PlacementChange } from '../core/placement-change';
import { changeId, planId } from './ids';
import type { WorkflowType } from './messages';
import { workflowTypes } from './messages';

/** What Temporal is asked to start. The id is the lock: a second start of a running id is refused. */
export interface ChangeRun {
  readonly workflowType: WorkflowType;
  readonly workflowId: string;
  readonly args: readonly unknown[];
}

const typeOf: Readonly<Record<PlacementChange['kind'], WorkflowType>> = {
  rebalance: workflowTypes.rebalance,
  repair: workflowTypes.repairReplica,
  'add-node': workflowTypes.addNode,
  'drain-node': workflowTypes.drainNode,
  'remove-node': workflowTypes.removeNode,
  'set-node': workflowTypes.setNode,
  'replace-node': workflowTypes.replaceNode,
  'add-group': workflowTypes.addGroup,
  'remove-group': workflowTypes.removeGroup,
  'set-replication': workflowTypes.setReplication,
  reshard: workflowTypes.reshardIndex,
};

/** The run that makes a change, or with `dryRun` the one that only plans it. */
export function runOf(input: ChangeInput, dryRun: boolean): ChangeRun {
  const { change, options, who, why } = input;
  if (dryRun) {
    const workflowId = planId(change);
    return { workflowType: workflowTypes.planOperation, workflowId, args: [input] };
  }
  return {
    workflowType: typeOf[change.kind],
    workflowId: changeId(change),
    args: [inputOf(change, { options, who, why })],
  };
}

/** Older workflows take the members of the change by themselves. */
function inputOf(
  change: PlacementChange,
  common: Origin & { readonly options: RunOptions },
): object {
  switch (change.kind) {
    case 'rebalance':
      return { group: change.group, parent: null, ...common };
    case 'repair': {
      const { node, physicalUid, shard } = change;
      return { node, physicalUid, shard, ...common };
    }
    case 'add-node':
      return { node: change.node, ...common };
    case 'drain-node':
      return { node: change.node, parent: null, ...common };
    case 'remove-node':
      return { node: change.node, lost: change.lost, ...common };
    case 'set-node':
    case 'replace-node':
    case 'add-group':
    case 'remove-group':
    case 'set-replication':
    case 'reshard':
      return { change, ...common };
  }
}
