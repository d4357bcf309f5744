import { Readable } from 'node:stream';
import { NodeError } from '../../../meili/node-error';
import type { NodeErrorCode } from '../../../meili/node-error';
import type { Transport, TransportOptions } from '../../../meili/transport';
import { encodeBody, isRead } from '../../../meili/transport';
import type { RawAnswer, RawRequest } from '../../../meili/types';
import { nodeDeadlineMsMax } from '../../../core/limits';
import type { Flight, NetworkWeather } from '../world/weather';
import type { Owner, World } from '../world/world';
import type { ModelNode, NodeReply } from './model-node';

/** A request whose caller has gone is enqueued within this time or not at all. */
const landingMs = 450;
const defaultDeadlineMs = 10_000;

/** Changes a search on its way, to see whether the checker notices. */
export type Tamper = (path: string, body: string) => string;

/** The lines between processes and nodes: no order between requests, and each may get lost. */
export class NodeNetwork {
  tamper: Tamper = (_path, body) => body;
  readonly #lines: { readonly url: string; readonly owner: Owner; readonly onLost: () => void }[] =
    [];

  constructor(
    private readonly world: World,
    private readonly weather: NetworkWeather,
    private readonly nodes: ReadonlyMap<string, ModelNode>,
  ) {}

  /** The transport of one process to one node, in the place of `meili/transport.ts`. */
  transport(options: TransportOptions, owner: Owner): Transport {
    const { url, onLost } = options;
    if (onLost !== undefined) this.#lines.push({ url, owner, onLost });
    const until = (deadlineMs = options.deadlineMs ?? defaultDeadlineMs): number =>
      this.world.now + Math.min(deadlineMs, nodeDeadlineMsMax);
    const once = (request: RawRequest, key: string, end: number): Promise<RawAnswer> =>
      this.#send(options.url, { request, key, end, owner, onLost: options.onLost });
    return {
      url: options.url,
      until,
      async send(request, key, end = until(request.deadlineMs)) {
        try {
          return await once(request, key, end);
        } catch (error) {
          const { code, outcomeUnknown } = error as NodeError;
          if (!isRead(request) || code !== 'node_unreachable' || !outcomeUnknown) throw error;
          if (options.mayResend?.(request.path) === false) throw error;
          return once(request, key, end);
        }
      },
      close: () => Promise.resolve(),
    };
  }

  /** The node's process has ended: whoever has a connection sees it end. */
  breakLines(url: string): void {
    for (const line of this.#lines) {
      if (line.url === url) this.world.after(0.5, line.owner, line.onLost);
    }
  }

  #send(url: string, sent: Asked): Promise<RawAnswer> {
    const node = [...this.nodes.values()].find((one) => one.url === url);
    return new Promise((resolve, reject) => {
      const delivery = new Delivery(this.world, sent, { resolve, reject });
      if (!delivery.begin()) return;
      if (node === undefined || !node.up) {
        this.world.after(1, sent.owner, () => delivery.fail('node_unreachable', 'refused', false));
        return;
      }
      delivery.sent = true;
      const flight = this.weather.flight(node.id, sent.end - this.world.now, !isRead(sent.request));
      this.world.after(flight.there, node.owner, () => this.#arrive(node, delivery, flight));
    });
  }

  #arrive(node: ModelNode, delivery: Delivery, flight: Flight): void {
    const { path } = delivery.asked.request;
    if (!node.up || flight.fate === 'lost-before') return delivery.breakOff();
    if (flight.fate === 'silent-before') return;
    if (path !== '/health' && !node.admits(delivery.asked.key)) {
      return delivery.answer(invalidKey, flight.back);
    }
    this.world.after(flight.work, node.owner, () => this.#enqueue(node, delivery, flight));
  }

  #enqueue(node: ModelNode, delivery: Delivery, flight: Flight): void {
    if (!node.up) return delivery.breakOff();
    // A node drops what it has not read to its end when the connection is gone for a while.
    if (delivery.goneFor() > landingMs) return;
    const { method, path, body, contentType } = delivery.asked.request;
    const encoded = encodeBody(body);
    // Only bodies that waited in a file are streams, and no story has one that is so large.
    if (encoded instanceof Readable) throw new Error('The model sends no streams.');
    const text = Buffer.from(encoded ?? '');
    const reply = node.handle({
      method,
      path,
      contentType: encoded === null ? null : (contentType ?? 'application/json'),
      body: path.endsWith('/search') ? Buffer.from(this.tamper(path, text.toString())) : text,
    });
    if (flight.fate !== 'served') {
      this.world.note(`${flight.fate} ${method} ${path} of ${delivery.asked.owner}`);
    }
    if (flight.fate === 'lost-after') return delivery.breakOff();
    if (flight.fate === 'silent-after') return;
    delivery.answer(reply, flight.back);
  }
}

const invalidKey: NodeReply = {
  status: 403,
  bytes: Buffer.from(
    JSON.stringify({
      message: 'The provided API key is invalid.',
      code: 'invalid_api_key',
      type: 'auth',
      link: 'https://docs.meilisearch.com/errors#invalid_api_key',
    }),
  ),
};

interface Asked {
  readonly request: RawRequest;
  readonly key: string;
  readonly end: number;
  readonly owner: Owner;
  /** Told that the node ended the connection. */
  readonly onLost: (() => void) | undefined;
}

/** One request as its caller sees it: an answer, a broken connection, or a deadline, exactly one. */
class Delivery {
  sent = false;
  #settled = false;
  #goneAt: number | null = null;
  #stopTimer: () => void = () => undefined;
  readonly #onAbort = (): void => this.fail('node_aborted', 'was aborted', this.sent);

  constructor(
    private readonly world: World,
    readonly asked: Asked,
    private readonly end: {
      resolve: (answer: RawAnswer) => void;
      reject: (error: NodeError) => void;
    },
  ) {}

  /** False when it may not be sent any more: the same checks as `meili/exchange.ts` makes. */
  begin(): boolean {
    const { request, end, owner } = this.asked;
    if (request.signal?.aborted === true) {
      this.#onAbort();
      return false;
    }
    const left = end - this.world.now;
    if (left <= 0) {
      this.fail('node_timeout', 'passed its deadline', false);
      return false;
    }
    this.#stopTimer = this.world.after(left, owner, () =>
      this.fail('node_timeout', 'passed its deadline', this.sent),
    );
    request.signal?.addEventListener('abort', this.#onAbort, { once: true });
    return true;
  }

  answer({ status, bytes }: NodeReply, delay: number): void {
    this.world.after(delay, this.asked.owner, () => {
      if (this.#settle()) this.end.resolve({ status, bytes, headers: {} });
    });
  }

  breakOff(): void {
    this.world.after(0.5, this.asked.owner, () => {
      this.asked.onLost?.();
      this.fail('node_unreachable', 'lost its connection', true);
    });
  }

  fail(code: NodeErrorCode, what: string, outcomeUnknown: boolean): void {
    if (!this.#settle()) return;
    this.#goneAt = this.world.now;
    const { method, path } = this.asked.request;
    this.end.reject(
      new NodeError(code, `${method} ${path.split('?')[0] ?? ''} ${what}.`, { outcomeUnknown }),
    );
  }

  /** Milliseconds since the caller has given up. */
  goneFor(): number {
    return this.#goneAt === null ? 0 : this.world.now - this.#goneAt;
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#stopTimer();
    this.asked.request.signal?.removeEventListener('abort', this.#onAbort);
    return true;
  }
}
