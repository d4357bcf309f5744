import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import type { Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { MeiliError } from '../../core/errors';
import { parseJsonBody } from './json-body';
import { documentTypes, jsonTypes, mediaType } from './media-types';
import { Spool, SpoolRoom } from './spool';

/**
 * What a route does with its body. `json`: it must be JSON and arrives parsed. `documents`: one of the
 * three document formats, arrives as bytes. `none`: ignored, whatever it is. Routes of POST, PUT and
 * PATCH are `json` unless their config says otherwise.
 */
export type BodyKind = 'json' | 'documents' | 'none';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it came, decompressed; empty when there was none. */
    rawBody: Buffer;
    /** A document body too large for memory; `rawBody` is empty then. */
    spool: Spool | null;
    /** All temporary files of the request; closed when it is over. */
    spools: Spool[];
    /** The hash of what is in `spool`. */
    spoolHash: Buffer | null;
  }
  interface FastifyContextConfig {
    body?: BodyKind;
  }
}

/**
 * Reads every body as bytes, of any content type: Meilisearch decides on the content type only after
 * it has let the request in, with its own errors, and document bodies must not be parsed as numbers.
 */
export function registerBodies(
  app: FastifyInstance,
  { bodyLimitBytes: limitBytes, spoolBytes }: { bodyLimitBytes: number; spoolBytes: number },
): void {
  app.decorateRequest('rawBody');
  app.decorateRequest('spool', null);
  app.decorateRequest('spools');
  app.decorateRequest('spoolHash', null);
  const room = new BodyRoom(Math.max(limitBytes * bodiesAtOnce, roomBytesMin));
  const spoolRoom = new SpoolRoom(Math.max(limitBytes * spoolsAtOnce, roomBytesMin));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    request.spools ??= [];
    const isSpooled = request.routeOptions.config.body === 'documents';
    const spoolAt = isSpooled ? spoolBytes : Infinity;
    request.rawBody = await readBody(request, payload, { limitBytes, room, spoolAt, spoolRoom });
    return undefined;
  });
  app.addHook('onResponse', async (request) => {
    room.leave(request);
    await closeSpools(request);
  });
  app.addHook('preValidation', async (request) => {
    // Without a body no parser runs.
    request.rawBody ??= Buffer.alloc(0);
    if (request.is404) return;
    const kind = request.routeOptions.config.body ?? kindOf(request.method);
    if (kind === 'none') return;
    demandType(request, kind);
    request.body = kind === 'json' ? parseJsonBody(request.rawBody) : request.rawBody;
  });
}

function kindOf(method: string): BodyKind {
  return method === 'POST' || method === 'PUT' || method === 'PATCH' ? 'json' : 'none';
}

function demandType(request: FastifyRequest, kind: 'json' | 'documents'): void {
  const given = request.headers['content-type'];
  if (given === undefined) {
    throw new MeiliError(
      'missing_content_type',
      `A Content-Type header is missing. Accepted values for the Content-Type header are: ${accepted(kind)}`,
    );
  }
  const type = mediaType(given);
  const fits = kind === 'json' ? /[/+]json$/.test(type) : documentTypes.includes(type);
  if (!fits) throw wrongContentType(request);
}

/** For a type that does not fit the route, or that is no media type at all. */
export function wrongContentType(request: FastifyRequest): MeiliError {
  const kind = request.routeOptions.config.body === 'documents' ? 'documents' : 'json';
  const given = mediaType(request.headers['content-type'] ?? '');
  // Of a type with a suffix (`application/vnd.x+json`) the engine's message leaves the suffix out.
  const type = kind === 'documents' ? given.replace(/\+[^+]*$/, '') : given;
  return new MeiliError(
    'invalid_content_type',
    `The Content-Type \`${type}\` is invalid. Accepted values for the Content-Type header are: ${accepted(kind)}`,
  );
}

function accepted(kind: 'json' | 'documents'): string {
  return (kind === 'json' ? jsonTypes : documentTypes).map((type) => `\`${type}\``).join(', ');
}

/** Removes the temporary files of a request; safe to call twice. */
export async function closeSpools(request: FastifyRequest): Promise<void> {
  await Promise.all((request.spools ?? []).map(async (spool) => await spool.close()));
}

interface BodyBounds {
  readonly limitBytes: number;
  readonly room: BodyRoom;
  /** From so many bytes on the body is in a temporary file and no more in memory. */
  readonly spoolAt: number;
  readonly spoolRoom: SpoolRoom;
}

async function readBody(
  request: FastifyRequest,
  payload: Readable,
  bounds: BodyBounds,
): Promise<Buffer> {
  const decoder = decoderFor(request.headers['content-encoding']);
  const { limitBytes, room } = bounds;
  let chunks: Buffer[] = [];
  let size = 0;
  let spooled: Spooled | null = null;
  try {
    for await (const chunk of decoder === null ? payload : payload.pipe(decoder)) {
      const bytes = chunk as Buffer;
      size += bytes.length;
      // The limit counts what comes out of the decoder: a small bomb must not fill the memory.
      if (size > limitBytes) throw tooLarge(limitBytes);
      if (spooled === null && size > bounds.spoolAt) {
        spooled = await spoolOf(request, chunks, bounds.spoolRoom);
        chunks = [];
        room.leave(request);
      }
      if (spooled === null) {
        room.take(request, bytes.length);
        chunks.push(bytes);
      } else {
        spooled.hash.update(bytes);
        await spooled.spool.append(bytes);
      }
    }
  } catch (error) {
    payload.unpipe();
    payload.resume();
    decoder?.destroy();
    await closeSpools(request);
    if (typeof error === 'object' && error !== null && 'toBody' in error) throw error;
    throw new MeiliError('bad_request', 'The provided payload is incomplete and cannot be parsed');
  }
  if (spooled !== null) request.spoolHash = spooled.hash.digest();
  return chunks.length === 1 && chunks[0] !== undefined
    ? chunks[0]
    : Buffer.concat(chunks, spooled === null ? size : 0);
}

interface Spooled {
  readonly spool: Spool;
  readonly hash: Hash;
}

/** The request's temporary file, with what has come so far. */
async function spoolOf(
  request: FastifyRequest,
  chunks: readonly Buffer[],
  room: SpoolRoom,
): Promise<Spooled> {
  const spool = await Spool.create(room);
  request.spools.push(spool);
  request.spool = spool;
  const hash = createHash('sha256');
  for (const bytes of chunks) {
    hash.update(bytes);
    await spool.append(bytes);
  }
  return { spool, hash };
}

/** So many bodies of the largest size are in temporary files at once; CSV takes the room of several. */
const spoolsAtOnce = 16;

/** So many bodies of the largest size a pod holds at once, or as many bytes of smaller ones. */
const bodiesAtOnce = 4;
const roomBytesMin = 64_000_000;

/** What all bodies under way take together: beyond it a pod says that it is busy, before it is killed. */
class BodyRoom {
  #taken = 0;
  readonly #byRequest = new WeakMap<FastifyRequest, number>();

  constructor(private readonly bytesMax: number) {}

  take(request: FastifyRequest, bytes: number): void {
    this.#taken += bytes;
    this.#byRequest.set(request, (this.#byRequest.get(request) ?? 0) + bytes);
    if (this.#taken <= this.bytesMax) return;
    throw new MeiliError(
      'too_many_search_requests',
      `Too many request bodies are under way at the same time: ${sizeText(this.bytesMax)}. Retry after 10s.`,
    );
  }

  leave(request: FastifyRequest): void {
    this.#taken -= this.#byRequest.get(request) ?? 0;
    this.#byRequest.delete(request);
  }
}

/** Other encodings, zstd among them, are taken as they are, as the engine does. */
function decoderFor(encoding: string | undefined): Transform | null {
  switch (encoding?.trim().toLowerCase()) {
    case 'gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return null;
  }
}

function tooLarge(limitBytes: number): MeiliError {
  return new MeiliError(
    'payload_too_large',
    `The provided payload reached the size limit. The maximum accepted payload size is ${sizeText(limitBytes)}.`,
  );
}

/** `100 MB`, or a binary unit where the limit is a multiple of 1,024: so the engine prints it. */
export function sizeText(bytes: number): string {
  const [base, units] =
    bytes % 1024 === 0 ? [1024, ['B', 'KiB', 'MiB', 'GiB']] : [1000, ['B', 'kB', 'MB', 'GB']];
  let value = bytes;
  let unit = 0;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit += 1;
  }
  return `${Number(value.toFixed(2))} ${units[unit] ?? 'B'}`;
}
