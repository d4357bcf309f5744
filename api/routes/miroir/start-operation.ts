import type { FastifyReply, FastifyRequest } from 'fastify';
import { changedFleet } from '../../../core/changed-fleet';
import { MeiliError } from '../../../core/errors';
import { operationsQueuedMax } from '../../../core/limits';
import type { ChangeInput, Origin, RunOptions } from '../../../core/operations';
import type { PlacementChange } from '../../../core/placement-change';
import { changeId, planId } from '../../../workflows/ids';
import type { WorkflowType } from '../../../workflows/messages';
import { workflowTypes } from '../../../workflows/messages';
import type { ApiContext } from '../../context';
import type { Fields } from '../../http/fields';
import type { StartRun } from '../../temporal-gateway';
import { temporalOf } from './operator-route';
import { originOf } from './origin';
import { runOptions } from './run-options';

interface Start {
  readonly change: PlacementChange;
  readonly fields: Fields;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/**
 * Starts the operation that makes a change, or with `dryRun` the run that only plans it, and answers 202
 * with its id. What the table alone can tell is refused here; what a node must be asked for is refused by
 * the run, in its view.
 */
export async function startChange(ctx: ApiContext, start: Start): Promise<FastifyReply> {
  const { change, fields, request, reply } = start;
  const dryRun = fields.optionalBoolean('dryRun', false);
  const options = runOptions(ctx, fields);
  const run = runOf({ change, options, ...originOf(request) }, dryRun);
  return await startRun(ctx, reply, { change, run, dryRun });
}

export async function startRun(
  ctx: ApiContext,
  reply: FastifyReply,
  start: { readonly change: PlacementChange; readonly run: StartRun; readonly dryRun: boolean },
): Promise<FastifyReply> {
  const { change, run, dryRun } = start;
  const verdict = changedFleet(ctx.fleet.current(), change);
  if (!verdict.ok) throw new MeiliError('miroir_operation_refused', verdict.reason);
  if (!dryRun) await demandPlace(ctx);
  const { workflowId, runId } = await temporalOf(ctx).start(run);
  return await reply.code(202).send({ operation: workflowId, runId, dryRun });
}

/** The run would be refused its place in the queue; it is kinder to say so at once. */
async function demandPlace(ctx: ApiContext): Promise<void> {
  const { queue } = await ctx.store.governor.view();
  if (queue.length < operationsQueuedMax) return;
  throw new MeiliError(
    'miroir_operations_queue_full',
    `${queue.length} operations wait for their turn already. Start this one when some of them are over.`,
  );
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

export function runOf(input: ChangeInput, dryRun: boolean): StartRun {
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
