import { continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/types';
import type { GroupId, NodeId } from '../core/ids';
import type {
  AddNodeInput,
  DrainNodeInput,
  OperationReport,
  PlanResume,
  RemoveNodeInput,
  RunOptions,
} from '../core/operations';
import { fatal } from './failures';
import { operate } from './handlers';
import type { Operation } from './operation';
import type { OperationSpec } from './operation-state';
import { quickChange, quickRead } from './policies';
import { finishByReport, rateOf, rebalanceWork, resumedOf } from './rebalance';
import { childrenOf } from './children';
import { runByPlan } from './run-plan';
import type { Children } from './children';

const { checkNewNode, mayLeave } =
  proxyActivities<Pick<Activities, 'checkNewNode' | 'mayLeave'>>(quickRead);
const {
  adoptNode,
  setNodeIntent,
  forgetCopies,
  removeNode: removeFromTable,
} = proxyActivities<
  Pick<Activities, 'adoptNode' | 'setNodeIntent' | 'forgetCopies' | 'removeNode'>
>(quickChange);

interface NodeOperation {
  readonly who: string;
  readonly why: string;
  readonly options: RunOptions;
  readonly resume?: PlanResume;
}

function specOf(kind: OperationSpec['kind'], input: NodeOperation, node: NodeId): OperationSpec {
  const resumed = resumedOf(input);
  return {
    kind,
    origin: { who: input.who, why: input.why },
    nodes: [node],
    total: 0,
    documentsPerSecond: rateOf(input),
    ...(resumed === undefined ? {} : { resumed }),
  };
}

interface Spread {
  readonly input: NodeOperation;
  readonly group: GroupId;
  readonly parent: string | null;
  readonly children: Children;
  readonly continueWith: (resume: PlanResume) => Promise<never>;
}

const spread = (operation: Operation, s: Spread): Promise<OperationReport> =>
  runByPlan(
    operation,
    rebalanceWork(
      {
        group: s.group,
        options: s.input.options,
        parent: s.parent,
        ...(s.input.resume === undefined ? {} : { resume: s.input.resume }),
      },
      s.continueWith,
    ),
    s.children,
  );

/**
 * Takes a healthy, empty node into the fleet and gives it its fair share of its group. Point of no
 * return: none; a cancel leaves the node in the fleet with what it already answers for.
 */
export async function addNode(input: AddNodeInput): Promise<OperationReport> {
  const children = childrenOf(input.options);
  return operate(
    specOf('add-node', input, input.node.id),
    async (operation) => {
      if (input.resume === undefined) {
        const { resume: _, ...fresh } = input;
        await operation.enter('check');
        const verdict = await operation.cancellable(() => checkNewNode(fresh));
        if (!verdict.ok) throw fatal('node-refused', verdict.reason);
        await operation.enter('adopt');
        await adoptNode(fresh);
      }
      const report = await spread(operation, {
        ...{ input, group: input.node.group, parent: null, children },
        continueWith: (resume) => continueAsNew<typeof addNode>({ ...input, resume }),
      });
      return finishByReport(operation, report);
    },
    children,
  );
}

/**
 * Moves all of a node's shards to the others of its group. Point of no return: none; a cancel makes
 * the node an active one again, with what it still has.
 */
export async function drainNode(input: DrainNodeInput): Promise<OperationReport> {
  const children = childrenOf(input.options);
  return operate(
    specOf('drain-node', input, input.node),
    async (operation) => {
      const report = await drain(operation, {
        ...{ input, node: input.node, lost: false, children },
        continueWith: (resume) => continueAsNew<typeof drainNode>({ ...input, resume }),
      });
      return finishByReport(operation, report);
    },
    children,
  );
}

/**
 * Drains a node, then takes it out of the fleet. Point of no return: the removal from the table, which
 * is refused while the node holds anything.
 */
export async function removeNode(input: RemoveNodeInput): Promise<OperationReport> {
  const children = childrenOf(input.options);
  const { node, lost, who, why } = input;
  return operate(
    specOf('remove-node', input, node),
    async (operation) => {
      const report = await drain(operation, {
        ...{ input, node, lost, children },
        continueWith: (resume) => continueAsNew<typeof removeNode>({ ...input, resume }),
      });
      if (report.outcome !== 'done' && report.outcome !== 'nothing-to-do') {
        return finishByReport(operation, report);
      }
      await operation.enter('remove');
      // Point of no return: the node is forgotten; to have it back it must be added as a new one.
      operation.passPointOfNoReturn();
      const verdict = await removeFromTable({ node, who, why });
      if (!verdict.ok) throw fatal('node-still-needed', verdict.reason);
      return finishByReport(operation, { ...report, outcome: 'done' });
    },
    children,
  );
}

interface Drain {
  readonly input: NodeOperation;
  readonly node: NodeId;
  readonly lost: boolean;
  readonly children: Children;
  readonly continueWith: (resume: PlanResume) => Promise<never>;
}

async function drain(operation: Operation, d: Drain): Promise<OperationReport> {
  const { node, lost, input } = d;
  const origin = { node, who: input.who, why: input.why };
  await operation.enter('check');
  const verdict = await operation.cancellable(() => mayLeave({ node, lost }));
  if (!verdict.ok) throw fatal('node-needed', verdict.reason);
  await setNodeIntent({ ...origin, intent: 'draining', unlessLast: !lost });
  if (lost) await forget(origin);
  try {
    const report = await spread(operation, {
      ...{ input, group: verdict.group, parent: null, children: d.children },
      continueWith: d.continueWith,
    });
    if (report.outcome === 'canceled' || report.outcome === 'expired') await stay(origin, lost);
    return report;
  } catch (error) {
    if (operation.state.canceledBy !== null) await stay(origin, lost);
    throw error;
  }
}

type NodeOrigin = { readonly node: NodeId; readonly who: string; readonly why: string };

/** A dead node's copies leave the table before anything waits for the node. */
async function forget(origin: NodeOrigin): Promise<void> {
  const verdict = await forgetCopies(origin);
  if (!verdict.ok) throw fatal('last-holder', verdict.reason);
}

const stay = (origin: NodeOrigin, lost: boolean): Promise<void> =>
  lost ? Promise.resolve() : setNodeIntent({ ...origin, intent: 'active' });
