import type { Readable } from 'node:stream';
import type { Dispatcher, Pool } from 'undici';
import { NodeError } from './node-error';
import type { NodeErrorCode } from './node-error';
import type { NodeHeaders, RawAnswer } from './types';

export interface Exchange {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | Readable | null;
  /** Of `performance.now()`. */
  readonly until: number;
  readonly signal?: AbortSignal;
  readonly responseBytesMax: number;
}

/**
 * One request and its answer over the pool. Invariants:
 * - nothing is sent once the deadline has passed or the signal was raised, also when the request
 *   waited for a free connection;
 * - a request is sent at most once: the pool may not repeat it on another connection;
 * - `outcomeUnknown` of the error is true exactly when bytes of the request may have left.
 */
export function exchange(pool: Pool, asked: Exchange): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const handler = new ExchangeHandler(asked, resolve, reject);
    if (!handler.begin()) return;
    pool.dispatch(
      {
        method: asked.method,
        path: asked.path,
        headers: asked.headers,
        body: asked.body,
        headersTimeout: 0,
        bodyTimeout: 0,
      },
      handler,
    );
  });
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #asked: Exchange;
  readonly #resolve: (answer: RawAnswer) => void;
  readonly #reject: (error: NodeError) => void;
  readonly #onAbort = (): void => this.#fail('node_aborted', 'was aborted by the caller');
  #timer: NodeJS.Timeout | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #sent = false;
  #settled = false;
  #status = 0;
  #headers: NodeHeaders = {};
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(
    asked: Exchange,
    resolve: (answer: RawAnswer) => void,
    reject: (error: NodeError) => void,
  ) {
    this.#asked = asked;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Starts the clock; false when the time is over before it began. */
  begin(): boolean {
    if (this.#asked.signal?.aborted === true) {
      this.#onAbort();
      return false;
    }
    const left = this.#asked.until - performance.now();
    if (left <= 0) {
      this.#expire();
      return false;
    }
    this.#timer = setTimeout(() => this.#expire(), left);
    this.#asked.signal?.addEventListener('abort', this.#onAbort, { once: true });
    return true;
  }

  /** The pool calls it right before it writes to a connection. */
  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (!this.#settled && performance.now() >= this.#asked.until) this.#expire();
    if (!this.#settled && this.#sent) this.#fail('node_unreachable', 'lost its connection');
    if (this.#settled) {
      controller.abort(new Error('The request is not wanted any more.'));
      return;
    }
    this.#sent = true;
    this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: NodeHeaders,
  ): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#asked.responseBytesMax) {
      const bound = String(this.#asked.responseBytesMax);
      this.#fail('node_answer_invalid', `was answered with more than ${bound} bytes`);
      return;
    }
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    if (this.#settled) return;
    this.#settle();
    const [first] = this.#chunks;
    const bytes = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, bytes, headers: this.#headers });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail('node_unreachable', `found no answer (${reason(error)})`, error);
  }

  #expire(): void {
    this.#fail('node_timeout', 'passed its deadline');
  }

  #fail(code: NodeErrorCode, what: string, cause?: unknown): void {
    if (this.#settled) return;
    this.#settle();
    const { method, path } = this.#asked;
    this.#reject(
      new NodeError(code, `${method} ${path.split('?')[0] ?? ''} ${what}.`, {
        outcomeUnknown: this.#sent,
        ...(cause === undefined ? {} : { cause }),
      }),
    );
    this.#controller?.abort(new Error(what));
  }

  #settle(): void {
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#asked.signal?.removeEventListener('abort', this.#onAbort);
  }
}

function reason(error: Error): string {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : error.message;
}
