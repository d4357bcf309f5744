import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isMeiliError, MeiliError } from '../../../core/errors';
import type { IndexEntry, JsonValue } from '../../../core/fleet';
import { hiddenInListSort, hiddenInWrittenFilter } from '../../../core/search/hidden-names';
import { authorize } from '../../auth/authorize';
import type { ApiContext } from '../../context';
import { listDocuments } from '../../documents/list';
import type { ListAnswer } from '../../documents/list';
import type { ListRequest } from '../../documents/list-request';
import { named, readListBody, readListQuery } from '../../documents/list-request';
import { listSorted } from '../../documents/list-sorted';
import { listTargets } from '../../documents/list-targets';
import { getDocument } from '../../documents/get';
import { demandKnown, queryOf, readFlag } from '../../http/page';
import { demandSettings } from '../../settings/min-version';
import { searchTarget } from '../target';

interface IndexParams {
  Params: { indexUid: string };
}
interface DocumentParams {
  Params: { indexUid: string; documentId: string };
}

/** Fixed segments win over document ids, whatever the method: these ids cannot be read by path. */
const reservedIds: ReadonlySet<string> = new Set(['fetch', 'delete', 'edit', 'delete-batch']);

export function registerDocumentsRead(app: FastifyInstance, ctx: ApiContext): void {
  const onRequest = authorize(ctx, 'documents.get');

  const answer = async (
    request: FastifyRequest<IndexParams>,
    how: { readonly reply: FastifyReply; readonly list: ListRequest },
  ): Promise<FastifyReply> => {
    const name = request.params.indexUid;
    // The body is judged before the index is looked up, as Meilisearch does.
    const minSettingsVersion = await demandSettings(ctx, request, name);
    const list: ListRequest = { ...how.list, minSettingsVersion };
    return await send(how.reply, await listing(ctx, searchTarget(ctx, name).entries, list));
  };

  app.get<IndexParams>('/indexes/:indexUid/documents', { onRequest }, (request, reply) =>
    answer(request, { reply, list: readListQuery(request.query) }),
  );

  app.post<IndexParams>('/indexes/:indexUid/documents/fetch', { onRequest }, (request, reply) =>
    answer(request, { reply, list: readListBody(request.body as JsonValue) }),
  );

  app.get<DocumentParams>(
    '/indexes/:indexUid/documents/:documentId',
    { onRequest },
    async (request, reply) => {
      const { indexUid, documentId } = request.params;
      if (reservedIds.has(documentId)) return await reply.code(405).header('allow', 'POST').send();
      const query = queryOf(request.query);
      demandKnown(query, ['fields', 'retrieveVectors', 'useNetwork']);
      const retrieveVectors = readFlag(query, 'retrieveVectors', {
        otherwise: false,
        code: 'invalid_document_retrieve_vectors',
      });
      const minSettingsVersion = await demandSettings(ctx, request, indexUid);
      const { entries } = searchTarget(ctx, indexUid);
      if (!/^[A-Za-z0-9_-]{1,511}$/.test(documentId)) {
        // No document can have it, so it is looked for nowhere.
        throw new MeiliError('document_not_found', `Document \`${documentId}\` not found.`);
      }
      const fields = named(query.get('fields')?.split(',') ?? null);
      const wanted = { documentId, fields, retrieveVectors, minSettingsVersion };
      return await send(reply, await newestDocument(ctx, entries, wanted));
    },
  );
}

type Entries = readonly [IndexEntry, ...IndexEntry[]];

/** Of an alias with several targets the newest that has the document counts. */
async function newestDocument(
  ctx: ApiContext,
  [first, ...others]: Entries,
  request: Parameters<typeof getDocument>[2],
): Promise<ListAnswer> {
  try {
    return await getDocument(ctx, first, request);
  } catch (error) {
    const [next, ...rest] = others;
    if (next === undefined || !isMeiliError(error) || error.code !== 'document_not_found')
      throw error;
    return await newestDocument(ctx, [next, ...rest], request);
  }
}

async function listing(
  ctx: ApiContext,
  entries: Entries,
  request: ListRequest,
): Promise<ListAnswer> {
  for (const { settings } of entries) {
    // A node knows the hidden fields and would answer.
    const hidden = hiddenInWrittenFilter(request.filter, settings);
    if (hidden !== null) throw new MeiliError('invalid_document_filter', hidden);
    const hiddenSort = hiddenInListSort(request.sort, settings);
    if (hiddenSort !== null) throw hiddenSort;
  }
  if (request.sort === null) {
    const [only, ...more] = entries;
    return more.length === 0
      ? await listDocuments(ctx, only, request)
      : await listTargets(ctx, entries, request);
  }
  if (request.ids === null) return await listSorted(ctx, entries, request);
  // A node can sort a search or pick ids, and shows the values to merge by for the former only.
  throw new MeiliError('miroir_not_supported', 'A fleet cannot sort a listing of given `ids`.');
}

async function send(reply: FastifyReply, answer: ListAnswer): Promise<FastifyReply> {
  return await reply.headers(answer.headers).type('application/json').send(answer.bytes);
}
