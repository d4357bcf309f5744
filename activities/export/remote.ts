import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { request } from 'undici';
import type { Agent } from 'undici';
import { isObject } from '../../core/search/values';
import type { JsonValue } from '../../core/fleet';
import { checkOutbound, pinnedAgent } from '../../meili/outbound-guard';
import { refuse } from '../errors';
import type { ActivityTools, Call } from '../tools';

/** A whole request; the other side may be slow to take a large payload, but not this slow. */
const requestMs = 120_000;
const firstPauseMs = 250;
const lastPauseMs = 30_000;
/** Answers say a task or an error; a longer one is no Meilisearch's. */
const answerBytesMax = 256 * 1024;
/** What may be cured by waiting, as the engine has it. */
const transient: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

const compress = promisify(gzip);

interface Answer {
  readonly status: number;
  readonly body: { readonly [member: string]: JsonValue };
}

/** The Meilisearch that an export is sent to. */
export interface Remote {
  /** Null: it has no such index. */
  getIndex(uid: string): Promise<Answer | null>;
  send(method: 'POST' | 'PATCH', path: string, body: object): Promise<void>;
  /** Lines of JSON, compressed on the way. */
  sendDocuments(uid: string, lines: Uint8Array): Promise<void>;
}

/**
 * Opens the other side for the length of `work`. The url is checked and its name resolved anew, and only
 * the address that was checked is connected to; redirects are not followed.
 */
export async function withRemote<T>(
  tools: ActivityTools,
  order: { readonly url: string; readonly sealedKey: string | null },
  { call, work }: { readonly call: Call; readonly work: (remote: Remote) => Promise<T> },
): Promise<T> {
  const verdict = await checkOutbound(order.url, tools.config.outbound);
  if (!verdict.ok) throw failed(`the url is not called: ${verdict.reason}`);
  const key = order.sealedKey === null ? null : tools.unseal(order.sealedKey);
  if (key === null && order.sealedKey !== null) {
    throw failed('its key was sealed by another fleet; ask for the export again');
  }
  const agent = pinnedAgent(verdict.address);
  try {
    return await work(new HttpRemote({ tools, call, agent, url: order.url, key }));
  } finally {
    await agent.destroy();
  }
}

interface Parts {
  readonly tools: ActivityTools;
  readonly call: Call;
  readonly agent: Agent;
  readonly url: string;
  readonly key: string | null;
}

interface Sending {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: Uint8Array | string;
}

class HttpRemote implements Remote {
  constructor(private readonly parts: Parts) {}

  async getIndex(uid: string): Promise<Answer | null> {
    const answer = await this.#patiently({ method: 'GET', path: indexPath(uid) });
    if (answer.status === 404 && answer.body['code'] === 'index_not_found') return null;
    return demandTaken(answer);
  }

  async send(method: 'POST' | 'PATCH', path: string, body: object): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    demandTaken(await this.#patiently({ method, path, headers, body: JSON.stringify(body) }));
  }

  async sendDocuments(uid: string, lines: Uint8Array): Promise<void> {
    const body = await compress(lines);
    const headers = { 'content-type': 'application/x-ndjson', 'content-encoding': 'gzip' };
    const path = `${indexPath(uid)}/documents`;
    demandTaken(await this.#patiently({ method: 'POST', path, headers, body }));
  }

  /** Waits out what may pass, for as long as is configured; what stays is the answer, or a refusal. */
  async #patiently(sending: Sending): Promise<Answer> {
    const { tools, call } = this.parts;
    const until = tools.clock.now() + tools.config.exportGiveUpMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, lastPauseMs)) {
      const answer = await this.#once(sending);
      const over = tools.clock.now() + pauseMs >= until;
      if (typeof answer === 'string') {
        if (over) throw failed(answer);
      } else if (over || !transient.has(answer.status)) return answer;
      await tools.clock.sleep(pauseMs, call.signal);
    }
  }

  /** A text says why there was no answer; it names no key and no document. */
  async #once({ method, path, headers, body }: Sending): Promise<Answer | string> {
    const { call, agent, url, key } = this.parts;
    try {
      const answer = await request(`${url}${path}`, {
        method,
        headers: { ...headers, ...(key === null ? {} : { authorization: `Bearer ${key}` }) },
        ...(body === undefined ? {} : { body }),
        dispatcher: agent,
        signal: AbortSignal.any([call.signal, AbortSignal.timeout(requestMs)]),
      });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of answer.body as AsyncIterable<Buffer>) {
        size += chunk.length;
        if (size <= answerBytesMax) chunks.push(chunk);
      }
      return { status: answer.statusCode, body: parsed(Buffer.concat(chunks)) };
    } catch (error) {
      call.signal.throwIfAborted();
      const { code, name } = error as { code?: string; name?: string };
      return `it gave no answer (${code ?? name ?? 'unknown'})`;
    }
  }
}

const indexPath = (uid: string): string => `/indexes/${encodeURIComponent(uid)}`;

function parsed(bytes: Buffer): Answer['body'] {
  try {
    const value = JSON.parse(bytes.toString('utf8')) as JsonValue;
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function demandTaken(answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  const { message, code, type, link } = answer.body;
  if (typeof message !== 'string' || typeof code !== 'string') {
    throw failed(`it answered ${String(answer.status)} without a reason`);
  }
  // The engine's own words for what another Meilisearch refused.
  throw refuse(
    'export-refused',
    `Failed to export documents to remote server ${code} (${String(type)}): ${message} <${String(link)}>`,
  );
}

const failed = (reason: string): Error =>
  refuse('export-refused', `Failed to export documents to remote server: ${reason}.`);
