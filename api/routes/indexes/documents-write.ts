import type { FastifyInstance, FastifyRequest } from 'fastify';
import { documentId } from '../../../core/documents/identity';
import type { DocumentFormat } from '../../../core/documents/types';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import { isJsonSyntaxError } from '../../../core/json/error';
import { scanArrayItems, skipWhitespace } from '../../../core/json/scan';
import { authorize } from '../../auth/authorize';
import type { ApiContext } from '../../context';
import { readWrittenFilter, wrongFilter } from '../../documents/written-filter';
import { closeSpools } from '../../http/body';
import { Fields } from '../../http/fields';
import { mediaType } from '../../http/media-types';
import type { Spool } from '../../http/spool';
import { demandKnown, queryOf } from '../../http/page';
import { countDocuments } from '../../writes/count';
import { sourceInMemory, sourceInSpool } from '../../writes/document-source';
import type { DocumentSource } from '../../writes/document-source';
import { AddDocuments } from '../../writes/operations/add-documents';
import { demandIndexUid } from '../../writes/operations/common';
import { DeleteDocuments } from '../../writes/operations/delete-documents';
import type { Doomed } from '../../writes/operations/delete-documents';
import { registerEdition } from './documents-edit';
import { answerWithTask, idempotencyOf, mayCreateIndex } from '../task-reply';

interface IndexParams {
  Params: { indexUid: string };
}

const path = '/indexes/:indexUid/documents';
/** Fixed segments win over document ids, whatever the method. */
const fixedSegments: ReadonlySet<string> = new Set(['fetch', 'delete', 'edit', 'delete-batch']);

/** The writes of `/indexes/{uid}/documents`. */
export function registerDocumentWrites(app: FastifyInstance, ctx: ApiContext): void {
  for (const method of ['POST', 'PUT'] as const) registerAddition(app, ctx, method);
  registerDeletions(app, ctx);
  registerEdition(app, ctx);
}

function registerAddition(app: FastifyInstance, ctx: ApiContext, method: 'POST' | 'PUT'): void {
  app.route<IndexParams>({
    method,
    url: path,
    config: { body: 'documents' },
    onRequest: authorize(ctx, 'documents.add'),
    // Parameters and path are judged before the type of the body.
    preParsing: async (request) => {
      readAddition(request);
      demandIndexUid(request.params.indexUid);
    },
    handler: async (request, reply) => {
      try {
        return await answerWithTask(ctx, reply, await readAdditionOf(ctx, request, method));
      } finally {
        // The answer to a client that has gone may never be sent.
        await closeSpools(request);
      }
    },
  });
}

async function readAdditionOf(
  ctx: ApiContext,
  request: FastifyRequest<IndexParams>,
  method: 'POST' | 'PUT',
): Promise<AddDocuments> {
  const name = demandIndexUid(request.params.indexUid);
  const query = readAddition(request);
  return new AddDocuments(
    {
      name,
      method,
      source: await readPayload(request, query),
      primaryKey: query.primaryKey,
      skipCreation: query.skipCreation,
      mayCreate: mayCreateIndex(ctx, request, name),
      defaults: ctx.config.fleet,
    },
    query.customMetadata,
    idempotencyOf(request),
  );
}

interface AdditionQuery {
  readonly primaryKey: string | null;
  readonly csvDelimiter: string | null;
  readonly customMetadata: string | undefined;
  readonly skipCreation: boolean;
}

function readAddition(request: FastifyRequest): AdditionQuery {
  const query = queryOf(request.query);
  demandKnown(query, ['primaryKey', 'csvDelimiter', 'customMetadata', 'skipCreation']);
  const skip = query.get('skipCreation');
  if (skip !== undefined && !/^(true|false)$/i.test(skip)) {
    throw new MeiliError(
      'invalid_skip_creation',
      `skipCreation must be either \`true\` or \`false\`. Found: \`${skip}\``,
    );
  }
  return {
    primaryKey: query.get('primaryKey') ?? null,
    csvDelimiter: readDelimiter(query.get('csvDelimiter')),
    customMetadata: query.get('customMetadata'),
    skipCreation: skip?.toLowerCase() === 'true',
  };
}

function readDelimiter(text: string | undefined): string | null {
  if (text === undefined) return null;
  const prefix =
    'Invalid value in parameter `csvDelimiter`: expected a string of one character, but found';
  const characters = [...text];
  if (characters.length === 1) return text;
  const found =
    characters.length === 0
      ? 'an empty string'
      : `the following string of ${characters.length} characters: \`${text}\``;
  throw new MeiliError('invalid_document_csv_delimiter', `${prefix} ${found}`);
}

async function readPayload(request: FastifyRequest, query: AdditionQuery): Promise<DocumentSource> {
  const type = mediaType(request.headers['content-type'] ?? '');
  const format: DocumentFormat =
    type === 'text/csv' ? 'csv' : type === 'application/x-ndjson' ? 'ndjson' : 'json';
  const { csvDelimiter } = query;
  if (csvDelimiter !== null && format !== 'csv') {
    throw new MeiliError(
      'invalid_content_type',
      `The Content-Type \`${type}\` does not support the use of a csv delimiter. The csv delimiter can only be used with the Content-Type \`text/csv\`.`,
    );
  }
  if (csvDelimiter !== null && csvDelimiter.charCodeAt(0) > 0x7f) {
    throw new MeiliError(
      'invalid_document_csv_delimiter',
      `csv delimiter must be an ascii character. Found: \`${csvDelimiter}\``,
    );
  }
  try {
    const { spool } = request;
    if (spool === null) return sourceInMemory(request.rawBody, { format, csvDelimiter });
    const onSpool = (made: Spool): void => void request.spools.push(made);
    return await sourceInSpool(spool, { format, csvDelimiter }, onSpool);
  } catch (error) {
    throw asPayloadError(error);
  }
}

function asPayloadError(error: unknown): unknown {
  if (!(error instanceof Error) && !isErrorLike(error)) return error;
  const { code, message } = error as { code?: unknown; message: string };
  return code === 'malformed_payload' || code === 'missing_payload' || code === 'internal'
    ? new MeiliError(code, message)
    : error;
}

function isErrorLike(error: unknown): error is { message: string } {
  return typeof error === 'object' && error !== null && 'message' in error;
}

function registerDeletions(app: FastifyInstance, ctx: ApiContext): void {
  const onRequest = authorize(ctx, 'documents.delete');
  const submit = deletion(ctx);

  app.delete<IndexParams>(
    path,
    { onRequest },
    async (request, reply) => await answerWithTask(ctx, reply, submit(request, { kind: 'all' })),
  );

  app.delete<{ Params: { indexUid: string; documentId: string } }>(
    `${path}/:documentId`,
    { onRequest },
    async (request, reply) => {
      const id = request.params.documentId;
      if (fixedSegments.has(id)) return await reply.code(405).header('allow', 'POST').send();
      return await answerWithTask(ctx, reply, submit(request, { kind: 'ids', ids: [id] }));
    },
  );

  app.post<IndexParams>(`${path}/delete-batch`, { onRequest }, async (request, reply) => {
    const ids = readIds(request.rawBody);
    return await answerWithTask(ctx, reply, submit(request, { kind: 'ids', ids }));
  });

  app.post<IndexParams>(`${path}/delete`, { onRequest }, async (request, reply) => {
    const fields = new Fields(request.body as JsonValue, {
      known: ['filter'],
      codes: { filter: 'invalid_document_filter' },
      missing: { filter: 'missing_document_filter' },
    });
    const original = fields.raw('filter');
    if (original === undefined) fields.string('filter');
    const name = demandIndexUid(request.params.indexUid);
    if (original === null) throw wrongFilter(null);
    const parts = await readWrittenFilter(ctx, name, original ?? null);
    const doomed: Doomed = { kind: 'filter', original: original ?? null, parts };
    return await answerWithTask(ctx, reply, submit(request, doomed));
  });
}

function deletion(
  ctx: ApiContext,
): (request: FastifyRequest<IndexParams>, doomed: Doomed) => DeleteDocuments {
  return (request, doomed) => {
    const query = queryOf(request.query);
    demandKnown(query, ['customMetadata']);
    const name = demandIndexUid(request.params.indexUid);
    return new DeleteDocuments(
      { name, doomed, count: (entry, what) => countDocuments(ctx, entry, what) },
      query.get('customMetadata'),
      idempotencyOf(request),
    );
  };
}

/**
 * Ids by their bytes: a number above 2^53 must stay what it is. One that no document can have is counted
 * and deletes nothing, as on one Meilisearch.
 */
function readIds(bytes: Buffer): string[] {
  const ids: string[] = [];
  if (bytes[skipWhitespace(bytes, 0)] !== 0x5b) {
    throw new MeiliError(
      'bad_request',
      `Json deserialize error: invalid type: ${kindAt(bytes)}, expected a sequence at line 1 column ${columnOf(bytes)}`,
    );
  }
  try {
    scanArrayItems(bytes, 0, (start, end) => {
      const read = documentId(bytes.subarray(start, end));
      ids.push(read.ok ? read.id : textOf(bytes.subarray(start, end)));
    });
  } catch (error) {
    if (isJsonSyntaxError(error)) throw new MeiliError('malformed_payload', error.message);
    throw error;
  }
  return ids;
}

/** A string without its quotes, anything else as it is written. */
function textOf(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString();
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

/** The engine's parser names the end of a value, but the beginning of an object. */
function columnOf(bytes: Buffer): number {
  const start = skipWhitespace(bytes, 0);
  return bytes[start] === 0x7b ? start : bytes.length;
}

function kindAt(bytes: Buffer): string {
  const value = JSON.parse(bytes.toString()) as JsonValue;
  if (value === null) return 'null';
  if (typeof value === 'string') return `string ${JSON.stringify(value)}`;
  if (typeof value === 'boolean') return `boolean \`${String(value)}\``;
  if (typeof value === 'object') return 'map';
  return Number.isInteger(value) ? `integer \`${value}\`` : `floating point \`${value}\``;
}
