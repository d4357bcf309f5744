/** What the api answered to a request it refused. `code` is Meilisearch's or Miroir's. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export interface ApiAnswer<T> {
  readonly body: T;
  readonly headers: Headers;
}

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly deadlineMs?: number;
}

export interface ApiAddress {
  readonly api: string;
  readonly masterKey: string | null;
  readonly adminKey: string;
}

const deadlineMsDefault = 60_000;
/** A chunk over a slow line. */
const streamDeadlineMs = 600_000;
const octets = 'application/octet-stream';

/** Miroir's api over HTTP: all that the command line and the demo know of the fleet. */
export class ApiClient {
  constructor(private readonly address: ApiAddress) {}

  get url(): string {
    return this.address.api;
  }

  async get<T>(path: string): Promise<T> {
    return (await this.call<T>({ method: 'GET', path })).body;
  }

  async post<T>(path: string, body: unknown = {}): Promise<T> {
    return (await this.call<T>({ method: 'POST', path, body })).body;
  }

  async put<T>(path: string, body: unknown): Promise<T> {
    return (await this.call<T>({ method: 'PUT', path, body })).body;
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return (await this.call<T>({ method: 'PATCH', path, body })).body;
  }

  async delete<T>(path: string, body?: unknown): Promise<T> {
    const call: Call = { method: 'DELETE', path };
    return (await this.call<T>(body === undefined ? call : { ...call, body })).body;
  }

  /** Bytes as they are, for chunks of an upload. */
  async putBytes(path: string, body: Uint8Array): Promise<void> {
    const headers = { ...this.#headers({ method: 'PUT', path }), 'content-type': octets };
    const signal = AbortSignal.timeout(streamDeadlineMs);
    const url = new URL(path, this.address.api);
    await demandOk(await fetch(url, { method: 'PUT', headers, body, signal }));
  }

  /** The body of an answer that may be larger than memory. */
  async stream(path: string): Promise<ReadableStream<Uint8Array>> {
    const headers = this.#headers({ method: 'GET', path });
    const response = await fetch(new URL(path, this.address.api), { headers });
    await demandOk(response);
    if (response.body === null) throw new ApiError(response.status, 'no_body', 'It is empty.');
    return response.body as ReadableStream<Uint8Array>;
  }

  /** Throws ApiError for a refusal; fetch's own error when the api cannot be reached. */
  async call<T>(call: Call): Promise<ApiAnswer<T>> {
    const response = await fetch(new URL(call.path, this.address.api), {
      method: call.method,
      headers: this.#headers(call),
      signal: AbortSignal.timeout(call.deadlineMs ?? deadlineMsDefault),
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    const text = await response.text();
    const body: unknown = text === '' ? null : JSON.parse(text);
    if (response.ok) return { body: body as T, headers: response.headers };
    const error = (body ?? {}) as { code?: string; message?: string };
    throw new ApiError(
      response.status,
      error.code ?? `http_${response.status}`,
      error.message ?? `The api answered ${response.status}.`,
    );
  }

  /** Waits until a fleet task is final; throws when it failed. */
  async waitTask(taskUid: number, deadlineMs = 120_000): Promise<void> {
    const until = Date.now() + deadlineMs;
    for (;;) {
      const task = await this.get<{ status: string; error: { message: string } | null }>(
        `/tasks/${taskUid}`,
      );
      if (task.status === 'succeeded') return;
      if (task.status === 'failed' || task.status === 'canceled') {
        throw new Error(`Task ${taskUid} ${task.status}: ${task.error?.message ?? ''}`);
      }
      if (Date.now() > until) throw new Error(`Task ${taskUid} is still ${task.status}.`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #headers(call: Call): Record<string, string> {
    const operator = call.path.startsWith('/_miroir/');
    const key = operator ? this.address.adminKey : this.address.masterKey;
    return {
      ...(key === null ? {} : { authorization: `Bearer ${key}` }),
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    };
  }
}

async function demandOk(response: Response): Promise<void> {
  if (response.ok) return;
  const error = (await response.json().catch(() => ({}))) as { code?: string; message?: string };
  throw new ApiError(
    response.status,
    error.code ?? `http_${response.status}`,
    error.message ?? `The api answered ${response.status}.`,
  );
}
