import {
  CancellationScope,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  proxyActivities,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { Activities } from '../activities/types';
import type { NodeId } from '../core/ids';
import type {
  NodeInspection,
  UpgradedNode,
  UpgradeInput,
  UpgradePlanNode,
  UpgradeReport,
} from '../core/upgrade';
import { withClaim } from './claim';
import { fatal } from './failures';
import { operate } from './handlers';
import { repairId } from './ids';
import type { Operation } from './operation';
import type { OperationSpec } from './operation-state';
import { canaryPauseMs, historyEventsMax, longWait, quickChange, quickRead } from './policies';
import { handleProceed } from './proceed';
import type { Outside } from './proceed';
import { childrenOf } from './children';
import { repairAsChild } from './repair-as-child';
import { waitForApproval } from './run-plan';
import type { Children } from './children';
import { line } from './summaries/line';

const { planUpgrade, countStale, canariesAreGreen } =
  proxyActivities<Pick<Activities, 'planUpgrade' | 'countStale' | 'canariesAreGreen'>>(quickRead);
const { restNode } = proxyActivities<Pick<Activities, 'restNode'>>(quickChange);
const { passBarrier, inspectNode, awaitVersion } =
  proxyActivities<Pick<Activities, 'passBarrier' | 'inspectNode' | 'awaitVersion'>>(longWait);
const { restartNode } = proxyActivities<Pick<Activities, 'restartNode'>>({
  ...longWait,
  retry: { maximumAttempts: 3 },
});

/** Writes that are missed while one repair runs are the next one's; with reads away there are few. */
const repairRoundsMax = 5;

interface Upgrade {
  readonly input: UpgradeInput;
  readonly outside: Outside;
  readonly children: Children;
}

function specOf(input: UpgradeInput): OperationSpec {
  const { resume, options } = input;
  return {
    kind: 'upgrade',
    origin: { who: input.who, why: input.why },
    nodes: input.nodes,
    total: resume?.plan.nodes.length ?? input.nodes.length,
    documentsPerSecond: options.documentsPerSecond,
    ...(resume === undefined
      ? {}
      : {
          resumed: {
            ...{ startedAt: resume.startedAt, paused: resume.paused, documentsCopied: 0 },
            approvedBy: resume.approvedBy,
          },
        }),
  };
}

/**
 * Restarts nodes one by one: reads go elsewhere, the node is restarted by the operator or by a command,
 * it must come back as itself and with the wanted version, what it missed is filled again, canaries are
 * green, and it is read again; then the next. Point of no return: none; a cancel leaves the nodes that
 * are done as they are and reads the present one again.
 */
export async function upgradeNodes(input: UpgradeInput): Promise<UpgradeReport> {
  // A repair shares the rate itself.
  const children = childrenOf({ parallelSyncs: 1 });
  return operate(
    specOf(input),
    async (operation) => {
      const { state } = operation;
      const upgrade: Upgrade = { input, children, outside: handleProceed(operation) };
      const planned = await planAndApprove(operation, input);
      if (planned === 'expired') {
        await operation.finish('canceled', 'Nobody approved the plan in time.');
        return { outcome: 'expired', nodes: [] };
      }
      const finished: UpgradedNode[] = [...(input.resume?.finished ?? [])];
      state.total = planned.nodes.length;
      for (const node of planned.nodes.slice(finished.length)) {
        if (state.canceledBy !== null) break;
        if (isLong(input) && input.resume?.finished.length !== finished.length) {
          if (!(await operation.mayContinue())) break;
          const { startedAt } = operation;
          const { approvedBy, paused, documentsPerSecond } = state;
          const resume = { plan: planned, approvedBy, finished, startedAt, paused };
          const options = { ...input.options, documentsPerSecond };
          return continueAsNew<typeof upgradeNodes>({ ...input, options, resume });
        }
        state.done = finished.length;
        finished.push(await upgradeNode(operation, upgrade, node));
      }
      state.done = finished.length;
      state.phase = 'done';
      const canceled = state.canceledBy !== null && finished.length < planned.nodes.length;
      await operation.finish(canceled ? 'canceled' : 'succeeded', null);
      const outcome = planned.nodes.length === 0 ? 'nothing-to-do' : canceled ? 'canceled' : 'done';
      return { outcome, nodes: finished };
    },
    children,
  );
}

const isLong = ({ options }: UpgradeInput): boolean => {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return historyLength >= (options.historyEventsMax ?? historyEventsMax) || continueAsNewSuggested;
};

async function planAndApprove(operation: Operation, input: UpgradeInput) {
  const { state } = operation;
  if (input.resume !== undefined) {
    state.plan = input.resume.plan;
    return input.resume.plan;
  }
  await operation.enter('plan');
  const plan = await operation.cancellable(() => planUpgrade(input));
  state.plan = plan;
  if (plan.refused.length > 0) throw fatal('upgrade-refused', `${plan.refused.join('; ')}.`);
  if (plan.nodes.length === 0 || input.options.autoApprove) return plan;
  return (await waitForApproval(operation, input.options)) ? plan : 'expired';
}

async function upgradeNode(
  operation: Operation,
  upgrade: Upgrade,
  planned: UpgradePlanNode,
): Promise<UpgradedNode> {
  const { node, group, version: from } = planned;
  let rested = false;
  try {
    // While it is away nobody may move shards to or from its group; its repair claims the group itself.
    const back = await withClaim(operation, [group], async () => {
      await rest(operation, upgrade, node);
      rested = true;
      return bringBack(operation, upgrade, planned);
    });
    const repaired = await catchUp(operation, upgrade, node);
    await waitForCanaries(operation, back, node);
    await operation.enter(`serve ${node}`);
    await wake(upgrade.input, node);
    return { node, from, to: back.version ?? '', repaired };
  } catch (error) {
    operation.state.cancellable = false;
    if (rested) await wakeIfWell(operation, upgrade.input, node, isCancellation(error));
    throw error;
  }
}

/** From the barrier on no pod reads the node for what others have. */
async function rest(operation: Operation, { input }: Upgrade, node: NodeId): Promise<void> {
  const { who, why, acceptUnavailable } = input;
  await operation.enter(`rest ${node}`);
  const epoch = await restNode({ node, resting: true, acceptUnavailable, who, why });
  await operation
    .cancellable(() =>
      operation.waiting(`every pod to know epoch ${String(epoch)}`, () =>
        passBarrier({ epoch, operation: operation.id }),
      ),
    )
    .catch(async (error: unknown) => {
      await wake(input, node);
      throw error;
    });
}

/** Restarted until it is back as it should be; what is wrong with it is shown until somebody mends it. */
async function bringBack(
  operation: Operation,
  { input, outside }: Upgrade,
  { node, version: from }: UpgradePlanNode,
): Promise<NodeInspection> {
  const { version, restart } = input;
  const wish = version === null ? 'it' : `it with version ${version}`;
  let reason = `restart of ${node}: stop it, start ${wish}, then proceed`;
  let byCommand = restart === 'command';
  let runs = from;
  for (;;) {
    await operation.enter(`restart ${node}`);
    await operation.cancellable(() =>
      byCommand
        ? operation.waiting(`the restart command for ${node}`, () => restartNode({ node, version }))
        : restartedByHand(outside, reason, { node, version: version === runs ? null : version }),
    );
    await operation.enter(`inspect ${node}`);
    const seen = await operation.cancellable(() => inspectNode({ node, version, patient: true }));
    if (seen.ok) return seen;
    // What a command could not bring about is for a person to look at.
    byCommand = false;
    // A node that has the version already would be seen at once, and looked at again without end.
    runs = seen.version;
    reason = `${seen.reason ?? node}; mend it, then proceed, or cancel`;
  }
}

/** The operator's word, or the wanted version at the node: whichever comes first. */
async function restartedByHand(
  outside: Outside,
  reason: string,
  { node, version }: { readonly node: NodeId; readonly version: string | null },
): Promise<void> {
  if (version === null) {
    await outside.wait(reason);
    return;
  }
  const watch = new CancellationScope();
  let seen = false;
  watch
    .run(() => awaitVersion({ node, version }))
    .then(() => {
      seen = true;
    })
    // The watch is a help: without it the operator's word is still waited for.
    .catch(() => undefined);
  try {
    await outside.wait(reason, { seen: () => seen });
  } finally {
    watch.cancel();
  }
}

/** Fills again what missed a write while the node was down. */
async function catchUp(
  operation: Operation,
  { input, children }: Upgrade,
  node: NodeId,
): Promise<number> {
  let repaired = 0;
  for (let round = 0; round < repairRoundsMax;) {
    const stale = await operation.cancellable(() => countStale({ node }));
    if (stale === 0) return repaired;
    await operation.enter(`repair ${node}`);
    if (await repair(operation, input, { node, children })) {
      repaired += stale;
      round += 1;
    }
  }
  throw fatal('still-stale', `${node} misses writes faster than they can be filled again.`);
}

/** False: another repair of the node was under way; it is waited for a little, then looked at again. */
async function repair(
  operation: Operation,
  input: UpgradeInput,
  { node, children }: { readonly node: NodeId; readonly children: Children },
): Promise<boolean> {
  const { who, why, options } = input;
  const { documentsPerSecond } = operation.state;
  const workflowId = repairId(node);
  children.ids.add(workflowId);
  try {
    await operation.cancellable(() =>
      operation.waiting(`${workflowId}`, () =>
        repairAsChild(operation, children, {
          parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
          input: {
            ...{ node, physicalUid: null, who, why },
            options: { ...options, autoApprove: true, documentsPerSecond },
          },
        }),
      ),
    );
    return true;
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await operation.cancellable(() =>
      operation.waiting(`${workflowId}, which is running already`, () =>
        sleep(canaryPauseMs, { summary: `${workflowId} is running already` }),
      ),
    );
    return false;
  } finally {
    children.ids.delete(workflowId);
  }
}

async function waitForCanaries(
  operation: Operation,
  { indexes }: NodeInspection,
  node: NodeId,
): Promise<void> {
  await operation.enter(`canaries ${node}`);
  for (const index of indexes) {
    for (;;) {
      const verdict = await operation.cancellable(() => canariesAreGreen({ index }));
      if (verdict.ok) break;
      await operation.cancellable(() =>
        operation.waiting(verdict.reason, () =>
          sleep(canaryPauseMs, { summary: line(verdict.reason) }),
        ),
      );
    }
  }
}

const wake = async ({ who, why }: UpgradeInput, node: NodeId): Promise<void> => {
  await restNode({ node, resting: false, acceptUnavailable: true, who, why });
};

/**
 * A node that came back as itself is read again. One that did not stays unread: it would answer with
 * what it does not have. The operator is told, because nothing else will wake it.
 */
async function wakeIfWell(
  operation: Operation,
  input: UpgradeInput,
  node: NodeId,
  canceled: boolean,
): Promise<void> {
  const seen = await inspectNode({ node, version: null, patient: false });
  if (seen.ok) {
    await wake(input, node);
    return;
  }
  const text = `${node} stays unread: ${seen.reason ?? 'it is not well'}`;
  await operation.finish(canceled ? 'canceled' : 'failed', text);
}
