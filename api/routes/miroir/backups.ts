import type { FastifyInstance } from 'fastify';
import { backupIds, readManifest } from '../../../archives/backup-archive';
import type { Depot } from '../../../archives/depot';
import type { BackupManifest } from '../../../core/archives/manifest';
import { manifestName } from '../../../core/archives/manifest';
import { MeiliError } from '../../../core/errors';
import type { RestoreDrill } from '../../../store/record-types';
import { demandDepot, withDepot } from '../../archives';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { importFields, importOf, readChoices, readId, startImport } from './imports';
import { operatorBody, operatorRoute } from './operator-route';
import { originOf } from './origin';
import { startBackup, startDrill } from './start-backup';

interface IdParams {
  Params: { id: string };
}

/** Backups: make, list, look at, restore, prove, delete. */
export function registerBackups(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);
  const depotNow = (): Depot => demandDepot(ctx, 'backups');

  app.get('/_miroir/backups', options, async () => {
    const depot = depotNow();
    const drills = new Map((await ctx.store.restoreDrills.list()).map((one) => [one.id, one]));
    const ids = await withDepot(() => backupIds(depot));
    const results = ids.reverse().map((id) => ({ id, drill: shown(drills.get(id)) }));
    return { location: depot.url, results };
  });

  app.get<IdParams>('/_miroir/backups/:id', options, async (request) => {
    const id = readId(request.params.id);
    const manifest = await withDepot(() => readManifest(depotNow(), id));
    return { ...withoutSecrets(manifest), drill: shown(await ctx.store.restoreDrills.get(id)) };
  });

  app.post('/_miroir/backups', options, async (request, reply) => {
    new Fields(operatorBody(request), { known: ['who', 'why'] });
    depotNow();
    return await reply.code(202).send(await startBackup(ctx, originOf(request)));
  });

  app.post('/_miroir/backups/drill', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: ['backup', 'who', 'why'] });
    depotNow();
    const backup = fields.optionalString('backup');
    const one = backup === null ? null : readId(backup);
    return await reply.code(202).send(await startDrill(ctx, one, originOf(request)));
  });

  app.post<IdParams>('/_miroir/backups/:id/restore', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: importFields });
    const id = readId(request.params.id);
    // What is set aside goes to the dumps location.
    demandDepot(ctx, 'dumps');
    await withDepot(() => readManifest(depotNow(), id));
    const source = { kind: 'backup', id } as const;
    const input = importOf(ctx, source, originOf(request), readChoices(fields));
    return await reply.code(202).send(await startImport(ctx, input));
  });

  app.delete<IdParams>('/_miroir/backups/:id', options, async (request, reply) => {
    const id = readId(request.params.id);
    const depot = depotNow();
    if (!(await withDepot(() => backupIds(depot))).includes(id)) {
      throw new MeiliError('miroir_not_found', `There is no backup \`${id}\`.`);
    }
    // The manifest goes first: what is left is no backup any more.
    await withDepot(() => depot.delete(`${id}/${manifestName}`));
    await withDepot(() => depot.deleteAll(`${id}/`));
    await ctx.store.restoreDrills.delete(id);
    return await reply.code(204).send();
  });
}

function shown(drill: RestoreDrill | null | undefined): object | null {
  if (drill === null || drill === undefined) return null;
  const { id: _id, ...result } = drill;
  return result;
}

/** Settings hold the keys of embedders, and parts are of no use to people. */
function withoutSecrets({ indexes, keys, policies, canaries, ...rest }: BackupManifest): object {
  return {
    ...rest,
    indexes: indexes.map(({ settings: _settings, parts, ...index }) => ({
      ...index,
      parts: parts.length,
    })),
    ...{ keys: keys.length, policies: policies.length, canaries: canaries.length },
  };
}
