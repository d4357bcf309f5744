import { v7 as uuidv7 } from 'uuid';
import type { NodeAsk } from '../../core/covering-set';
import type { IndexEntry, JsonValue } from '../../core/fleet';
import { normalizeClientFilter } from '../../core/filter/normalize';
import { pinnedIds } from '../../core/filter/pinned';
import { shardOfId } from '../../core/hash';
import { bucketFilter } from '../../core/hidden-fields';
import type { ShardId } from '../../core/ids';
import { MeiliError, isMeiliError } from '../../core/errors';
import { firstIncompatible } from '../../core/search/federation/compatibility';
import { mergeHybrid } from '../../core/search/hybrid';
import { refuseHiddenNames } from '../../core/search/hidden-names';
import { searchKind } from '../../core/search/kind';
import { withLocales } from '../../core/search/local-fields';
import { mergeAnswers } from '../../core/search/merge';
import { nodeSearchBody } from '../../core/search/rewrite';
import type {
  JsonObject,
  MergeInput,
  MergeOutput,
  NodeAnswer,
  SearchRequest,
} from '../../core/search/types';
import type { ApiContext } from '../context';
import { askNode, demandAnswered, refusalOf } from './answers';
import { countDistinct } from './distinct-counts';
import { remedyExactness } from './exactness';
import { joinHeaders } from './headers';
import { gatherByFrequency } from './frequency';
import { countNumbers } from './numeric-facets';
import type { Scattered } from './scatter';
import { scatter } from './scatter';
import { UnknownAttributes } from './search-on';
import type { Gathered, Half, SearchAnswer, SearchOptions, SearchTarget } from './types';

export type { Gathered, Half, SearchAnswer, SearchOptions, SearchTarget } from './types';

/**
 * One search, from the checked request to the bytes of the answer. Throws MeiliError: what a node
 * said of the request, in the client's words, or that shards are missing.
 */
export async function runSearch(
  ctx: ApiContext,
  target: SearchTarget,
  request: SearchRequest,
  options: SearchOptions,
): Promise<SearchAnswer> {
  const begun = performance.now();
  demandComparable(target, request);
  const [newest] = target.entries;
  const context = (answers: readonly NodeAnswer[]): MergeInput => ({
    answers,
    request,
    settings: newest.settings,
    primaryKey: newest.primaryKey,
    ttl: target.entries.some(({ ttl }) => ttl !== undefined),
    processingTimeMs: Math.floor(performance.now() - begun),
    requestUid: uuidv7(),
    ...(options.indexUid === undefined ? {} : { indexUid: options.indexUid }),
    ...(options.metadata === undefined ? {} : { metadata: options.metadata }),
  });
  const ask = (half?: Half): Promise<Gathered> =>
    gatherBest(ctx, target, request, { ...options, half });
  if (searchKind(request) === 'hybrid') {
    const [keyword, semantic] = await Promise.all([
      ask('keyword'),
      ask('semantic').catch(unlessEmbedding),
    ]);
    const merged = mergeHybrid(context(keyword.answers), semantic?.answers ?? null);
    return answered(newest, merged, joinHeaders([keyword.headers, semantic?.headers ?? {}]));
  }
  const frequent = await gatherByFrequency(target, request, {
    tenantFilter: options.tenantFilter,
    ask: (one, tenantFilter) =>
      gatherBest(ctx, target, one, { ...options, tenantFilter, half: undefined }),
  });
  const plain = frequent ?? (await ask());
  const input = context(plain.answers);
  const recount = (counting: SearchRequest): Promise<Gathered> =>
    gather(ctx, target, counting, { ...options, half: undefined });
  const counts = (await countDistinct(input, recount)) ?? (await countNumbers(input, recount));
  const merged = mergeAnswers(counts === null ? input : { ...input, counts });
  const doubts = frequent?.approximate === true ? (['frequency-strategy'] as const) : [];
  const named = { ...merged, approximate: [...merged.approximate, ...doubts] };
  return answered(newest, named, plain.headers);
}

/** A hybrid search whose query cannot be embedded answers its keyword half, as one Meilisearch does. */
function unlessEmbedding(error: unknown): null {
  if (isMeiliError(error) && error.code === 'vector_embedding_error') return null;
  throw error;
}

/** Targets of an alias are ranked as one list, as in a federation: by rules that can be compared. */
function demandComparable({ name, entries }: SearchTarget, request: SearchRequest): void {
  if (entries.length === 1) return;
  const incompatible = firstIncompatible(
    entries.map(({ settings, uid }, position) => ({ request, settings, indexUid: uid, position })),
  );
  if (incompatible === null) return;
  const { error } = incompatible;
  throw new MeiliError(
    error.code,
    `The targets of alias \`${name}\` cannot be ranked together: ${error.message}`,
  );
}

function answered(
  entry: IndexEntry,
  merged: MergeOutput,
  degraded: Readonly<Record<string, string>>,
): SearchAnswer {
  const { approximate } = merged;
  const headers: Record<string, string> = {
    'x-miroir-settings-version': String(entry.settingsVersion),
    ...degraded,
  };
  if (approximate.length > 0) headers['x-miroir-approximate'] = approximate.join(', ');
  return { bytes: merged.bytes, headers };
}

/** The shards that can hold a match; null: all. */
export function wantedShards(entry: IndexEntry, filter: JsonValue): ShardId[] | null {
  const normalized = normalizeClientFilter(filter);
  if (!normalized.ok || entry.primaryKey === null) return null;
  const ids = pinnedIds(normalized.ast, entry.primaryKey);
  // A filter that pins no possible id still needs one node, which says so in the right form.
  if (ids === null || ids.length === 0) return null;
  return [...new Set(ids.map((id) => shardOfId(id, entry.shardCount)))];
}

/** Equal for the pages of one query, so that they are answered by the same replicas. */
export function fingerprintOf(entry: IndexEntry, request: SearchRequest): string {
  const body: JsonObject = { ...request.body };
  for (const name of ['offset', 'limit', 'page', 'hitsPerPage'] as const) delete body[name];
  return JSON.stringify([entry.physicalUid, body]);
}

/** `gather`, with what a single node cannot know of the whole index put right. */
export async function gatherBest(
  ctx: ApiContext,
  target: SearchTarget,
  request: SearchRequest,
  options: SearchOptions & { half: Half | undefined },
): Promise<Gathered> {
  const gathered = await gather(ctx, target, request, options);
  return await remedyExactness(request, gathered, {
    half: options.half,
    ask: (counting) =>
      gather(ctx, target, counting, { ...options, tenantFilter: null, half: undefined }),
  });
}

/** Asks every index of the target, or joins an equal search that does; see `SharedReads`. */
export async function gather(
  ctx: ApiContext,
  target: SearchTarget,
  request: SearchRequest,
  options: SearchOptions & { half: Half | undefined },
): Promise<Gathered> {
  const { tenantFilter, wish, minSettingsVersion = null, half } = options;
  const indexes = target.entries.map((entry) => [entry.uid, entry.physicalUid]);
  // The epoch stands for placement, settings and aliases.
  const key = (): string =>
    JSON.stringify([
      ...[ctx.fleet.current().epoch, target.name, indexes, request.body],
      ...[tenantFilter, wish, minSettingsVersion, half],
    ]);
  return await ctx.sharedReads.run(key, () => gatherAlone(ctx, target, request, options));
}

/** Answers come in the order of indexes and nodes. */
async function gatherAlone(
  ctx: ApiContext,
  target: SearchTarget,
  request: SearchRequest,
  options: SearchOptions & { half: Half | undefined },
): Promise<Gathered> {
  const until = performance.now() + ctx.config.api.requestDeadlineMs;
  const reads = await Promise.all(
    target.entries.map(async (entry) => {
      // A node knows the hidden fields and would answer.
      const hidden = refuseHiddenNames(request, entry.settings, entry.uid);
      if (hidden !== null) throw hidden;
      const unknown = new UnknownAttributes();
      const read = await scatter(ctx, {
        entry,
        shards: wantedShards(entry, request.filter),
        fingerprint: fingerprintOf(entry, request),
        until,
        minSettingsVersion: options.minSettingsVersion,
        ask: (part, deadlineMs, signal) => {
          const located = withLocales(request, entry.settings);
          const body = bodyFor(entry, located, { part, ...options });
          return unknown.ask(part.node, body, (one) =>
            askNode(ctx, part.node, { entry, route: 'search', body: one, deadlineMs, signal }),
          );
        },
      });
      await demandAccepted(ctx, entry, { read, request, unknown });
      return { read, physicalUid: entry.physicalUid };
    }),
  );
  const headers = joinHeaders(reads.map(({ read }) => demandAnswered(ctx, read, options.wish)));
  const answers = reads.flatMap(({ read, physicalUid }) =>
    inOrder(read).map(({ node, answer }) => ({ node, bytes: answer.bytes, physicalUid })),
  );
  return { answers, headers };
}

/** Answers come in the order of arrival; the last tie-break wants one that does not change. */
function inOrder(read: Scattered): Scattered['parts'] {
  return [...read.parts].sort((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : 0));
}

/** What one node is asked for its part. */
export function bodyFor(
  entry: IndexEntry,
  request: SearchRequest,
  how: { part: NodeAsk; tenantFilter: JsonValue; half: Half | undefined },
): JsonObject {
  return nodeSearchBody(request, {
    settings: entry.settings,
    bucketFilter: how.part.filtered ? bucketFilter(how.part.shards, entry.shardCount) : null,
    tenantFilter: how.tenantFilter,
    ...(how.half === undefined ? {} : { half: how.half }),
  });
}

async function demandAccepted(
  ctx: ApiContext,
  entry: IndexEntry,
  asked: { read: Scattered; request: SearchRequest; unknown: UnknownAttributes },
): Promise<void> {
  const { parts } = asked.read;
  const unknown = asked.unknown.refusal(parts.map(({ node }) => node));
  const byAll = parts.find(({ node }) => node === unknown?.node);
  const refused =
    unknown !== null && byAll !== undefined
      ? { ...byAll, answer: unknown.answer }
      : parts.find(({ answer }) => answer.status >= 400);
  if (refused === undefined) return;
  const body: JsonObject = { ...asked.request.body, limit: 0 };
  for (const name of ['page', 'hitsPerPage', 'offset'] as const) delete body[name];
  throw await refusalOf(ctx, refused, { entry, route: 'search', body });
}
