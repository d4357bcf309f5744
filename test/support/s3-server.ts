import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { refusalOf } from './s3-signature';
import type { S3Credentials } from './s3-signature';

export interface S3ForTest {
  readonly url: string;
  /** By `bucket/key`. */
  readonly objects: ReadonlyMap<string, Buffer>;
  /** `bucket/key` of each upload in parts that is neither complete nor aborted. */
  unfinished(): string[];
  /** Answers the next requests with this status. */
  failNext(status: number, times: number): void;
  /** Cuts the connection in the middle of the next bodies whose url this matches. */
  cutNext(url: RegExp, times: number): void;
  /** Answers nothing to requests whose url this matches, until it is called with null; they are counted. */
  hang(url: RegExp | null): { readonly held: number };
  /** From now on only these sign what is served. */
  demand(credentials: S3Credentials): void;
  /** Keys that this matches cannot be deleted. */
  protect(key: RegExp | null): void;
  addBucket(name: string): void;
  removeBucket(name: string): void;
  close(): Promise<void>;
}

export const s3Credentials: S3Credentials = {
  accessKeyId: 'AKIATESTTESTTEST',
  secretAccessKey: 'secret-of-the-storage-0123456789',
};

interface State {
  readonly objects: Map<string, Buffer>;
  readonly uploads: Map<string, { readonly key: string; readonly parts: Map<number, Buffer> }>;
  readonly buckets: Set<string>;
  uploadsEver: number;
  credentials: S3Credentials;
  failing: { status: number; times: number };
  cutting: { url: RegExp; times: number };
  hanging: { url: RegExp; held: number } | null;
  protected: RegExp | null;
}

/** S3-compatible storage in memory: objects, multipart uploads, listing, deletion; signatures are checked. */
export async function startS3(buckets: readonly string[] = ['bucket']): Promise<S3ForTest> {
  const state: State = {
    ...{ objects: new Map(), uploads: new Map(), buckets: new Set(buckets), uploadsEver: 0 },
    ...{ credentials: s3Credentials, failing: { status: 0, times: 0 } },
    ...{ cutting: { url: /^$/, times: 0 }, hanging: null, protected: null },
  };
  const server: Server = createServer((request, response) => {
    exchange(state, request, response).catch(() => answer(response, 500, ''));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    objects: state.objects,
    unfinished: () => [...state.uploads.values()].map(({ key }) => key).sort(),
    failNext: (status, times) => void (state.failing = { status, times }),
    cutNext: (url, times) => void (state.cutting = { url, times }),
    hang(url) {
      const hanging = { url: url ?? /^$/, held: 0 };
      state.hanging = url === null ? null : hanging;
      return hanging;
    },
    demand: (credentials) => void (state.credentials = credentials),
    protect: (key) => void (state.protected = key),
    addBucket: (name) => void state.buckets.add(name),
    removeBucket: (name) => void state.buckets.delete(name),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function exchange(
  state: State,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '/';
  if (state.cutting.times > 0 && state.cutting.url.test(path)) {
    state.cutting.times -= 1;
    request.once('data', () => request.socket.destroy());
    return;
  }
  if (state.hanging?.url.test(path) === true) {
    state.hanging.held += 1;
    request.resume();
    return;
  }
  const body = await read(request);
  if (state.failing.times > 0) {
    state.failing.times -= 1;
    return answer(response, state.failing.status, refused('InternalError'));
  }
  const refusal = refusalOf(request, state.credentials);
  // Storage may repeat what it was sent, which must not get into anybody's log.
  if (refusal !== null) {
    return answer(response, 403, refused(refusal, String(request.headers.authorization)));
  }
  const key = decodeURIComponent(new URL(path, 'http://s3').pathname.slice(1));
  if (!state.buckets.has(key.split('/')[0] ?? '')) {
    return answer(response, 404, refused('NoSuchBucket'));
  }
  serve(state, { request, response, body, key });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** `bucket/key`, or `bucket/` or `bucket`. */
  readonly key: string;
}

function serve(state: State, { request, response, body, key }: Exchange): void {
  const { objects, uploads } = state;
  const query = new URL(request.url ?? '/', 'http://s3').searchParams;
  const id = query.get('uploadId');
  switch (request.method) {
    case 'GET':
      if (query.has('list-type')) return answer(response, 200, listing(objects, key, query));
      if (query.has('uploads')) return answer(response, 200, uploadListing(state, key, query));
      return object(response, objects.get(key));
    case 'PUT':
      if (id === null) objects.set(key, body);
      else if (!uploads.has(id)) return answer(response, 404, refused('NoSuchUpload'));
      else uploads.get(id)?.parts.set(Number(query.get('partNumber')), body);
      return answer(response, 200, '', { etag: '"etag"' });
    case 'POST':
      if (query.has('delete')) return answer(response, 200, deleteObjects(state, key, body));
      if (query.has('uploads')) {
        const fresh = String((state.uploadsEver += 1));
        uploads.set(fresh, { key, parts: new Map() });
        const xml = `<InitiateMultipartUploadResult><UploadId>${fresh}</UploadId></InitiateMultipartUploadResult>`;
        return answer(response, 200, xml);
      }
      return complete(state, key, { id: id ?? '', response });
    case 'DELETE':
      if (id === null) objects.delete(key);
      else if (!uploads.delete(id)) return answer(response, 404, refused('NoSuchUpload'));
      return answer(response, 204, '');
    default:
      return answer(response, 405, '');
  }
}

function complete(
  { objects, uploads }: State,
  key: string,
  { id, response }: { readonly id: string; readonly response: ServerResponse },
): void {
  const upload = uploads.get(id);
  if (upload === undefined) return answer(response, 404, refused('NoSuchUpload'));
  const parts = [...upload.parts].sort(([a], [b]) => a - b);
  objects.set(key, Buffer.concat(parts.map(([, part]) => part)));
  uploads.delete(id);
  answer(response, 200, '<CompleteMultipartUploadResult/>');
}

function deleteObjects({ objects, protected: kept }: State, bucket: string, body: Buffer): string {
  const errors: string[] = [];
  for (const [, name = ''] of body.toString().matchAll(/<Key>([^<]*)<\/Key>/g)) {
    if (kept?.test(name) === true) {
      errors.push(`<Error><Key>${name}</Key><Code>AccessDenied</Code></Error>`);
    } else objects.delete(`${bucket.replace(/\/$/, '')}/${name}`);
  }
  return `<DeleteResult>${errors.join('')}</DeleteResult>`;
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

/** One a page. */
function uploadListing({ uploads }: State, bucket: string, query: URLSearchParams): string {
  const base = `${bucket.replace(/\/$/, '')}/`;
  const prefix = base + (query.get('prefix') ?? '');
  const after = Number(query.get('upload-id-marker') ?? 0);
  const open = [...uploads].filter(([id, { key }]) => key.startsWith(prefix) && Number(id) > after);
  const [first] = open;
  if (first === undefined) {
    return '<ListMultipartUploadsResult><IsTruncated>false</IsTruncated></ListMultipartUploadsResult>';
  }
  const [id, upload] = first;
  const key = upload.key.slice(base.length);
  return (
    `<ListMultipartUploadsResult><IsTruncated>${String(open.length > 1)}</IsTruncated>` +
    `<NextKeyMarker>${key}</NextKeyMarker><NextUploadIdMarker>${id}</NextUploadIdMarker>` +
    `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload></ListMultipartUploadsResult>`
  );
}

const refused = (code: string, message = 'none'): string =>
  `<Error><Code>${code}</Code><Message>${message}</Message></Error>`;

function object(response: ServerResponse, bytes: Buffer | undefined): void {
  if (bytes === undefined) return answer(response, 404, refused('NoSuchKey'));
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
