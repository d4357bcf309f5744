import { ParentClosePolicy, proxyActivities, startChild } from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/types';
import type { NodeId } from '../core/ids';
import type { RepairPolicyInput, RepairPolicyReport } from '../core/upkeep';
import { rebuildNodeId, repairId } from './ids';
import { quickRead } from './policies';
import type { rebuildNode } from './rebuild-node';
import type { repairReplica } from './rebalance';

const { findRepairs } = proxyActivities<Pick<Activities, 'findRepairs'>>(quickRead);

const nodesMax = 20;
const origin = { who: 'repair policy', why: 'copies or a node that fell behind' };

/**
 * What the schedule of the repair policy starts: it looks what there is to repair and starts a run for
 * each node, whose fixed id keeps two repairs of one node apart. Point of no return: none of its own.
 */
export async function scheduledRepair(input: RepairPolicyInput): Promise<RepairPolicyReport> {
  const { repair, rebuild, left } = await findRepairs({ nodesMax });
  const started: string[] = [];
  for (const node of rebuild) {
    await start(started, rebuildNodeId(node), (workflowId) =>
      startChild<typeof rebuildNode>('rebuildNode', {
        ...{ workflowId, parentClosePolicy: ParentClosePolicy.ABANDON },
        args: [{ node, acceptLoss: false, ...origin, options: input.options }],
      }),
    );
  }
  for (const node of repair) {
    await start(started, repairId(node), (workflowId) => startRepair(workflowId, node, input));
  }
  return { started, left };
}

const startRepair = (workflowId: string, node: NodeId, { options }: RepairPolicyInput) =>
  startChild<typeof repairReplica>('repairReplica', {
    ...{ workflowId, parentClosePolicy: ParentClosePolicy.ABANDON },
    args: [{ node, physicalUid: null, ...origin, options }],
  });

async function start(
  started: string[],
  id: string,
  run: (id: string) => Promise<unknown>,
): Promise<void> {
  try {
    await run(id);
    started.push(id);
  } catch (error) {
    // It is being repaired already, by an operator or by the run before.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
