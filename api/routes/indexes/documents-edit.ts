import type { FastifyInstance } from 'fastify';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { editBytesMax } from '../../../core/limits';
import { authorize } from '../../auth/authorize';
import type { ApiContext } from '../../context';
import { demandCompiles } from '../../documents/compile-edit';
import { readWrittenFilter } from '../../documents/written-filter';
import { Fields } from '../../http/fields';
import { demandKnown, queryOf } from '../../http/page';
import { countDocuments } from '../../writes/count';
import { demandIndexUid } from '../../writes/operations/common';
import { EditDocuments } from '../../writes/operations/edit-documents';
import type { Edit } from '../../writes/operations/edit-documents';
import { answerWithTask, idempotencyOf } from '../task-reply';

/** `POST /indexes/{uid}/documents/edit`, behind the feature `editDocumentsByFunction`. */
export function registerEdition(app: FastifyInstance, ctx: ApiContext): void {
  app.post<{ Params: { indexUid: string } }>(
    '/indexes/:indexUid/documents/edit',
    { onRequest: authorize(ctx, 'documents.*') },
    async (request, reply) => {
      const query = queryOf(request.query);
      demandKnown(query, ['customMetadata']);
      const fields = new Fields(request.body as JsonValue, {
        known: ['filter', 'context', 'function'],
        codes: {
          filter: 'invalid_document_filter',
          context: 'invalid_document_edition_context',
          function: 'invalid_document_edition_function_filter',
        },
        missing: { function: 'missing_document_edition_function' },
      });
      const text = fields.string('function');
      ctx.features.demand('editDocumentsByFunction', 'Using the documents edit route');
      const name = demandIndexUid(request.params.indexUid);
      await demandCompiles(ctx, text);
      const original = fields.raw('filter') ?? null;
      const which: Edit['which'] =
        original === null
          ? { kind: 'all' }
          : { kind: 'filter', original, parts: await readWrittenFilter(ctx, name, original) };
      const edit: Edit = { function: text, context: readContext(fields), which };
      demandSmall(edit);
      const operation = new EditDocuments(
        { name, edit, count: (entry, what) => countDocuments(ctx, entry, what) },
        query.get('customMetadata'),
        idempotencyOf(request),
      );
      return await answerWithTask(ctx, reply, operation);
    },
  );
}

function readContext(fields: Fields): Edit['context'] {
  const context = fields.raw('context') ?? null;
  if (context === null) return null;
  if (typeof context === 'object' && !Array.isArray(context)) return context;
  throw new MeiliError('invalid_document_edition_context', 'The context must be an object');
}

/** Function and context stand in the task, and the store holds the tasks. */
function demandSmall({ function: text, context }: Edit): void {
  if (Buffer.byteLength(text) + Buffer.byteLength(JSON.stringify(context)) <= editBytesMax) return;
  throw new MeiliError(
    'payload_too_large',
    `The function and its context may have ${String(editBytesMax)} bytes together.`,
  );
}
