import type { FastifyInstance } from 'fastify';
import type { ArchiveSchedule, ArchiveScheduleName } from '../../../core/archives/types';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { durationMs } from '../../../core/rollover';
import { recordLeases } from '../../../store/exclusive';
import {
  archiveSchedule,
  archiveScheduleIds,
  effectiveSchedule,
} from '../../../workflows/archive-schedules';
import { demandDepot } from '../../archives';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { exclusive } from './exclusive';
import { operatorBody, operatorRoute } from './operator-route';
import { originOf } from './origin';
import { deleteSchedule, putSchedule, timesOfSchedule } from './schedules';
import { startBackup, startDrill } from './start-backup';

interface NameParams {
  Params: { name: string };
}

const names: readonly ArchiveScheduleName[] = ['backup', 'drill'];
const everyMsMin = 60_000;
const everyMsMax = 366 * 24 * 3_600_000;
const keepMax = 10_000;
const noteMax = 500;
const base = '/_miroir/backups/schedules';

/**
 * The schedules of backups and of the drills that prove them. What an operator says of one is a record and
 * wins over the configuration; without it the configuration's counts again.
 */
export function registerArchiveSchedules(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  const { archiveSchedules } = ctx.store;

  app.get(base, options, async () => ({
    results: await Promise.all(names.map((name) => viewOf(ctx, name))),
  }));

  app.get<NameParams>(`${base}/:name`, options, (request) =>
    viewOf(ctx, readName(request.params.name)),
  );

  app.put<NameParams>(`${base}/:name`, options, async (request) => {
    const name = readName(request.params.name);
    demandPlaces(ctx, name);
    return await change(ctx, name, (present) => readSchedule(name, operatorBody(request), present));
  });

  app.delete<NameParams>(`${base}/:name`, options, async (request, reply) => {
    const name = readName(request.params.name);
    await exclusive(ctx, recordLeases.archiveSchedules, async () => {
      if (!(await archiveSchedules.delete(name))) {
        throw new MeiliError(
          'miroir_not_found',
          `Nobody has set the schedule \`${name}\`: it is as the configuration says.`,
        );
      }
      await follow(ctx, name, null);
    });
    return await reply.code(204).send();
  });

  for (const [verb, enabled] of [
    ['pause', false],
    ['resume', true],
  ] as const) {
    app.post<NameParams>(`${base}/:name/${verb}`, options, async (request) => {
      const name = readName(request.params.name);
      const fields = new Fields(operatorBody(request), { known: ['note', 'who', 'why'] });
      const note = fields.optionalString('note');
      if (note !== null && note.length > noteMax) {
        throw fields.invalid('note', `expected at most ${noteMax} characters`);
      }
      return await change(ctx, name, (present) => {
        if (effectiveSchedule(ctx.config, name, present).source === 'none') {
          throw new MeiliError(
            'miroir_not_found',
            `There is no schedule \`${name}\`: set it first.`,
          );
        }
        const { pauseNote: _before, ...rest } = present ?? asConfigured(name);
        return { ...rest, enabled, ...(enabled || note === null ? {} : { pauseNote: note }) };
      });
    });
  }

  // Beside the schedule; the fixed id keeps two runs apart.
  app.post<NameParams>(`${base}/:name/run`, options, async (request, reply) => {
    const name = readName(request.params.name);
    new Fields(operatorBody(request), { known: ['who', 'why'] });
    demandPlaces(ctx, name);
    const origin = originOf(request);
    const started = name === 'backup' ? startBackup(ctx, origin) : startDrill(ctx, null, origin);
    return await reply.code(202).send(await started);
  });
}

function readName(text: string): ArchiveScheduleName {
  const name = names.find((one) => one === text);
  if (name !== undefined) return name;
  throw new MeiliError('miroir_not_found', 'The schedules are `backup` and `drill`.');
}

function demandPlaces(ctx: ApiContext, name: ArchiveScheduleName): void {
  demandDepot(ctx, 'backups');
  // What a drill cannot restore is set aside there.
  if (name === 'drill') demandDepot(ctx, 'dumps');
}

/** A record and its schedule, in one order with everybody else's changes. */
async function change(
  ctx: ApiContext,
  name: ArchiveScheduleName,
  to: (present: ArchiveSchedule | null) => Omit<ArchiveSchedule, 'updatedAt'>,
): Promise<object> {
  const { archiveSchedules } = ctx.store;
  return await exclusive(ctx, recordLeases.archiveSchedules, async () => {
    const present = await archiveSchedules.get(name);
    const record = { ...to(present), updatedAt: new Date().toISOString() };
    await archiveSchedules.put(record);
    await follow(ctx, name, record);
    return await viewOf(ctx, name);
  });
}

async function follow(
  ctx: ApiContext,
  name: ArchiveScheduleName,
  record: ArchiveSchedule | null,
): Promise<void> {
  const wanted = archiveSchedule(ctx.config, name, record);
  if (wanted === null) await deleteSchedule(ctx, archiveScheduleIds[name]);
  else await putSchedule(ctx, wanted);
}

const asConfigured = (name: ArchiveScheduleName): Omit<ArchiveSchedule, 'updatedAt'> => ({
  ...{ name, enabled: true, everyMs: null, jitterMs: null, catchUpMs: null, keep: null },
});

/** A body says all of a schedule but whether it is paused, which stays as it is unless the body says so. */
function readSchedule(
  name: ArchiveScheduleName,
  body: JsonValue,
  present: ArchiveSchedule | null,
): Omit<ArchiveSchedule, 'updatedAt'> {
  const fields = new Fields(body, {
    known: ['every', 'jitter', 'catchUp', 'keep', 'enabled', 'who', 'why'],
  });
  const every = readDuration(fields, 'every');
  if (every !== null && (every < everyMsMin || every > everyMsMax)) {
    throw fields.invalid('every', 'expected from 1m to 366d');
  }
  const keep = fields.optionalNumber('keep', { min: 1, integer: true });
  if (keep !== null && name === 'drill') {
    throw fields.invalid('keep', 'drills keep nothing; it is for `backup`');
  }
  if (keep !== null && keep > keepMax) throw fields.invalid('keep', `expected 1 to ${keepMax}`);
  const enabled = fields.optionalBoolean('enabled', present?.enabled ?? true);
  const note = present?.pauseNote;
  return {
    ...{ name, enabled, everyMs: every, keep },
    jitterMs: readDuration(fields, 'jitter'),
    catchUpMs: readDuration(fields, 'catchUp'),
    ...(enabled || note === undefined ? {} : { pauseNote: note }),
  };
}

/** `0s` is a wish of its own where nothing else is asked of the value. */
function readDuration(fields: Fields, name: 'every' | 'jitter' | 'catchUp'): number | null {
  const text = fields.optionalString(name);
  if (text === null) return null;
  const ms = name === 'jitter' && text === '0s' ? 0 : durationMs(text);
  if (ms !== null) return ms;
  throw fields.invalid(name, 'expected a time like `30m`, `12h` or `7d`');
}

async function viewOf(ctx: ApiContext, name: ArchiveScheduleName): Promise<object> {
  const record = await ctx.store.archiveSchedules.get(name);
  const effective = effectiveSchedule(ctx.config, name, record);
  const times =
    effective.source === 'none' ? null : await timesOfSchedule(ctx, archiveScheduleIds[name]);
  return {
    ...effective,
    next: effective.enabled ? (times?.next ?? null) : null,
    lastStarted: times?.lastStarted ?? null,
    updatedAt: record?.updatedAt ?? null,
  };
}
