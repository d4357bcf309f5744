import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import { differenceIdsMax } from '../../../core/anti-entropy';
import type { AntiEntropyReport } from '../../../core/anti-entropy';
import type { AntiEntropyInput } from '../../../core/upkeep';
import { antiEntropyId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';
import { originOf } from './origin';
import { runOptionFields, runOptions } from './run-options';

interface IdParams {
  Params: { id: string };
}

/** Comparing all copies with each other: now, beside the schedule, and what the runs found. */
export function registerAntiEntropy(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  app.post('/_miroir/anti-entropy', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), {
      known: ['index', 'repair', ...runOptionFields],
    });
    const index = fields.optionalString('index');
    const entry = index === null ? null : (ctx.fleet.index(index)?.entry ?? null);
    if (index !== null && entry === null) {
      throw new MeiliError('index_not_found', `Index \`${index}\` not found.`);
    }
    const { antiEntropy } = ctx.config;
    const rate = fields.optionalNumber('documentsPerSecond', { min: 1, integer: true });
    const input: AntiEntropyInput = {
      physicalUid: entry?.physicalUid ?? null,
      repair: fields.optionalBoolean('repair', antiEntropy.repair),
      documentsPerSecond: rate ?? antiEntropy.documentsPerSecond,
      options: { ...runOptions(ctx, fields), autoApprove: true },
      ...originOf(request),
    };
    const run = await temporalOf(ctx).start({
      workflowType: workflowTypes.antiEntropy,
      workflowId: antiEntropyId,
      args: [input],
    });
    return await reply.code(202).send({ operation: run.workflowId, report: run.runId });
  });

  app.get('/_miroir/anti-entropy/reports', options, async () => {
    const reports = await ctx.store.antiEntropyReports.list();
    return { results: reports.map(withoutLists).reverse() };
  });

  app.get<IdParams>('/_miroir/anti-entropy/reports/:id', options, async (request) => {
    const report = await ctx.store.antiEntropyReports.get(request.params.id);
    if (report === null) {
      throw new MeiliError('miroir_not_found', `Report \`${request.params.id}\` not found.`);
    }
    return { ...report, idsMax: differenceIdsMax };
  });
}

function withoutLists({ differences, passedOver, ...report }: AntiEntropyReport): object {
  const undecided = differences.filter(({ verdict }) => verdict.kind === 'undecided').length;
  return {
    ...report,
    ...{ differences: differences.length, undecided, passedOver: passedOver.length },
  };
}
