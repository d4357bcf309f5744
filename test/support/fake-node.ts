import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface FakeNode {
  readonly url: string;
  /** `METHOD path` of each request, in the order they came. */
  readonly seen: string[];
  close(): Promise<void>;
}

export type FakeAnswer = (
  request: IncomingMessage & { body: string },
  response: ServerResponse,
) => void;

/** An HTTP server whose answers the test decides; for faults that a real node does not make on demand. */
export async function fakeNode(answer: FakeAnswer): Promise<FakeNode> {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push(`${request.method ?? ''} ${request.url ?? ''}`);
      answer(Object.assign(request, { body: Buffer.concat(chunks).toString('utf8') }), response);
    });
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    seen,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
