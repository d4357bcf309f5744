import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface S3ForTest {
  readonly url: string;
  readonly objects: ReadonlyMap<string, Buffer>;
  /** Answers the next requests with this status. */
  failNext(status: number, times: number): void;
  close(): Promise<void>;
}

/** S3-compatible storage in memory: objects, multipart uploads, listing, deletion; signed requests only. */
export async function startS3(): Promise<S3ForTest> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  let failing = { status: 0, times: 0 };
  const server: Server = createServer((request, response) => {
    read(request)
      .then((body) => {
        if (failing.times > 0) {
          failing = { ...failing, times: failing.times - 1 };
          return answer(response, failing.status, '<Error><Code>InternalError</Code></Error>');
        }
        if (!(request.headers.authorization ?? '').startsWith('AWS4-HMAC-SHA256 ')) {
          return answer(response, 403, '<Error><Code>AccessDenied</Code></Error>');
        }
        return serve({ request, response, body, objects, uploads });
      })
      .catch(() => answer(response, 500, ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    objects,
    failNext(status, times) {
      failing = { status, times };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  readonly objects: Map<string, Buffer>;
  readonly uploads: Map<string, Map<number, Buffer>>;
}

function serve({ request, response, body, objects, uploads }: Exchange): void {
  const url = new URL(request.url ?? '/', 'http://s3');
  const key = decodeURIComponent(url.pathname.slice(1));
  const { searchParams: query } = url;
  const id = query.get('uploadId');
  switch (request.method) {
    case 'GET':
      if (query.has('list-type')) return answer(response, 200, listing(objects, key, query));
      return object(response, objects.get(key));
    case 'PUT':
      if (id === null) objects.set(key, body);
      else uploads.get(id)?.set(Number(query.get('partNumber')), body);
      return answer(response, 200, '', { etag: '"etag"' });
    case 'POST': {
      if (query.has('delete')) {
        for (const [, name] of body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) {
          objects.delete(`${key.replace(/\/$/, '')}/${name ?? ''}`);
        }
        return answer(response, 200, '<DeleteResult/>');
      }
      if (query.has('uploads')) {
        const fresh = String(uploads.size + 1);
        uploads.set(fresh, new Map());
        const xml = `<InitiateMultipartUploadResult><UploadId>${fresh}</UploadId></InitiateMultipartUploadResult>`;
        return answer(response, 200, xml);
      }
      const parts = [...(uploads.get(id ?? '') ?? [])].sort(([a], [b]) => a - b);
      objects.set(key, Buffer.concat(parts.map(([, part]) => part)));
      return answer(response, 200, '<CompleteMultipartUploadResult/>');
    }
    case 'DELETE':
      objects.delete(key);
      return answer(response, 204, '');
    default:
      return answer(response, 405, '');
  }
}

/** Two names a page, so that paging is seen to work. */
function listing(
  objects: ReadonlyMap<string, Buffer>,
  bucket: string,
  query: URLSearchParams,
): string {
  const base = `${bucket.replace(/\/$/, '')}/`;
  const prefix = query.get('prefix') ?? '';
  const names = [...objects.keys()]
    .filter((name) => name.startsWith(base + prefix))
    .map((name) => name.slice(base.length))
    .sort();
  const from = Number(query.get('continuation-token') ?? 0);
  const page = names.slice(from, from + 2);
  const more = from + 2 < names.length;
  const contents = page
    .map((name) => {
      const size = objects.get(base + name)?.length ?? 0;
      return `<Contents><Key>${name}</Key><Size>${String(size)}</Size></Contents>`;
    })
    .join('');
  const next = more ? `<NextContinuationToken>${String(from + 2)}</NextContinuationToken>` : '';
  return `<ListBucketResult><IsTruncated>${String(more)}</IsTruncated>${next}${contents}</ListBucketResult>`;
}

function object(response: ServerResponse, bytes: Buffer | undefined): void {
  if (bytes === undefined) {
    return answer(response, 404, '<Error><Code>NoSuchKey</Code><Message>none</Message></Error>');
  }
  response.writeHead(200, { 'content-length': String(bytes.length) }).end(bytes);
}

function answer(
  response: ServerResponse,
  status: number,
  xml: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/xml', ...headers }).end(xml);
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  // A stream of unknown length is sent in chunks with a signature each.
  const encoded = (request.headers['content-encoding'] ?? '').includes('aws-chunked');
  return encoded ? unchunked(body) : body;
}

function unchunked(body: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let at = 0;
  for (;;) {
    const end = body.indexOf('\r\n', at);
    const size = Number.parseInt(body.subarray(at, end).toString(), 16);
    if (!(size > 0)) return Buffer.concat(pieces);
    pieces.push(body.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
