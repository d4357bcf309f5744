import type { NodeAsk } from '../../core/covering-set';
import type { IndexEntry, JsonValue } from '../../core/fleet';
import { joinFilters, normalizeClientFilter } from '../../core/filter/normalize';
import { shardOfId } from '../../core/hash';
import { bucketFilter, hiddenField } from '../../core/hidden-fields';
import type { ApiContext } from '../context';
import { askNode, demandAnswered, refusalOf } from '../search/answers';
import { scatter } from '../search/scatter';
import type { ListRequest } from './list-request';
import type { Listing } from './merge-listings';
import { listingOf, mergeListings } from './merge-listings';

/** Beyond this window the ids are merged first and the documents fetched by id: pages stay small. */
const directWindowMax = 1_000;

export interface ListAnswer {
  readonly bytes: Buffer;
  /** Headers that say what is not whole. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Lists documents in the order of their insertion, over one replica of each shard. The order is the
 * nodes' own sort by `_miroir_seq`, merged; the total is the sum of the parts.
 */
export async function listDocuments(
  ctx: ApiContext,
  entry: IndexEntry,
  request: ListRequest,
): Promise<ListAnswer> {
  const window = request.offset + request.limit;
  const primaryKey = entry.primaryKey ?? 'id';
  const deep = request.limit > 0 && window > directWindowMax;
  const first = await ask(ctx, entry, {
    ...request,
    fields: deep ? [primaryKey] : request.fields,
    limit: request.limit === 0 ? 0 : window,
  });
  let documents = mergeListings(first.listings, request);
  if (deep && documents.length > 0) {
    const ids = documents.map((document) => document.id(primaryKey));
    const page = { ...request, ids, filter: null, offset: 0, limit: ids.length };
    documents = mergeListings((await ask(ctx, entry, page)).listings, page);
  }
  const total = first.listings.reduce((sum, listing) => sum + listing.total, 0);
  const { offset, limit } = request;
  const tail = `],"offset":${offset},"limit":${limit},"total":${total}}`;
  const parts = documents.flatMap((document, ordinal) => [
    Buffer.from(ordinal === 0 ? '' : ','),
    document.visible(entry),
  ]);
  const bytes = Buffer.concat([Buffer.from('{"results":['), ...parts, Buffer.from(tail)]);
  return { bytes, headers: first.headers };
}

async function ask(
  ctx: ApiContext,
  entry: IndexEntry,
  request: ListRequest,
): Promise<{ listings: Listing[]; headers: Readonly<Record<string, string>> }> {
  const { ids, filter, sort } = request;
  const scattered = await scatter(ctx, {
    entry,
    shards: ids === null ? null : [...new Set(ids.map((id) => shardOfId(id, entry.shardCount)))],
    fingerprint: JSON.stringify([entry.physicalUid, filter, sort]),
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    minSettingsVersion: request.minSettingsVersion,
    ask: (part, deadlineMs) => {
      const body = nodeBody(entry, request, part);
      return askNode(ctx, part.node, { entry, route: 'documents/fetch', body, deadlineMs });
    },
  });
  const refused = scattered.parts.find(({ answer }) => answer.status >= 400);
  if (refused !== undefined) {
    const body = clientBody(request);
    throw await refusalOf(ctx, refused, { entry, route: 'documents/fetch', body });
  }
  const headers = demandAnswered(ctx, scattered);
  return { listings: scattered.parts.map(({ answer }) => listingOf(answer.bytes)), headers };
}

/** What a node is asked: the client's listing from the start, in the order of insertion. */
function nodeBody(entry: IndexEntry, request: ListRequest, ask: NodeAsk): object {
  const ours = ask.filtered ? bucketFilter(ask.shards, entry.shardCount) : null;
  const client = normalizeClientFilter(request.filter);
  const filter = joinFilters(ours, null, client.ok ? client.parts : request.filter);
  return {
    offset: 0,
    limit: request.limit,
    retrieveVectors: request.retrieveVectors,
    sort: [`${hiddenField.seq}:asc`],
    ...(filter === null ? {} : { filter }),
    ...(request.fields === null ? {} : { fields: [...request.fields, hiddenField.seq] }),
    ...(request.ids === null ? {} : { ids: request.ids }),
  };
}

/** The client's own words, for the node that is to say what is wrong with them. */
function clientBody(request: ListRequest): { [member: string]: JsonValue } {
  const { filter, sort } = request;
  return {
    limit: 0,
    ...(filter === null ? {} : { filter }),
    ...(sort === null ? {} : { sort: [...sort] }),
  };
}
