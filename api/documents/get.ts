import { MeiliError } from '../../core/errors';
import type { IndexEntry } from '../../core/fleet';
import { shardOfId } from '../../core/hash';
import { bucketFilter } from '../../core/hidden-fields';
import type { ApiContext } from '../context';
import { askNode, demandAnswered } from '../search/answers';
import { scatter } from '../search/scatter';
import type { ListAnswer } from './list';
import { listingOf } from './merge-listings';

/**
 * One document, from an in-sync replica of its shard. It is asked as a listing of one id with the
 * bucket filter, so that a copy that is being filled or deleted on the node is never shown.
 */
export async function getDocument(
  ctx: ApiContext,
  entry: IndexEntry,
  request: {
    documentId: string;
    fields: readonly string[] | null;
    retrieveVectors: boolean;
    minSettingsVersion: number | null;
  },
): Promise<ListAnswer> {
  const { documentId, fields, retrieveVectors } = request;
  const read = await scatter(ctx, {
    entry,
    shards: [shardOfId(documentId, entry.shardCount)],
    fingerprint: `${entry.physicalUid}/${documentId}`,
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    minSettingsVersion: request.minSettingsVersion,
    ask: (part, deadlineMs) => {
      const body = {
        ids: [documentId],
        limit: 1,
        retrieveVectors,
        ...(fields === null ? {} : { fields }),
        ...(part.filtered ? { filter: bucketFilter(part.shards, entry.shardCount) } : {}),
      };
      return askNode(ctx, part.node, { entry, route: 'documents/fetch', body, deadlineMs });
    },
  });
  const headers = demandAnswered(ctx, read, 'error');
  const answer = read.parts[0]?.answer;
  if (answer === undefined || answer.status === 404) {
    throw new MeiliError('index_not_found', `Index \`${entry.uid}\` not found.`);
  }
  const document = answer.status === 200 ? listingOf(answer.bytes).documents[0] : undefined;
  if (document === undefined) {
    throw new MeiliError('document_not_found', `Document \`${documentId}\` not found.`);
  }
  const bytes = document.visible(entry);
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), headers };
}
