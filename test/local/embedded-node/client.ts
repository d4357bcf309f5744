/** A small client for the tests of the embedded node. */
import { isObject, toPlain } from '../../../local/embedded-node/engine/json';
import { httpExchange } from './http-exchange';

export interface PlainAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // The bodies of many routes: tests look into them without a type for each.
  readonly body: Record<string, unknown>;
}

export class NodeClient {
  constructor(
    readonly url: string,
    private readonly key: string | null,
  ) {}

  /** Sends JSON; a text body is sent as it stands. Rejects when the connection fails. */
  async send(method: string, path: string, body?: unknown): Promise<PlainAnswer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const answer = await httpExchange(this.url, {
      method,
      path,
      headers: {
        'Content-Type': 'application/json',
        ...(this.key === null ? {} : { Authorization: `Bearer ${this.key}` }),
      },
      body: body === undefined ? null : Buffer.from(text),
    });
    const plain = isObject(answer.json) ? (toPlain(answer.json) as Record<string, unknown>) : {};
    return { status: answer.status, headers: answer.headers, body: plain };
  }

  /** Waits until a task has ended. Rejects after ten seconds. */
  async task(uid: unknown): Promise<Record<string, unknown>> {
    const deadline = Date.now() + 10_000;
    for (;;) {
      const { body } = await this.send('GET', `/tasks/${String(uid)}`);
      if (body['finishedAt'] !== null && body['finishedAt'] !== undefined) return body;
      if (Date.now() > deadline) throw new Error(`Task ${String(uid)} has not ended.`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Sends a write and waits for its task. */
  async write(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const { body: summary } = await this.send(method, path, body);
    return this.task(summary['taskUid']);
  }
}
