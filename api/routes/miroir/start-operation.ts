import type { FastifyReply, FastifyRequest } from 'fastify';
import { changedFleet } from '../../../core/changed-fleet';
import { MeiliError } from '../../../core/errors';
import { operationsQueuedMax } from '../../../core/limits';
import type { PlacementChange } from '../../../core/placement-change';
import { runOf } from '../../../workflows/start-change';
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
