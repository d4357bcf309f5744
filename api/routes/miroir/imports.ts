import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { rejectedText } from '../../../archives/rejected';
import { parseS3 } from '../../../archives/s3-depot';
import { chunkName, uploadBase } from '../../../archives/uploads';
import { demandName } from '../../../archives/depot';
import type { ArchiveSource, ImportInput } from '../../../core/archives/types';
import { MeiliError } from '../../../core/errors';
import type { JsonValue } from '../../../core/fleet';
import type { Origin } from '../../../core/operations';
import { importId } from '../../../workflows/ids';
import { workflowTypes } from '../../../workflows/messages';
import { demandDepot, withDepot } from '../../archives';
import type { ApiContext } from '../../context';
import { Fields } from '../../http/fields';
import { operatorBody, operatorRoute, temporalOf } from './operator-route';
import { originOf } from './origin';

const chunksMax = 1_000_000;
const idPattern = /^[A-Za-z0-9_-]{1,64}$/;

interface UploadParams {
  Params: { id: string; ordinal: string };
}
interface IdParams {
  Params: { id: string };
}

/** Dumps that come in: upload in chunks, import, what was set aside, retry. */
export function registerImports(app: FastifyInstance, ctx: ApiContext): void {
  const options = operatorRoute(ctx);

  // A chunk that was sent twice is the same chunk, so an upload goes on where it was interrupted.
  app.put<UploadParams>('/_miroir/uploads/:id/:ordinal', options, async (request, reply) => {
    const id = readId(request.params.id);
    const ordinal = Number(request.params.ordinal);
    if (!/^\d+$/.test(request.params.ordinal) || ordinal >= chunksMax) {
      throw new MeiliError('bad_request', `A chunk's number is from 0 to ${chunksMax - 1}.`);
    }
    const depot = demandDepot(ctx, 'dumps');
    const bytes = await withDepot(() => depot.write(chunkName(id, ordinal), request.rawBody));
    return await reply.code(201).send({ id, ordinal, bytes });
  });

  app.delete<IdParams>('/_miroir/uploads/:id', options, async (request, reply) => {
    const depot = demandDepot(ctx, 'dumps');
    await withDepot(() => depot.deleteAll(uploadBase(readId(request.params.id))));
    return await reply.code(204).send();
  });

  app.post('/_miroir/imports', options, async (request, reply) => {
    demandDepot(ctx, 'dumps');
    const input = readImport(ctx, operatorBody(request), originOf(request));
    return await reply.code(202).send(await startImport(ctx, input));
  });

  app.get<IdParams>('/_miroir/imports/:id/rejected', options, async (request, reply) => {
    const depot = demandDepot(ctx, 'dumps');
    const id = readId(request.params.id);
    const stream = Readable.from(rejectedText(depot, id), { objectMode: false });
    return await reply.type('application/x-ndjson').send(stream);
  });

  app.post<IdParams>('/_miroir/imports/:id/retry', options, async (request, reply) => {
    const fields = new Fields(operatorBody(request), { known: ['prefix', 'who', 'why'] });
    demandDepot(ctx, 'dumps');
    const source: ArchiveSource = { kind: 'rejected', importId: readId(request.params.id) };
    const input = importOf(ctx, source, originOf(request), {
      ...{ existing: 'merge', keys: false, features: false, aliases: false, policies: false },
      prefix: fields.optionalString('prefix') ?? '',
    });
    return await reply.code(202).send(await startImport(ctx, input));
  });
}

export async function startImport(ctx: ApiContext, input: ImportInput): Promise<object> {
  const run = await temporalOf(ctx).start({
    workflowType: workflowTypes.importArchive,
    workflowId: importId(input.id),
    args: [input],
  });
  return { operation: run.workflowId, runId: run.runId, id: input.id };
}

/** An import of everything, but for what `choices` says. */
export function importOf(
  { config }: ApiContext,
  source: ArchiveSource,
  { who, why }: Origin,
  choices: Partial<ImportInput>,
): ImportInput {
  const { batchDocuments, batchBytes, rejectedMax } = config.dumps;
  return {
    ...{ id: randomUUID().slice(0, 13), source, who, why, indexes: null, prefix: '' },
    ...{ existing: 'refuse', keys: true, features: true, aliases: true, policies: true },
    // A body holds a batch with the document that filled it.
    batch: {
      documents: batchDocuments,
      bytes: Math.min(batchBytes, Math.floor(config.api.bodyLimitBytes / 2)),
    },
    ...{ rejectedMax, dryRun: false, documentsPerSecond: null },
    heartbeatTimeoutMs: config.worker.heartbeatMs,
    ...choices,
  };
}

export const importFields = [
  ...['indexes', 'prefix', 'existing', 'keys', 'features', 'aliases', 'policies', 'dryRun'],
  ...['documentsPerSecond', 'who', 'why'],
] as const;

/** What of a body chooses how an archive is imported. */
export function readChoices(fields: Fields): Partial<ImportInput> {
  const existing = fields.optionalString('existing') ?? 'refuse';
  if (existing !== 'refuse' && existing !== 'merge') {
    throw fields.invalid('existing', 'expected `refuse` or `merge`');
  }
  return {
    indexes: fields.optionalStrings('indexes'),
    prefix: fields.optionalString('prefix') ?? '',
    existing,
    keys: fields.optionalBoolean('keys', true),
    features: fields.optionalBoolean('features', true),
    aliases: fields.optionalBoolean('aliases', true),
    policies: fields.optionalBoolean('policies', true),
    dryRun: fields.optionalBoolean('dryRun', false),
    documentsPerSecond: fields.optionalNumber('documentsPerSecond', { min: 1, integer: true }),
  };
}

function readImport(ctx: ApiContext, body: JsonValue, origin: Origin): ImportInput {
  const fields = new Fields(body, { known: ['upload', 'file', 'url', ...importFields] });
  return importOf(ctx, readSource(fields), origin, readChoices(fields));
}

function readSource(fields: Fields): ArchiveSource {
  const given = ['upload', 'file', 'url'].filter((name) => fields.has(name));
  if (given.length !== 1) {
    throw new MeiliError('bad_request', 'Give one of `upload`, `file` and `url`.');
  }
  if (fields.has('url')) {
    const url = fields.string('url');
    const place = parseS3(url);
    if (place === null || !place.prefix.includes('.')) {
      throw fields.invalid('url', 'expected the url of a dump, as s3://bucket/folder/name.dump');
    }
    return { kind: 's3', url };
  }
  if (fields.has('file')) {
    const name = fields.string('file');
    try {
      demandName(name);
    } catch {
      throw fields.invalid('file', 'expected the name of a file in the dumps location');
    }
    return { kind: 'file', name };
  }
  const upload = new Fields(fields.object('upload'), { known: ['id', 'parts'] });
  const parts = upload.optionalNumber('parts', { min: 1, integer: true });
  if (parts === null || parts > chunksMax) throw upload.invalid('parts', 'expected a number');
  return { kind: 'upload', id: readId(upload.string('id')), parts };
}

export function readId(id: string): string {
  if (idPattern.test(id)) return id;
  throw new MeiliError('bad_request', 'An id has 1 to 64 letters, digits, `-` or `_`.');
}
