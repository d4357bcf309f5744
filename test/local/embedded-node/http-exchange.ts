/** One HTTP request, with the path sent as it stands: `..` and `//` are not resolved here. */
import { Agent, request } from 'node:http';
import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { JsonSyntaxError, parseJson } from '../../../local/embedded-node/engine/json';
import type { Json } from '../../../local/embedded-node/engine/json';

export interface HttpQuestion {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Null for an empty body; a text that is no JSON is given as a text. */
  readonly json: Json;
}

const agent = new Agent({ keepAlive: false });

function decoded(bytes: Buffer, encoding: string | undefined): Buffer {
  if (encoding === 'gzip') return gunzipSync(bytes);
  if (encoding === 'deflate') return inflateSync(bytes);
  return encoding === 'br' ? brotliDecompressSync(bytes) : bytes;
}

function readBody(text: string): Json {
  if (text === '') return null;
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return text;
    throw error;
  }
}

/** Rejects when the connection fails or is closed before the answer is whole. */
export async function httpExchange(baseUrl: string, question: HttpQuestion): Promise<HttpAnswer> {
  const { hostname, port } = new URL(baseUrl);
  const { method, path, headers, body } = question;
  const length = body === null ? {} : { 'Content-Length': String(body.length) };
  return new Promise((resolve, reject) => {
    const sending = request(
      { hostname, port, method, path, agent, headers: { ...headers, ...length } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const bytes = decoded(Buffer.concat(chunks), response.headers['content-encoding']);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            json: readBody(bytes.toString()),
          });
        });
      },
    );
    sending.on('error', reject);
    sending.end(body ?? undefined);
  });
}
