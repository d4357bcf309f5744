import { MeiliError } from '../../core/errors';
import type { IndexEntry, JsonValue } from '../../core/fleet';
import { mergeAnswers } from '../../core/search/merge';
import { parseSearchBody } from '../../core/search/request';
import { findMember } from '../../core/json/scan';
import { shardOfId } from '../../core/hash';
import { bucketFilter } from '../../core/hidden-fields';
import { nodeSearchBody } from '../../core/search/rewrite';
import type { ApiContext } from '../context';
import { askNode, demandAnswered, refusalOf } from '../search/answers';
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
  entry: IndexEntry,
  request: ListRequest,
): Promise<ListAnswer> {
  const settings = {
    ...entry.settings,
    displayedAttributes: ['*'],
    pagination: { maxTotalHits: Number.MAX_SAFE_INTEGER },
    distinctAttribute: null,
  };
  const parsed = parseSearchBody(searchBody(request));
  if (!parsed.ok) throw new MeiliError('invalid_document_sort', parsed.error.message);
  const search = parsed.request;
  const { ids } = request;
  const read = await scatter(ctx, {
    entry,
    shards: ids === null ? null : [...new Set(ids.map((id) => shardOfId(id, entry.shardCount)))],
    fingerprint: JSON.stringify([entry.physicalUid, request.filter, request.sort]),
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    ask: (part, deadlineMs) => {
      const ours = part.filtered ? bucketFilter(part.shards, entry.shardCount) : null;
      const body = nodeSearchBody(search, { settings, bucketFilter: ours, tenantFilter: null });
      return askNode(ctx, part.node, { entry, route: 'search', body, deadlineMs });
    },
  });
  const refused = read.parts.find(({ answer }) => answer.status >= 400);
  if (refused !== undefined) {
    const body = { limit: 0, filter: request.filter, sort: [...(request.sort ?? [])] };
    throw await refusalOf(ctx, refused, { entry, route: 'documents/fetch', body });
  }
  const headers = demandAnswered(ctx, read);
  const merged = mergeAnswers({
    answers: read.parts.map(({ node, answer }) => ({ node, bytes: answer.bytes })),
    request: search,
    settings,
    primaryKey: entry.primaryKey,
    ttl: entry.ttl !== undefined,
    processingTimeMs: 0,
    requestUid: '',
  });
  return { bytes: asListing(merged, request), headers };
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
