import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';
import { deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib';
import { rawHttp } from '../../security/raw-http';
import type { SideOnWire } from '../sides';

/** What follows the request line of a step that no client library may tidy up. */
export interface WireRequest {
  /** `authorization: null` leaves the key away; in values `KEY` stands for it. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly body?: string;
  /** The body is sent in this coding, with its header. */
  readonly coding?: 'gzip' | 'deflate' | 'br';
  /** The body is this long, of blanks before what is in `body`. */
  readonly padTo?: number;
  /** Sent in chunks, without a length. */
  readonly chunked?: boolean;
}

export interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed where it is JSON, else the text. */
  readonly body: unknown;
}

const encoders = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };
const decoders: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** `line` is method and target, sent as they are written. */
export async function runOnWire(
  side: SideOnWire,
  line: string,
  request: WireRequest,
): Promise<WireAnswer> {
  const { body: text = '', coding, padTo = 0, chunked = false } = request;
  const plain = Buffer.from(text.padStart(padTo));
  const bytes = coding === undefined ? plain : encoders[coding](plain);
  const headers = {
    host: 'localhost',
    authorization: 'Bearer KEY',
    ...(request.body === undefined ? {} : lengthOf(bytes, chunked)),
    ...(coding === undefined ? {} : { 'content-encoding': coding }),
    ...request.headers,
  };
  const lines = Object.entries(headers)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${String(value).replaceAll('KEY', side.key)}`);
  const payload = bytes.toString('latin1');
  const answer = await rawHttp(
    side.url,
    [`${line} HTTP/1.1`, ...lines],
    chunked ? `${bytes.length.toString(16)}\r\n${payload}\r\n0\r\n\r\n` : payload,
  );
  return readAnswer(answer);
}

const lengthOf = (bytes: Buffer, chunked: boolean): Record<string, string> =>
  chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(bytes.length) };

function readAnswer({
  status,
  head,
  body,
}: {
  status: number;
  head: string;
  body: string;
}): WireAnswer {
  const all = new Map(
    head
      .split('\r\n')
      .slice(1)
      .map((text) => {
        const at = text.indexOf(':');
        return [text.slice(0, at).toLowerCase(), text.slice(at + 1).trim()] as const;
      }),
  );
  const isChunked = all.get('transfer-encoding') === 'chunked';
  const bytes = Buffer.from(isChunked ? joinChunks(body) : body, 'latin1');
  const decode = decoders[all.get('content-encoding') ?? ''];
  const text = (decode === undefined || bytes.length === 0 ? bytes : decode(bytes)).toString();
  const isJson = all.get('content-type')?.startsWith('application/json') === true;
  return { status, headers: shown(all), body: isJson && text !== '' ? JSON.parse(text) : text };
}

function joinChunks(text: string): string {
  let rest = text;
  let joined = '';
  for (;;) {
    const size = parseInt(rest, 16);
    if (!(size > 0)) return joined;
    const start = rest.indexOf('\r\n') + 2;
    joined += rest.slice(start, start + size);
    rest = rest.slice(start + size + 2);
  }
}

/** Lists are sorted: their order says nothing. */
const lists = new Set(['allow', 'vary', 'access-control-allow-methods']);
const named = ['content-type', 'content-encoding', 'retry-after', 'access-control-max-age'];
const kept = new Set([...lists, ...named, 'access-control-allow-origin', 'location']);

function shown(all: ReadonlyMap<string, string>): Record<string, string> {
  const entries = [...all].filter(([name]) => kept.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      lists.has(name)
        ? [...new Set(value.split(',').map((item) => item.trim().toLowerCase()))].sort().join(', ')
        : value,
    ]),
  );
}
