import type { NodeAsk } from '../../core/covering-set';
import { MeiliError, isMeiliError } from '../../core/errors';
import type { IndexEntry, JsonValue, Settings } from '../../core/fleet';
import { bucketFilter } from '../../core/hidden-fields';
import { countAnswers } from '../../core/search/federation/count';
import type { Counted } from '../../core/search/federation/count';
import { federatedWindow } from '../../core/search/federation/merge';
import type { IndexAnswer, QueryList } from '../../core/search/federation/query-list';
import {
  asSearchAnswer,
  filteredBody,
  keywordsBody,
  planUnion,
  unionRequest,
} from '../../core/search/federation/union';
import type { UnionPlan } from '../../core/search/federation/union';
import {
  countDistinctUnion,
  outsideKept,
  partListing,
  planDistinct,
} from '../../core/search/federation/distinct-union';
import { knownFacets } from '../../core/search/distinct-list';
import { distinctField } from '../../core/search/fields';
import { compareUtf8 } from '../../core/search/rust-text';
import type { JsonObject, SearchRequest } from '../../core/search/types';
import { tenantFilterOf } from '../auth/tenant-filter';
import type { ApiContext } from '../context';
import { searchTarget } from '../routes/target';
import { demandAnswered, refusalOf } from './answers';
import { askPath } from './ask-path';
import type { FederationRequest, PlannedQuery } from './types';
import { facetsError, inFacets, inQuery } from './federated-errors';
import { inParallel } from './in-parallel';
import { scatter } from './scatter';
import { gather } from './search';

/** What the queries of one index match together; indexes without a query match nothing. */
export interface CountedIndex extends Counted {
  readonly indexUid: string;
  readonly settings: Settings;
  /** The total is that of one Meilisearch, whatever the answers to the queries said. */
  readonly isExact: boolean;
}

interface CountedLists {
  readonly groups: readonly (readonly QueryList[])[];
  readonly planned: readonly PlannedQuery[];
  /** Documents that a federation's `distinct` dropped within their index. */
  readonly rejectedIds: ReadonlySet<string>;
}

/** Counts each index's matches, in the order of indexes, then checks facets of unused indexes. */
export async function countIndexes(
  ctx: ApiContext,
  request: FederationRequest,
  { groups, planned, rejectedIds }: CountedLists,
): Promise<CountedIndex[]> {
  const counted = await inParallel(groups, async (lists) => {
    const first = planned.find(({ query }) => query.indexUid === lists[0]?.of.query.indexUid);
    if (first === undefined) throw new Error('A list is of a query that was not planned.');
    try {
      return await countIndex(ctx, request, { lists, first, rejectedIds });
    } catch (error) {
      throw inQuery(facetsError(error, first.query.indexUid), first.query.position);
    }
  });
  await checkUnused(ctx, request, planned);
  return counted;
}

/** The lists of the queries of one index, with the first of these queries. */
interface IndexGroup {
  readonly lists: readonly QueryList[];
  readonly first: PlannedQuery;
  readonly rejectedIds: ReadonlySet<string>;
}

async function countIndex(
  ctx: ApiContext,
  request: FederationRequest,
  group: IndexGroup,
): Promise<CountedIndex> {
  const { lists, first } = group;
  const [{ settings }] = first.target.entries;
  const { indexUid } = first.query;
  const distinct = lists.find(({ of }) => distinctField(of.asked, settings) !== null);
  const counts = (answers: readonly IndexAnswer[], asked: SearchRequest): CountedIndex => ({
    ...countAnswers(answers, { request: asked, settings }),
    indexUid,
    settings,
    isExact: false,
  });
  if (distinct !== undefined) {
    const exact = await countDistinctIndex(ctx, request, group);
    if (exact !== null) return { ...exact, indexUid, settings, isExact: true };
  }
  if (lists.length === 1 || distinct !== undefined) {
    return counts(
      lists.flatMap((list) => list.counted),
      (distinct ?? lists[0])?.of.asked ?? first.asked,
    );
  }
  const plan = planUnion(
    lists.map(({ of, counted }) => ({
      request: of.query.request,
      keywordOnly: of.semantic !== null && counted === of.answers,
    })),
    {
      facets: request.federation.facetsByIndex.get(indexUid) ?? null,
      needed: federatedWindow(request.federation.paging).end,
    },
  );
  if (plan === null) throw new Error('A filter that is no filter was accepted by the nodes.');
  return counts(await askUnion(ctx, request, { plan, first }), unionRequest(plan));
}

/** The counts of an index whose hits are distinct; null where they cannot be told. */
async function countDistinctIndex(
  ctx: ApiContext,
  request: FederationRequest,
  group: IndexGroup,
): Promise<Counted | null> {
  const { lists, first, rejectedIds } = group;
  const { target } = first;
  const [{ settings, primaryKey }] = target.entries;
  const { indexUid } = first.query;
  const facets = request.federation.facetsByIndex.get(indexUid) ?? null;
  const plan = planDistinct(lists, settings);
  const requests = plan === null ? null : outsideKept(plan);
  if (plan === null || requests === null) return null;
  const union = planUnion(
    requests.map((one) => ({ request: one, keywordOnly: true })),
    { facets, needed: 0 },
  );
  if (union === null) return null;
  const outside = await askUnion(ctx, request, { plan: union, first });
  const fields = facets === null ? [] : knownFacets(outside);
  const tenantFilter = tenantFilterOf(ctx, request.caller, indexUid);
  const options = { tenantFilter, wish: request.wish, half: undefined };
  const listed = await inParallel(plan.parts, async (part) => {
    if (plan.slots === null) return [];
    return (await gather(ctx, target, partListing(part, plan, fields), options)).answers;
  });
  return countDistinctUnion({
    plan,
    settings,
    primaryKey,
    outside,
    lists: listed,
    rejected: rejectedIds,
    facets: facets === null ? null : fields,
  });
}

async function askUnion(
  ctx: ApiContext,
  request: FederationRequest,
  { plan, first }: { plan: UnionPlan; first: PlannedQuery },
): Promise<IndexAnswer[]> {
  const { indexUid } = first.query;
  const parts = await Promise.all(
    first.target.entries.flatMap((entry) => [
      plan.filtered === null
        ? []
        : askPart(ctx, request, { plan, entry, indexUid, part: 'filtered' }),
      plan.keywords.length === 0
        ? []
        : askPart(ctx, request, { plan, entry, indexUid, part: 'keywords' }),
    ]),
  );
  return parts.flat();
}

async function askPart(
  ctx: ApiContext,
  request: FederationRequest,
  asked: { plan: UnionPlan; entry: IndexEntry; indexUid: string; part: 'filtered' | 'keywords' },
): Promise<IndexAnswer[]> {
  const { plan, entry, part } = asked;
  const { physicalUid } = entry;
  const tenantFilter: JsonValue = tenantFilterOf(ctx, request.caller, asked.indexUid);
  const bodyFor = (ask: NodeAsk): JsonObject => {
    const filter = ask.filtered ? bucketFilter(ask.shards, entry.shardCount) : null;
    const options = { settings: entry.settings, bucketFilter: filter, tenantFilter, physicalUid };
    return (part === 'filtered' ? filteredBody : keywordsBody)(plan, options) ?? {};
  };
  const path = part === 'filtered' ? `/indexes/${physicalUid}/search` : '/multi-search';
  const read = await scatter(ctx, {
    entry,
    shards: null,
    fingerprint: JSON.stringify([physicalUid, part, plan]),
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    ask: (ask, deadlineMs) => askPath(ctx, ask.node, { path, body: bodyFor(ask), deadlineMs }),
  });
  demandAnswered(ctx, read, request.wish);
  const refused = read.parts.find(({ answer }) => answer.status >= 400);
  if (refused !== undefined) {
    const body: JsonObject = { facets: [...(plan.facets ?? [])], limit: 0 };
    throw await refusalOf(ctx, refused, { entry, route: 'search', body });
  }
  return read.parts.map(({ node, answer }) => ({
    node,
    physicalUid,
    bytes: part === 'filtered' ? answer.bytes : asSearchAnswer(answer.bytes, physicalUid),
  }));
}

/** Facets of an index that no query asks are not shown, but must be facets of it. */
async function checkUnused(
  ctx: ApiContext,
  request: FederationRequest,
  planned: readonly PlannedQuery[],
): Promise<void> {
  const used = new Set(planned.map(({ query }) => query.indexUid));
  const unused = [...request.federation.facetsByIndex].filter(([uid]) => !used.has(uid));
  for (const [uid, facets] of unused.sort(([a], [b]) => compareUtf8(a, b))) {
    try {
      const target = searchTarget(ctx, uid);
      if (facets === null) continue;
      await gather(ctx, target, facetsOnly(facets), {
        tenantFilter: null,
        wish: request.wish,
        half: undefined,
      });
    } catch (error) {
      const note = `\n - Note: index \`${uid}\` is not used in queries`;
      if (!isMeiliError(error)) throw error;
      const { message, status } = inFacets(error, uid);
      throw new MeiliError(error.code, message + note, status);
    }
  }
}

const facetsOnly = (facets: readonly string[]): SearchRequest => ({
  ...unionRequest({ filtered: null, keywords: [], facets, ranked: 0 }),
  body: { facets: [...facets], limit: 0 },
});
