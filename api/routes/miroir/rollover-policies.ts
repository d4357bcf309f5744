import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { indexUid } from '../../../core/ids';
import type { RolloverInput } from '../../../core/operations';
import { parseRules, timesOf } from '../../../core/rollover';
import type { RolloverPolicy, RolloverTerms } from '../../../store/record-types';
import { recordLeases } from '../../../store/exclusive';
import { rolloverId, rolloverScheduleId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import { rolloverSchedule } from '../../../workflows/schedules';
import { exclusive } from './exclusive';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';

import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { originOf } from './origin';
import { backfillSchedule, deleteSchedule, putSchedule } from './schedules';

const noteMax = 500;
const backfillRunsMax = 100;
/** A run ends by the version it began with; of more changes than this within one run it is undone. */
const earlierMax = 10;

interface NameParams {
  Params: { name: string };
}

/** Rollover policies. The record is the truth; the schedule in Temporal is made to follow it. */
export function registerRolloverPolicies(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  const { rolloverPolicies } = ctx.store;
  registerVerbs(app, ctx);

  app.get('/_miroir/rollover-policies', options, async () => ({
    results: await rolloverPolicies.list(),
  }));

  app.get<NameParams>('/_miroir/rollover-policies/:name', options, (request) =>
    find(ctx, request.params.name),
  );

  app.put<NameParams>('/_miroir/rollover-policies/:name', options, async (request, reply) => {
    const { name } = request.params;
    const { policy, created } = await exclusive(ctx, recordLeases.policies, async () => {
      const set = await setPolicy(ctx, name, operatorBody(request));
      await schedule(ctx, set.policy);
      return set;
    });
    return await reply.code(created ? 201 : 200).send(policy);
  });

  app.delete<NameParams>('/_miroir/rollover-policies/:name', options, async (request, reply) => {
    const { name } = request.params;
    await exclusive(ctx, recordLeases.policies, async () => {
      await deleteSchedule(ctx, rolloverScheduleId(name));
      if (!(await rolloverPolicies.delete(name))) throw notFound(name);
    });
    return await reply.code(204).send();
  });
}

/** Creates or changes a policy. A file that is applied again and says the same makes no new version. */
async function setPolicy(
  ctx: ApiContext,
  name: string,
  body: JsonValue,
): Promise<{ policy: RolloverPolicy; created: boolean }> {
  const { rolloverPolicies } = ctx.store;
  const present = await rolloverPolicies.get(name);
  const wanted = readPolicy(name, body, present);
  await demandFreeAlias(ctx, wanted);
  if (present === null) {
    if (await rolloverPolicies.create(wanted)) return { policy: wanted, created: true };
  } else {
    // Read again from the body on what is there now, so that a pause in between is not lost.
    const policy = await rolloverPolicies.update(name, (now) => {
      const next = readPolicy(name, body, now);
      return sameTerms(now, next) ? now : next;
    });
    if (policy !== null) return { policy, created: false };
  }
  throw new MeiliError(
    'miroir_operation_refused',
    `The policy \`${name}\` was made or deleted by somebody else meanwhile. Retry.`,
  );
}

/** Pause, resume, run now, and runs for a time that was missed. */
function registerVerbs(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  const { rolloverPolicies } = ctx.store;

  for (const [verb, enabled] of [
    ['pause', false],
    ['resume', true],
  ] as const) {
    app.post<NameParams>(`/_miroir/rollover-policies/:name/${verb}`, options, async (request) => {
      const fields = new Fields(operatorBody(request), { known: ['note', 'who', 'why'] });
      const note = readNote(fields);
      return await exclusive(ctx, recordLeases.policies, async () => {
        const policy = await rolloverPolicies.update(request.params.name, (now) => {
          const { pauseNote: _before, ...rest } = now;
          return { ...rest, enabled, ...(enabled || note === null ? {} : { pauseNote: note }) };
        });
        if (policy === null) throw notFound(request.params.name);
        await schedule(ctx, policy);
        return policy;
      });
    });
  }

  // Runs for a time that the schedule missed, one after another.
  app.post<NameParams>(
    '/_miroir/rollover-policies/:name/backfill',
    options,
    async (request, reply) => {
      const fields = new Fields(operatorBody(request), { known: ['from', 'to', 'who', 'why'] });
      const policy = await find(ctx, request.params.name);
      const { everyMs } = timesOf(policy.triggers);
      const span = readSpan(fields, everyMs);
      await backfillSchedule(ctx, rolloverScheduleId(policy.name), span);
      const runs = Math.floor((span.end.getTime() - span.start.getTime()) / everyMs);
      return await reply.code(202).send({ schedule: rolloverScheduleId(policy.name), runs });
    },
  );

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
}

function sameTerms(a: RolloverPolicy, b: RolloverPolicy): boolean {
  const terms = ({ enabled, ...policy }: RolloverPolicy): string =>
    JSON.stringify([enabled, { ...termsOf(policy), version: 0 }]);
  return terms(a) === terms(b);
}

function termsOf(policy: RolloverTerms): RolloverTerms {
  const { version, writeAlias, readAlias, pattern, triggers, retention, template } = policy;
  return { version, writeAlias, readAlias, pattern, triggers, retention, template };
}

function readNote(fields: Fields): string | null {
  const note = fields.optionalString('note');
  if (note === null || note.length <= noteMax) return note;
  throw fields.invalid('note', `expected at most ${noteMax} characters`);
}

function readSpan(fields: Fields, everyMs: number): { start: Date; end: Date } {
  const at = (name: string): Date => {
    const date = new Date(fields.string(name));
    if (Number.isNaN(date.getTime())) throw fields.invalid(name, 'expected a time as in RFC 3339');
    return date;
  };
  const span = { start: at('from'), end: at('to') };
  const runs = (span.end.getTime() - span.start.getTime()) / everyMs;
  if (runs <= 0) throw fields.invalid('to', 'must be after `from`');
  if (runs > backfillRunsMax) {
    throw fields.invalid('to', `this would be more than ${backfillRunsMax} runs`);
  }
  return span;
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
    // A policy that somebody paused stays so when its file, which says nothing of it, is applied again.
    enabled: fields.optionalBoolean('enabled', present?.enabled ?? true),
    writeAlias: indexUid(fields.string('write_alias')),
    readAlias: readAlias === null ? null : indexUid(readAlias),
    pattern: fields.string('pattern'),
    triggers: fields.object('triggers'),
    retention: fields.object('retention'),
    template: fields.optionalObject('template'),
    updatedAt: new Date().toISOString(),
    ...(present === null
      ? {}
      : { earlier: [...(present.earlier ?? []), termsOf(present)].slice(-earlierMax) }),
  };
  const paused = present?.pauseNote !== undefined && !policy.enabled;
  if (policy.writeAlias === policy.readAlias) {
    throw new MeiliError('bad_request', '`write_alias` and `read_alias` must be two names.');
  }
  const rules = parseRules(policy);
  if (!rules.ok) throw new MeiliError('bad_request', rules.message);
  return paused ? { ...policy, pauseNote: present.pauseNote } : policy;
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
