import { patched, startChild } from '@temporalio/workflow';
import type { ParentClosePolicy } from '@temporalio/workflow';
import type { OperationReport } from '../core/operations';
import { steerLate } from './children';
import type { Children } from './children';
import { repairId } from './ids';
import type { Operation } from './operation';
import type { repairReplica } from './rebalance';

type RepairInput = Parameters<typeof repairReplica>[0] & { readonly node: string };

/**
 * A repair of one node, which the commands to its parent reach from its first moment to its end. Throws
 * `WorkflowExecutionAlreadyStartedError` when one of the node is running.
 */
export async function repairAsChild(
  operation: Operation,
  children: Children,
  { input, parentClosePolicy }: { input: RepairInput; parentClosePolicy: ParentClosePolicy },
): Promise<OperationReport> {
  const workflowId = repairId(input.node);
  const { documentsPerSecond } = operation.state;
  const child = await startChild<typeof repairReplica>('repairReplica', {
    ...{ workflowId, parentClosePolicy },
    args: [input],
  });
  if (!patched('repairs-steered')) return child.result();
  children.ids.add(workflowId);
  try {
    await steerLate(operation, children, documentsPerSecond);
    return await child.result();
  } finally {
    children.ids.delete(workflowId);
  }
}
