import type { IndexEntry } from '../../core/fleet';
import { findMember, scanArrayItems } from '../../core/json/scan';
import type { ApiContext } from '../context';
import { joinHeaders } from '../search/headers';
import { listDocuments } from './list';
import type { ListAnswer } from './list';
import type { ListRequest } from './list-request';

/**
 * Lists the documents of several indexes one after another, the newest index first, each in the order of
 * its insertions: the window counts over all of them, and the total is their sum.
 */
export async function listTargets(
  ctx: ApiContext,
  entries: readonly IndexEntry[],
  request: ListRequest,
): Promise<ListAnswer> {
  const { offset, limit } = request;
  const pieces: Buffer[] = [];
  const headers: Readonly<Record<string, string>>[] = [];
  let skip = offset;
  let left = limit;
  let total = 0;
  for (const entry of entries) {
    const answer = await listDocuments(ctx, entry, { ...request, offset: skip, limit: left });
    const documents = itemsOf(answer.bytes);
    const own = totalOf(answer.bytes);
    pieces.push(...documents);
    headers.push(answer.headers);
    total += own;
    skip = Math.max(0, skip - own);
    left -= documents.length;
  }
  const results = pieces.flatMap((piece, at) => [Buffer.from(at === 0 ? '' : ','), piece]);
  const tail = `],"offset":${offset},"limit":${limit},"total":${total}}`;
  const bytes = Buffer.concat([Buffer.from('{"results":['), ...results, Buffer.from(tail)]);
  return { bytes, headers: joinHeaders(headers) };
}

/** The documents of a listing, as bytes. */
function itemsOf(bytes: Buffer): Buffer[] {
  const items: Buffer[] = [];
  const span = findMember(bytes, 0, 'results');
  if (span === null) return items;
  scanArrayItems(bytes, span.start, (start, end) => items.push(bytes.subarray(start, end)));
  return items;
}

function totalOf(bytes: Buffer): number {
  const span = findMember(bytes, 0, 'total');
  return span === null ? 0 : Number(bytes.toString('utf8', span.start, span.end));
}
