/** The HTTP server of an embedded node. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiError, toApiError } from './errors';
import type { FaultControl } from './faults';
import { toJsonText } from './http/answer';
import type { Answer } from './http/answer';
import { readRequest } from './http/request';
import type { NodeRequest } from './http/request';
import { EmbeddedNode } from './node';
import { buildRouter } from './routes/router';

export interface EmbeddedNodeOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly host: string;
  /** Null leaves everything open but `/keys`. */
  readonly masterKey: string | null;
  /** Where accepted tasks are kept; null keeps them in memory. */
  readonly dataDir: string | null;
}

export interface RunningEmbeddedNode {
  readonly url: string;
  readonly port: number;
  readonly faults: FaultControl;
  close(): Promise<void>;
}

const MAX_HEADER_BYTES = 128 * 1024;
const DISK_FULL =
  'Meilisearch cannot receive write operations because the limit of the task database has been reached. Please delete tasks to continue performing write operations.';

/** Whether a request changes something; searches and fetches are POSTs that do not. */
function writes({ method, segments }: NodeRequest): boolean {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return false;
  const last = segments[segments.length - 1] ?? '';
  return !['search', 'multi-search', 'facet-search', 'similar', 'fetch', '__faults'].includes(last);
}

function send(response: ServerResponse, answer: Answer): void {
  const headers: Record<string, string> = { 'x-miroir-embedded-node': '1', ...answer.headers };
  if (answer.body === undefined && answer.lines === undefined) {
    response.writeHead(answer.status, { ...headers, 'content-length': '0' }).end();
    return;
  }
  const text = Buffer.from(answer.lines ?? toJsonText(answer.body));
  headers['content-type'] =
    answer.lines === undefined ? 'application/json' : 'application/x-ndjson';
  headers['content-length'] = String(text.length);
  response.writeHead(answer.status, headers).end(text);
}

function failure(error: unknown): Answer {
  const known = toApiError(error);
  const headers = known.status === 503 ? { 'retry-after': '10' } : {};
  return { status: known.status, body: known.body(), headers };
}

/** Master key or a key that may do everything; `/health` is open. */
function authorize(node: EmbeddedNode, request: NodeRequest): void {
  const [first] = request.segments;
  if (node.keys === null) {
    if (first !== 'keys') return;
    throw new ApiError(
      'missing_master_key',
      'Meilisearch is running without a master key. To access this API endpoint, you must have set a master key at launch.',
    );
  }
  if (first === 'health') return;
  const header = request.headers.authorization;
  if (header === undefined || !/^Bearer(\s|$)/.test(header)) {
    const message =
      'The Authorization header is missing. It must use the bearer authorization method.';
    throw new ApiError('missing_authorization_header', message);
  }
  const bearer = header.slice('Bearer '.length);
  if (!node.keys.mayDoAll(bearer)) {
    throw new ApiError('invalid_api_key', 'The provided API key is invalid.');
  }
}

/** Answers requests of one node; `handle` adds the faults that need a connection. */
export class NodeServer {
  private readonly router;

  constructor(private readonly node: EmbeddedNode) {
    this.router = buildRouter(node);
  }

  async handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message);
    const { faults } = this.node;
    const isControl = request.segments[0] === '__faults';
    const take = (
      ...kinds: Parameters<FaultControl['take']>[0]
    ): ReturnType<FaultControl['take']> =>
      isControl ? null : faults.take(kinds, request.method, request.url);
    const delay = take('delay');
    if (delay?.kind === 'delay') {
      await new Promise<void>((resolve) => setTimeout(resolve, delay.ms));
    }
    const action = take('error', 'hang', 'drop');
    const when =
      action?.kind === 'hang'
        ? (action.when ?? 'before')
        : action?.kind === 'drop'
          ? action.when
          : null;
    if (action?.kind === 'error') {
      send(response, { status: action.status, body: action.body });
      return;
    }
    const answer = when === 'before' ? null : this.answer(request, take);
    if (action?.kind === 'drop') message.socket.destroy();
    else if (answer !== null && action === null) send(response, answer);
  }

  /** The answer at once; a write is in the queue when it returns. */
  answer(request: NodeRequest, take: (kind: 'rejectWrites') => unknown = () => null): Answer {
    const match = this.router.find(request.method, request.segments);
    if (match.kind === 'unknown') return { status: 404 };
    if (match.kind === 'wrongMethod') {
      return { status: 405, headers: { allow: match.allowed } };
    }
    try {
      authorize(this.node, request);
      if (writes(request) && take('rejectWrites') !== null) {
        throw new ApiError('no_space_left_on_device', DISK_FULL);
      }
      return match.handler(request, match.named);
    } catch (error) {
      return failure(error);
    }
  }
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}

/**
 * Starts an embedded node and resolves when it answers. Rejects when the port is taken or the data
 * folder cannot be used.
 */
export async function startEmbeddedNode(
  options: EmbeddedNodeOptions,
): Promise<RunningEmbeddedNode> {
  const node = new EmbeddedNode(options.masterKey, options.dataDir);
  await node.start();
  const handler = new NodeServer(node);
  const server = createServer(
    { maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: 65_000 },
    (message, response) => {
      handler.handle(message, response).catch(() => message.socket.destroy());
    },
  );
  const port = await listen(server, options.port, options.host);
  return {
    url: `http://${options.host}:${port}`,
    port,
    faults: node.faults,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await node.close();
    },
  };
}
