import { MeiliError } from '../../core/errors';
import type { IndexEntry, JsonValue, Settings } from '../../core/fleet';
import { mergeAnswers } from '../../core/search/merge';
import { parseSearchBody } from '../../core/search/request';
import { findMember } from '../../core/json/scan';
import { shardOfId } from '../../core/hash';
import { bucketFilter } from '../../core/hidden-fields';
import type { SearchRequest } from '../../core/search/types';
import { nodeSearchBody } from '../../core/search/rewrite';
import type { ApiContext } from '../context';
import { askNode, demandAnswered, refusalOf } from '../search/answers';
import { joinHeaders } from '../search/headers';
import type { Scattered } from '../search/scatter';
import { scatter } from '../search/scatter';
import type { ListAnswer } from './list';
import type { ListRequest } from './list-request';

/**
 * A sorted listing, asked as a placeholder search: its ranking details carry the sort values that the
 * merge needs, which a node's listing does not show. Document routes ignore `displayedAttributes` and
 * `maxTotalHits`, so the merge is given settings without them.
 */
export async function listSorted(
  ctx: ApiContext,
  entries: readonly [IndexEntry, ...IndexEntry[]],
  request: ListRequest,
): Promise<ListAnswer> {
  const parsed = parseSearchBody(searchBody(request));
  if (!parsed.ok) throw new MeiliError('invalid_document_sort', parsed.error.message);
  const search = parsed.request;
  const reads = await Promise.all(entries.map((entry) => ask(ctx, entry, { request, search })));
  const [newest] = entries;
  const merged = mergeAnswers({
    answers: reads.flatMap(({ parts }) =>
      parts.map(({ node, answer }) => ({ node, bytes: answer.bytes })),
    ),
    request: search,
    settings: listSettings(newest),
    primaryKey: newest.primaryKey,
    ttl: entries.some(({ ttl }) => ttl !== undefined),
    processingTimeMs: 0,
    requestUid: '',
  });
  const headers = joinHeaders(reads.map((read) => demandAnswered(ctx, read)));
  return { bytes: asListing(merged, request), headers };
}

const listSettings = ({ settings }: IndexEntry): Settings => ({
  ...settings,
  displayedAttributes: ['*'],
  pagination: { maxTotalHits: Number.MAX_SAFE_INTEGER },
  distinctAttribute: null,
});

async function ask(
  ctx: ApiContext,
  entry: IndexEntry,
  how: { readonly request: ListRequest; readonly search: SearchRequest },
): Promise<Scattered> {
  const { request, search } = how;
  const { ids } = request;
  const settings = listSettings(entry);
  const read = await scatter(ctx, {
    entry,
    shards: ids === null ? null : [...new Set(ids.map((id) => shardOfId(id, entry.shardCount)))],
    fingerprint: JSON.stringify([entry.physicalUid, request.filter, request.sort]),
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    minSettingsVersion: request.minSettingsVersion,
    ask: (part, deadlineMs) => {
      const ours = part.filtered ? bucketFilter(part.shards, entry.shardCount) : null;
      const body = nodeSearchBody(search, { settings, bucketFilter: ours, tenantFilter: null });
      return askNode(ctx, part.node, { entry, route: 'search', body, deadlineMs });
    },
  });
  const refused = read.parts.find(({ answer }) => answer.status >= 400);
  if (refused === undefined) return read;
  const body = { limit: 0, filter: request.filter, sort: [...(request.sort ?? [])] };
  throw await refusalOf(ctx, refused, { entry, route: 'documents/fetch', body });
}

function searchBody(request: ListRequest): { [member: string]: JsonValue } {
  return {
    offset: request.offset,
    limit: request.limit,
    sort: [...(request.sort ?? [])],
    filter: request.filter,
    retrieveVectors: request.retrieveVectors,
    ...(request.fields === null ? {} : { attributesToRetrieve: [...request.fields] }),
  };
}

/** The hits of a search answer in the members of a listing; the documents keep their bytes. */
function asListing(merged: { bytes: Uint8Array; total: number }, request: ListRequest): Buffer {
  const span = findMember(merged.bytes, 0, 'hits');
  const hits = span === null ? Buffer.from('[]') : merged.bytes.subarray(span.start, span.end);
  const { offset, limit } = request;
  const tail = `,"offset":${offset},"limit":${limit},"total":${merged.total}}`;
  return Buffer.concat([Buffer.from('{"results":'), hits, Buffer.from(tail)]);
}
