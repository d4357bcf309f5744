import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/**
 * The target of a request with every escape decodable: a framework would answer one that is not in its own
 * words, where the engine reads a `%` that begins no escape as itself and bytes that are no UTF-8 as U+FFFD.
 */
export function decodableUrl(url: string): string {
  if (!url.includes('%')) return url;
  const escaped = url.replace(/%(?![0-9A-Fa-f]{2})/g, '%25');
  return escaped.replace(/(?:%[89A-Fa-f][0-9A-Fa-f])+/g, (run) => {
    const bytes = Buffer.from(run.replaceAll('%', ''), 'hex');
    return encodeURIComponent(bytes.toString('utf8'));
  });
}

/** JSON is UTF-8 by definition, and the engine names no charset. */
export function plainJson(app: FastifyInstance): void {
  app.addHook('onSend', async (_request, reply, payload) => {
    if (reply.getHeader('content-type') === 'application/json; charset=utf-8') {
      reply.header('content-type', 'application/json');
    }
    return payload;
  });
}

const statusLines: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
};

/** What is no HTTP gets a status and nothing else, and loses its connection. */
export function answerClientError(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = statusLines[error.code ?? ''] ?? '400 Bad Request';
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }
  socket.destroy();
}
