import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { GroupId } from '../core/ids';
import type { OperationReport } from '../core/operations';
import type { RebuildInput } from '../core/upkeep';
import { withClaim } from './claim';
import { fatal } from './failures';
import { operate } from './handlers';
import type { Operation } from './operation';
import { longWait, quickChange, quickRead } from './policies';
import { finishByReport, rateOf, resumedOf } from './rebalance';
import type { PlannedWork } from './planned-work';
import { childrenOf } from './children';
import { runByPlan } from './run-plan';

const { checkRebuild, planRepair, checkPlan } =
  proxyActivities<Pick<Activities, 'checkRebuild' | 'planRepair' | 'checkPlan'>>(quickRead);
const { disownCopies, renameNode } =
  proxyActivities<Pick<Activities, 'disownCopies' | 'renameNode'>>(quickChange);
const { emptyNode, passBarrier } =
  proxyActivities<Pick<Activities, 'emptyNode' | 'passBarrier'>>(longWait);

/**
 * Takes a node back that is not the one it was: its copies are stale, what is on its disk goes, it gets a
 * new instance id, and its copies are filled from in-sync ones. Point of no return: the emptying.
 */
export async function rebuildNode(input: RebuildInput): Promise<OperationReport> {
  const children = childrenOf(input.options);
  const { node, who, why, resume } = input;
  const resumed = resumedOf(input);
  return operate(
    {
      ...{ kind: 'rebuild', origin: { who, why }, nodes: [node], total: 0 },
      documentsPerSecond: rateOf(input),
      ...(resumed === undefined ? {} : { resumed }),
    },
    async (operation) => {
      if (resume === undefined) {
        const group = await check(operation, input);
        await withClaim(operation, [group], () => takeOver(operation, input));
      }
      // The node is one of the fleet again; what is left is a repair, which may be cancelled.
      operation.state.cancellable = true;
      const request = { node, physicalUid: null };
      const work: PlannedWork = {
        ...{ options: { ...input.options, autoApprove: true }, claims: true, resume },
        plan: () => planRepair(request),
        check: (plan) => checkPlan({ plan, rebalance: null, repair: request }),
        continueWith: (next) => continueAsNew<typeof rebuildNode>({ ...input, resume: next }),
      };
      return finishByReport(operation, await runByPlan(operation, work, children));
    },
    children,
  );
}

async function check(operation: Operation, input: RebuildInput): Promise<GroupId> {
  const { node, acceptLoss } = input;
  await operation.enter('check');
  const verdict = await operation.cancellable(() => checkRebuild({ node, acceptLoss }));
  if (!verdict.ok) throw fatal('rebuild-refused', verdict.reason);
  return verdict.group;
}

async function takeOver(operation: Operation, { node, who, why }: RebuildInput): Promise<void> {
  await operation.enter('disown');
  const { epoch } = await disownCopies({ node, who, why });
  await operation.waiting(`every pod to know epoch ${String(epoch)}`, () =>
    operation.cancellable(() => passBarrier({ epoch, operation: operation.id })),
  );
  await operation.enter('empty');
  // Point of no return: what is on the disk is deleted.
  operation.passPointOfNoReturn();
  await emptyNode({ node });
  await operation.enter('name');
  const verdict = await renameNode({ node, who, why });
  if (!verdict.ok) throw fatal('rebuild-refused', verdict.reason);
}
