import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { IndexEntry, JsonValue, Settings } from '../../../core/fleet';
import { joinFilters, normalizeClientFilter } from '../../../core/filter/normalize';
import { bucketFilter } from '../../../core/hidden-fields';
import type { FacetHit } from '../../../core/search/facet-hits';
import { mergeFacetHits } from '../../../core/search/facet-hits';
import { facetOrder, maxValuesPerFacet } from '../../../core/search/facets';
import { hiddenFacetName, hiddenInWrittenFilter } from '../../../core/search/hidden-names';
import { BodyReader } from '../../../core/search/values';
import { authorize } from '../../auth/authorize';
import { tenantFilterOf } from '../../auth/tenant-filter';
import type { ApiContext } from '../../context';
import { askNode, demandAnswered, refusalOf } from '../../search/answers';
import { joinHeaders } from '../../search/headers';
import { scatter } from '../../search/scatter';
import { demandSettings } from '../../settings/min-version';
import { searchTarget } from '../target';
import { wishOf } from './search';

interface IndexParams {
  Params: { indexUid: string };
}
type JsonObject = { [member: string]: JsonValue };

interface NodeFacets {
  readonly facetHits: FacetHit[];
  readonly processingTimeMs: number;
}
interface Asked {
  readonly lists: FacetHit[][];
  /** What the slowest node took. */
  readonly engineMs: number;
  readonly headers: Record<string, string>;
}

/** The members that a node is told; the route ignores all others, so that a search body can be reused. */
const passed = [
  'facetName',
  'facetQuery',
  'q',
  'vector',
  'hybrid',
  'matchingStrategy',
  'attributesToSearchOn',
  'rankingScoreThreshold',
  'locales',
  'exhaustiveFacetCount',
] as const;

export function registerFacetSearch(app: FastifyInstance, ctx: ApiContext): void {
  app.post<IndexParams>(
    '/indexes/:indexUid/facet-search',
    { onRequest: authorize(ctx, 'search') },
    async (request, reply) => {
      const body = demandFacetName(request.body as JsonValue);
      const name = request.params.indexUid;
      const min = await demandSettings(ctx, request, name);
      const { entries } = searchTarget(ctx, name);
      for (const { settings } of entries) demandVisible(body, settings);
      const how = {
        body,
        tenant: tenantFilterOf(ctx, request.caller, name),
        wish: wishOf(request),
        min,
      };
      const asked = await Promise.all(entries.map((entry) => ask(ctx, entry, how)));
      const [{ settings }] = entries;
      const begun = performance.now();
      const facetHits = mergeFacetHits(
        asked.flatMap(({ lists }) => lists),
        {
          order: facetOrder(settings, String(body['facetName'])),
          max: maxValuesPerFacet(settings),
        },
      );
      const headers = joinHeaders(asked.map((one) => one.headers));
      const facetQuery = body['facetQuery'] ?? null;
      // As the engine's: the work, without the way of requests.
      const slowest = Math.max(...asked.map(({ engineMs }) => engineMs));
      const processingTimeMs = slowest + Math.floor(performance.now() - begun);
      return await reply.headers(headers).send({ facetHits, facetQuery, processingTimeMs });
    },
  );
}

/** A node knows the hidden fields and would answer. */
function demandVisible(body: JsonObject, settings: Settings): void {
  const hidden = hiddenInWrittenFilter(body['filter'] ?? null, settings);
  if (hidden !== null) throw new MeiliError('invalid_search_filter', hidden);
  const hiddenName = hiddenFacetName(String(body['facetName']), settings);
  if (hiddenName !== null) throw hiddenName;
}

async function ask(
  ctx: ApiContext,
  entry: IndexEntry,
  how: {
    body: JsonObject;
    tenant: JsonValue;
    wish: 'partial' | 'error' | undefined;
    min: number | null;
  },
): Promise<Asked> {
  const base: JsonObject = {};
  for (const name of passed) {
    const value = how.body[name];
    if (value !== undefined) base[name] = value;
  }
  const route = 'facet-search';
  const read = await scatter(ctx, {
    entry,
    shards: null,
    fingerprint: JSON.stringify([entry.physicalUid, base]),
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    minSettingsVersion: how.min,
    ask: (part, deadlineMs) => {
      const ours = part.filtered ? bucketFilter(part.shards, entry.shardCount) : null;
      const filter = joined(ours, how.tenant, how.body['filter'] ?? null);
      const body = filter === null ? base : { ...base, filter };
      return askNode(ctx, part.node, { entry, route, body, deadlineMs });
    },
  });
  const refused = read.parts.find(({ answer }) => answer.status >= 400);
  if (refused !== undefined) {
    const filter = how.body['filter'];
    const body = filter === undefined ? base : { ...base, filter };
    throw await refusalOf(ctx, refused, { entry, route, body });
  }
  const headers = demandAnswered(ctx, read, how.wish);
  const answers = read.parts.map(
    ({ answer }) => JSON.parse(answer.bytes.toString('utf8')) as NodeFacets,
  );
  const engineMs = Math.max(0, ...answers.map(({ processingTimeMs }) => processingTimeMs));
  return { lists: answers.map(({ facetHits }) => facetHits), engineMs, headers };
}

function joined(ours: string | null, tenant: JsonValue, client: JsonValue): JsonValue {
  const rule = normalizeClientFilter(tenant);
  const wanted = normalizeClientFilter(client);
  return joinFilters(ours, rule.ok ? rule.parts : tenant, wanted.ok ? wanted.parts : client);
}

function demandFacetName(body: JsonValue): JsonObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new BodyReader('', 'bad_request').wrongType('an object', body);
  }
  const name = body['facetName'];
  if (name === undefined) {
    throw new MeiliError('missing_facet_search_facet_name', 'Missing field `facetName`');
  }
  if (typeof name !== 'string') {
    throw new BodyReader('.facetName', 'invalid_facet_search_facet_name').wrongType(
      'a string',
      name,
    );
  }
  return body;
}
