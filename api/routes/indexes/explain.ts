import type { FastifyInstance } from 'fastify';
import type { JsonValue } from '../../../core/fleet';
import { parseSearchBody } from '../../../core/search/request';
import { authorize } from '../../auth/authorize';
import { tenantFilterOf } from '../../auth/tenant-filter';
import type { ApiContext } from '../../context';
import { demandKnown, queryOf, readFlag } from '../../http/page';
import { explainSearch } from '../../search/explain';
import { runSearch } from '../../search/search';
import { searchTarget } from '../target';
import { wishOf } from './search';

interface IndexParams {
  Params: { indexUid: string };
}

/**
 * `POST /indexes/{uid}/explain`: the plan of a search, with `?execute=true` also its answer. It shows
 * the filters that tenant rules add, so it asks for a key that may read settings, not one that searches.
 */
export function registerExplain(app: FastifyInstance, ctx: ApiContext): void {
  app.post<IndexParams>(
    '/indexes/:indexUid/explain',
    { onRequest: authorize(ctx, 'settings.get') },
    async (request) => {
      const query = queryOf(request.query);
      demandKnown(query, ['execute']);
      const execute = readFlag(query, 'execute', { otherwise: false, code: 'bad_request' });
      const parsed = parseSearchBody(request.body as JsonValue);
      if (!parsed.ok) throw parsed.error;
      const target = searchTarget(ctx, request.params.indexUid);
      const tenantFilter = tenantFilterOf(ctx, request.caller, request.params.indexUid);
      const plan = await explainSearch(ctx, target, { request: parsed.request, tenantFilter });
      if (!execute) return plan;
      const begun = performance.now();
      const wish = wishOf(request);
      const result = await runSearch(ctx, target, parsed.request, { tenantFilter, wish });
      const tookMs = Math.round((performance.now() - begun) * 100) / 100;
      const answer = JSON.parse(Buffer.from(result.bytes).toString('utf8')) as JsonValue;
      return { ...plan, executed: { tookMs, headers: result.headers, answer } };
    },
  );
}
