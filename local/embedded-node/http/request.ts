/** A request as the routes see it: path in decoded segments, body decompressed and read when asked. */
import type { IncomingMessage } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { ApiError } from '../errors';
import { JsonSyntaxError, parseJson } from '../engine/json';
import type { Json } from '../engine/json';
import { serdeFault } from './serde-error';

const JSON_ONLY = '`application/json`';
export const DOCUMENT_TYPES = '`application/json`, `application/x-ndjson`, `text/csv`';

export interface NodeRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  /** Decoded, without the blanks of double and trailing slashes. */
  readonly segments: readonly string[];
  /** The last of equal names wins. */
  readonly query: ReadonlyMap<string, string>;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** Reads a whole request. */
export async function readRequest(message: IncomingMessage): Promise<NodeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const url = message.url ?? '/';
  const [path = '', search = ''] = splitOnce(url, '?');
  const segments = path.split('/').filter((segment) => segment !== '');
  return {
    method: message.method ?? 'GET',
    url,
    segments: segments.map(decode),
    query: new Map(new URLSearchParams(search)),
    headers: message.headers,
    body: Buffer.concat(chunks),
  };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The body without its content encoding; unknown encodings are taken as they are. */
function decompressed({ headers, body }: NodeRequest): Buffer {
  try {
    switch (headers['content-encoding']) {
      case 'gzip':
        return gunzipSync(body);
      case 'deflate':
        return inflateSync(body);
      case 'br':
        return brotliDecompressSync(body);
      default:
        return body;
    }
  } catch {
    const message = 'The provided payload is incomplete and cannot be parsed';
    throw new ApiError('bad_request', message);
  }
}

/** The body as text. Throws malformed_payload where it is not UTF-8. */
export function bodyText(request: NodeRequest): string {
  const bytes = decompressed(request);
  const text = bytes.toString();
  if (text.includes('\ufffd') && !Buffer.from(text).equals(bytes)) {
    const invalid = bytes.findIndex((byte, at) => byte !== Buffer.from(text)[at]);
    const column = bytes.indexOf(34, invalid) + 1;
    throw malformedJson(`invalid unicode code point at line 1 column ${column}`);
  }
  return text;
}

function malformedJson(reason: string): ApiError {
  return new ApiError(
    'malformed_payload',
    `The json payload provided is malformed. \`${reason}\`.`,
  );
}

/** The media type without its parameters. */
export function mediaType(request: NodeRequest): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
}

export function wrongContentType(type: string, accepted: string): ApiError {
  const list = `Accepted values for the Content-Type header are: ${accepted}`;
  return new ApiError('invalid_content_type', `The Content-Type \`${type}\` is invalid. ${list}`);
}

/** The body of a route that takes JSON. Throws as Meilisearch does. */
export function jsonBody(request: NodeRequest): Json {
  const type = mediaType(request);
  if (type !== 'application/json' && !type.endsWith('+json')) {
    throw wrongContentType(type, JSON_ONLY);
  }
  const text = bodyText(request);
  if (text === '') throw new ApiError('missing_payload', 'A json payload is missing.');
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonSyntaxError)) throw error;
    throw malformedJson(serdeFault(text, 'json') ?? error.message);
  }
}
