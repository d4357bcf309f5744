import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { AliasEntry, Fleet } from '../../../core/fleet';
import type { IndexUid } from '../../../core/ids';
import { indexUid } from '../../../core/ids';
import { aliasHistoryMax, indexUidBytesMax } from '../../../core/limits';
import type { FleetOp } from '../../../store/types';
import { operatorBody, operatorRoute } from './operator-route';

import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { originOf } from './origin';

interface NameParams {
  Params: { name: string };
}

/** Aliases: a name that clients use as an index uid. Each flip is one change of the fleet. */
export function registerAliases(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.get('/_miroir/aliases', options, () => ({ results: ctx.fleet.current().aliases }));

  app.get<NameParams>('/_miroir/aliases/:name', options, (request) =>
    find(ctx.fleet.current(), request.params.name),
  );

  app.put<NameParams>('/_miroir/aliases/:name', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['target', 'targets', 'requireTargetExists', 'who', 'why'],
    });
    const name = readName(request.params.name);
    const targets = readTargets(fields);
    const required = fields.optionalBoolean('requireTargetExists', true);
    const { who, why } = originOf(request);
    let created = false;
    const fleet = await ctx.store.fleet.update({ who, why, what: `alias ${name}` }, (now) => {
      demandPossible(now, name, required ? targets : []);
      created = !now.aliases.some((alias) => alias.name === name);
      return [flip(now, name, targets)];
    });
    await ctx.fleet.reload(fleet.epoch);
    return await reply.code(created ? 201 : 200).send(find(fleet, name));
  });

  app.post<NameParams>('/_miroir/aliases/:name/rollback', options, async (request) => {
    new Fields(operatorBody(request), { known: ['who', 'why'] });
    const name = readName(request.params.name);
    const { who, why } = originOf(request);
    const fleet = await ctx.store.fleet.update(
      { who, why, what: `roll back alias ${name}` },
      (now) => {
        const before = find(now, name).history.at(-1);
        if (before === undefined) {
          throw new MeiliError(
            'miroir_operation_refused',
            `Alias \`${name}\` has no earlier target.`,
          );
        }
        demandPossible(now, name, before.targets);
        return [flip(now, name, before.targets)];
      },
    );
    await ctx.fleet.reload(fleet.epoch);
    return find(fleet, name);
  });

  app.delete<NameParams>('/_miroir/aliases/:name', options, async (request, reply) => {
    const name = readName(request.params.name);
    const fleet = await ctx.store.fleet.update(
      { ...originOf(request), what: `delete alias ${name}` },
      (now) => [{ op: 'remove-alias', name: find(now, name).name }],
    );
    await ctx.fleet.reload(fleet.epoch);
    return await reply.code(204).send();
  });
}

/** The step that points an alias elsewhere and keeps where it pointed, oldest first and bounded. */
function flip(fleet: Fleet, name: IndexUid, targets: readonly IndexUid[]): FleetOp {
  const present = fleet.aliases.find((alias) => alias.name === name);
  const at = new Date().toISOString();
  const history =
    present === undefined
      ? []
      : [...present.history, { at, targets: present.targets }].slice(-aliasHistoryMax);
  const flips = present === undefined ? 0 : (present.flips ?? present.history.length) + 1;
  return { op: 'set-alias', alias: { name, targets, history, flips } };
}

function demandPossible(fleet: Fleet, name: IndexUid, targets: readonly IndexUid[]): void {
  if (fleet.indexes.some((entry) => entry.uid === name)) {
    throw new MeiliError('miroir_operation_refused', `\`${name}\` is the name of an index.`);
  }
  for (const target of targets) {
    if (!fleet.indexes.some((entry) => entry.uid === target)) {
      throw new MeiliError('index_not_found', `Index \`${target}\` not found.`);
    }
  }
}

function find(fleet: Fleet, name: string): AliasEntry {
  const alias = fleet.aliases.find((present) => present.name === name);
  if (alias === undefined) throw new MeiliError('miroir_not_found', `Alias \`${name}\` not found.`);
  return alias;
}

function readTargets(fields: Fields): IndexUid[] {
  const one = fields.optionalString('target');
  const many = fields.optionalStrings('targets');
  const targets = many ?? (one === null ? [] : [one]);
  if (targets.length === 0 || (one !== null && many !== null)) {
    throw new MeiliError('bad_request', 'An alias needs either `target` or a list `targets`.');
  }
  if (new Set(targets).size !== targets.length) {
    throw fields.invalid('targets', 'each target may stand once');
  }
  return targets.map(readName);
}

function readName(name: string): IndexUid {
  if (!/^[A-Za-z0-9_-]+$/.test(name) || name.length > indexUidBytesMax) {
    throw new MeiliError(
      'invalid_index_uid',
      `\`${name}\` is not a valid index uid. Index uid can be an integer or a string containing only alphanumeric characters, hyphens (-) and underscores (_), and can not be more than 512 bytes.`,
    );
  }
  return indexUid(name);
}
