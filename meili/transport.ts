import { Readable } from 'node:stream';
import { Pool } from 'undici';
import { nodeDeadlineMsMax } from '../core/limits';
import { exchange } from './exchange';
import { isNodeError } from './node-error';
import type { BodyStream, RawAnswer, RawRequest } from './types';

export interface TransportOptions {
  readonly url: string;
  readonly deadlineMs?: number;
  readonly connections?: number;
  readonly responseBytesMax?: number;
  /** The other side closed a connection: it may have been another process's. */
  readonly onLost?: () => void;
  /** Asked before a read is sent again after a lost connection. */
  readonly mayResend?: (path: string) => boolean;
}

/** What a connection ends with when the other side ended it; its own idle time is not among them. */
const lostCodes: ReadonlySet<string> = new Set(['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE']);

/** Sends requests to one node; knows nothing of keys but that each request carries one. */
export interface Transport {
  readonly url: string;
  send(request: RawRequest, key: string, until?: number): Promise<RawAnswer>;
  /** Milliseconds of `performance.now()` at which a request with these options must be over. */
  until(deadlineMs?: number): number;
  close(): Promise<void>;
}

const defaults = { deadlineMs: 10_000, connections: 64, responseBytesMax: 256 * 1024 * 1024 };

export function createTransport(options: TransportOptions): Transport {
  const { origin, pathname } = new URL(options.url);
  const base = pathname.replace(/\/$/, '');
  const pool = new Pool(origin, {
    connections: options.connections ?? defaults.connections,
    pipelining: 1,
    // Shorter than the idle time of anything between, so that a dead connection is seldom reused.
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 4_000,
    connect: { timeout: nodeDeadlineMsMax },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  pool.on('disconnect', (_origin, _targets, error: Error & { readonly code?: string }) => {
    if (lostCodes.has(error.code ?? '')) options.onLost?.();
  });
  const until = (deadlineMs = options.deadlineMs ?? defaults.deadlineMs): number =>
    performance.now() + Math.min(deadlineMs, nodeDeadlineMsMax);
  const once = (request: RawRequest, key: string, end: number): Promise<RawAnswer> => {
    const body = encodeBody(request.body);
    return exchange(pool, {
      method: request.method,
      path: `${base}${request.path}`,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === null ? {} : { 'content-type': request.contentType ?? 'application/json' }),
      },
      body,
      until: end,
      ...(request.signal === undefined ? {} : { signal: request.signal }),
      responseBytesMax: options.responseBytesMax ?? defaults.responseBytesMax,
    });
  };
  return {
    url: options.url,
    until,
    async send(request, key, end = until(request.deadlineMs)) {
      try {
        return await once(request, key, end);
      } catch (error) {
        // A kept connection that the node has closed meanwhile; asking again changes nothing there.
        if (!isRead(request) || !isNodeError(error) || error.code !== 'node_unreachable')
          throw error;
        if (!error.outcomeUnknown || options.mayResend?.(request.path) === false) throw error;
        return once(request, key, end);
      }
    },
    close: () => pool.destroy(),
  };
}

/** Requests that change nothing on a node, so that they may be sent twice. */
export function isRead({ method, path }: RawRequest): boolean {
  if (method === 'GET' || method === 'HEAD') return true;
  const route = path.split('?')[0] ?? '';
  return method === 'POST' && /\/(search|facet-search|similar|documents\/fetch)$/.test(route);
}

export function encodeBody(body: RawRequest['body']): Uint8Array | string | Readable | null {
  if (body === undefined) return null;
  if (typeof body === 'function') {
    return Readable.from((body as BodyStream)(), { objectMode: false });
  }
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  // Bytes made in another realm (a test's sandbox) are bytes, too.
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  return JSON.stringify(body);
}
