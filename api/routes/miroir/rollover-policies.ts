import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { indexUid } from '../../../core/ids';
import type { RolloverInput } from '../../../core/operations';
import { parseRules, timesOf } from '../../../core/rollover';
import type { RolloverPolicy } from '../../../store/record-types';
import { rolloverId, rolloverScheduleId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import { rolloverSchedule } from '../../../workflows/schedules';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';

import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { originOf } from './origin';
import { deleteSchedule, putSchedule } from './schedules';

interface NameParams {
  Params: { name: string };
}

/** Rollover policies. The record is the truth; the schedule in Temporal is made to follow it. */
export function registerRolloverPolicies(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  const { rolloverPolicies } = ctx.store;

  app.get('/_miroir/rollover-policies', options, async () => ({
    results: await rolloverPolicies.list(),
  }));

  app.get<NameParams>('/_miroir/rollover-policies/:name', options, (request) =>
    find(ctx, request.params.name),
  );

  app.put<NameParams>('/_miroir/rollover-policies/:name', options, async (request, reply) => {
    const present = await rolloverPolicies.get(request.params.name);
    const policy = readPolicy(request.params.name, operatorBody(request), present);
    await demandFreeAlias(ctx, policy);
    await rolloverPolicies.put(policy);
    await schedule(ctx, policy);
    return await reply.code(present === null ? 201 : 200).send(policy);
  });

  for (const [verb, enabled] of [
    ['pause', false],
    ['resume', true],
  ] as const) {
    app.post<NameParams>(`/_miroir/rollover-policies/:name/${verb}`, options, async (request) => {
      const policy = await rolloverPolicies.update(request.params.name, (now) => ({
        ...now,
        enabled,
      }));
      if (policy === null) throw notFound(request.params.name);
      await schedule(ctx, policy);
      return policy;
    });
  }

  // Starts a run beside the schedule; its fixed id keeps the two from running at once.
  app.post<NameParams>('/_miroir/rollover-policies/:name/run', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['force', 'dryRun', 'who', 'why'],
    });
    const { name } = await find(ctx, request.params.name);
    const input: RolloverInput = {
      policy: name,
      force: fields.optionalBoolean('force', false),
      dryRun: fields.optionalBoolean('dryRun', false),
      ...originOf(request),
    };
    const run = await temporalOf(ctx).start({
      workflowType: workflowTypes.rolloverAlias,
      workflowId: rolloverId(name),
      args: [input],
    });
    return await reply.code(202).send({ operation: run.workflowId, runId: run.runId });
  });

  app.delete<NameParams>('/_miroir/rollover-policies/:name', options, async (request, reply) => {
    await deleteSchedule(ctx, rolloverScheduleId(request.params.name));
    if (!(await rolloverPolicies.delete(request.params.name))) throw notFound(request.params.name);
    return await reply.code(204).send();
  });
}

async function schedule(ctx: ApiContext, policy: RolloverPolicy): Promise<void> {
  await putSchedule(ctx, rolloverSchedule(policy, timesOf(policy.triggers)));
}

function readPolicy(name: string, body: JsonValue, present: RolloverPolicy | null): RolloverPolicy {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
    throw new MeiliError(
      'bad_request',
      'The name of a policy is 1 to 64 letters, digits, hyphens and underscores.',
    );
  }
  const fields = new Fields(body, {
    known: ['enabled', 'write_alias', 'read_alias', 'pattern', 'triggers', 'retention', 'template'],
  });
  const readAlias = fields.optionalString('read_alias');
  const policy: RolloverPolicy = {
    name,
    version: (present?.version ?? 0) + 1,
    enabled: fields.optionalBoolean('enabled', true),
    writeAlias: indexUid(fields.string('write_alias')),
    readAlias: readAlias === null ? null : indexUid(readAlias),
    pattern: fields.string('pattern'),
    triggers: fields.object('triggers'),
    retention: fields.object('retention'),
    template: fields.optionalObject('template'),
    updatedAt: new Date().toISOString(),
  };
  const rules = parseRules(policy);
  if (!rules.ok) throw new MeiliError('bad_request', rules.message);
  return policy;
}

/** Two policies that flip one alias would undo each other. */
async function demandFreeAlias(ctx: ApiContext, policy: RolloverPolicy): Promise<void> {
  const mine = [policy.writeAlias, policy.readAlias];
  for (const other of await ctx.store.rolloverPolicies.list()) {
    if (other.name === policy.name) continue;
    const taken = [other.writeAlias, other.readAlias].find(
      (alias) => alias !== null && mine.includes(alias),
    );
    if (taken !== undefined) {
      throw new MeiliError(
        'miroir_operation_refused',
        `Alias \`${taken ?? ''}\` is managed by the policy \`${other.name}\`.`,
      );
    }
  }
}

async function find(ctx: ApiContext, name: string): Promise<RolloverPolicy> {
  const policy = await ctx.store.rolloverPolicies.get(name);
  if (policy === null) throw notFound(name);
  return policy;
}

function notFound(name: string): MeiliError {
  return new MeiliError('miroir_not_found', `Rollover policy \`${name}\` not found.`);
}
