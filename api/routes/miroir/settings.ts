import type { FastifyInstance } from 'fastify';
import { applySettings } from '../../../core/settings/apply';
import { physicalVersionOf } from '../../settings/versions';
import { holders } from '../../../core/covering-set';
import type { IndexEntry, JsonValue } from '../../../core/fleet';
import type { SettingsCheckInput } from '../../../core/index-life';
import { settingsCheckId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { planSettings } from '../../settings/plan';
import { oneIndex } from '../target';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';
import { originOf } from './origin';

interface UidParams {
  Params: { uid: string };
}

/** Settings from the operator's side: what a change would cost, which node has what, and a check now. */
export function registerSettingsOperations(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.get<UidParams>('/_miroir/indexes/:uid/settings', options, async (request) =>
    versionsOf(ctx, oneIndex(ctx, request.params.uid)),
  );

  // The body is what `PATCH /indexes/{uid}/settings` would get. Nothing is changed.
  app.post<UidParams>('/_miroir/indexes/:uid/settings/plan', options, async (request) => {
    const entry = oneIndex(ctx, request.params.uid);
    const outcome = applySettings(entry.settings, operatorBody(request));
    if (!outcome.ok) throw outcome.error;
    return await planSettings(ctx, entry, outcome.settings);
  });

  app.post('/_miroir/settings/check', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: ['index', 'repair', 'who', 'why'] });
    const index = fields.optionalString('index');
    const physicalUid = index === null ? null : oneIndex(ctx, index).physicalUid;
    const input: SettingsCheckInput = {
      physicalUid,
      repair: fields.optionalBoolean('repair', ctx.config.settings.repairDrift),
      ...originOf(request),
    };
    const run = await temporalOf(ctx).start({
      workflowType: workflowTypes.settingsCheck,
      workflowId: settingsCheckId(physicalUid),
      args: [input],
    });
    return await reply.code(202).send({ operation: run.workflowId, runId: run.runId });
  });
}

/** What each node that holds the index is known to have. */
async function versionsOf(ctx: ApiContext, entry: IndexEntry): Promise<JsonValue> {
  const notes = await ctx.store.nodeSettingsVersions.ofIndex(entry.physicalUid);
  const nodes = [...holders(entry).keys()].sort().map((node) => {
    const note = notes.find((one) => one.node === node);
    const drift = entry.drifted?.find((one) => one.node === node);
    return {
      node,
      settingsVersion: ctx.settings.versionOn(entry, node),
      notedVersion: note?.settingsVersion ?? null,
      settingsHash: note?.settingsHash ?? null,
      appliedAt: note?.appliedAt ?? null,
      drifted: drift === undefined ? null : [...drift.settings],
      driftedSince: drift?.since ?? null,
    };
  });
  return {
    index: entry.uid,
    settingsVersion: entry.settingsVersion,
    physicalSettingsVersion: physicalVersionOf(entry),
    nodes,
  };
}
