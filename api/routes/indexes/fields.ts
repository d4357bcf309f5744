import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { IndexEntry, JsonValue } from '../../../core/fleet';
import {
  clientField,
  matchesFields,
  mergeFields,
  readListFields,
} from '../../../core/search/index-fields';
import type { IndexField } from '../../../core/search/index-fields';
import { authorize } from '../../auth/authorize';
import type { ApiContext } from '../../context';
import { demandAnswered } from '../../search/answers';
import { askPath } from '../../search/ask-path';
import { scatter } from '../../search/scatter';
import { isIndexUid } from '../../writes/operations/common';
import { oneIndex } from '../target';
import { wishOf } from './search';

interface IndexParams {
  Params: { indexUid: string };
}

/** More fields than an index can have. */
const allFields = 65_536;

/** `POST /indexes/{uid}/fields`: the fields of all documents, and what the settings make of them. */
export function registerFields(app: FastifyInstance, ctx: ApiContext): void {
  app.post<IndexParams>(
    '/indexes/:indexUid/fields',
    { onRequest: authorize(ctx, 'fields.post') },
    async (request, reply) => {
      const list = readListFields(request.body as JsonValue);
      const uid = request.params.indexUid;
      // This route alone does not judge the uid: what is none is not found.
      if (!isIndexUid(uid)) throw new MeiliError('index_not_found', `Index \`${uid}\` not found.`);
      const entry = oneIndex(ctx, uid);
      const { fields, headers } = await askFields(ctx, entry, wishOf(request));
      const shown = fields.filter((field) => matchesFields(field, list.filter));
      return await reply.headers(headers).send({
        results: shown.slice(list.offset, list.offset + list.limit),
        offset: list.offset,
        limit: list.limit,
        total: shown.length,
      });
    },
  );
}

async function askFields(
  ctx: ApiContext,
  entry: IndexEntry,
  wish: 'partial' | 'error' | undefined,
): Promise<{ fields: IndexField[]; headers: Record<string, string> }> {
  const read = await scatter(ctx, {
    entry,
    shards: null,
    fingerprint: `${entry.physicalUid}/fields`,
    until: performance.now() + ctx.config.api.requestDeadlineMs,
    ask: (ask, deadlineMs) =>
      askPath(ctx, ask.node, {
        path: `/indexes/${entry.physicalUid}/fields`,
        body: { offset: 0, limit: allFields },
        deadlineMs,
      }),
  });
  const headers = demandAnswered(ctx, read, wish);
  const lists = read.parts
    .filter(({ answer }) => answer.status === 200)
    .map(({ answer }) => JSON.parse(answer.bytes.toString('utf8')) as { results: IndexField[] });
  const fields = mergeFields(lists.map(({ results }) => results)).map((field) =>
    clientField(field, entry.settings),
  );
  return { fields, headers };
}
