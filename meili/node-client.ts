import type { JsonValue } from '../core/fleet';
import { nodeTaskUid } from '../core/ids';
import type { NodeTaskUid, PhysicalUid } from '../core/ids';
import { NodeError, refused } from './node-error';
import { queryString } from './query-string';
import { createTransport } from './transport';
import type * as types from './types';
import { waitForTask } from './wait-for-task';

type Options = types.CallOptions | undefined;

/** Sends one request with the right key; how keys are found is not the client's business. */
export interface Sender {
  readonly url: string;
  send(request: types.RawRequest): Promise<types.RawAnswer>;
  close(): Promise<void>;
}

/** A client that sends one fixed key. See `createNodes` for the keys that fence. */
export function createNodeClient(options: types.NodeClientOptions): types.NodeClient {
  const transport = createTransport(options);
  return clientOver({
    url: options.url,
    send: (request) => transport.send(request, options.key),
    close: () => transport.close(),
  });
}

export function clientOver(sender: Sender): types.NodeClient {
  return new HttpNodeClient(sender);
}

class HttpNodeClient implements types.NodeClient {
  readonly url: string;
  readonly #sender: Sender;

  constructor(sender: Sender) {
    this.#sender = sender;
    this.url = sender.url;
  }

  request(request: types.RawRequest): Promise<types.RawAnswer> {
    return this.#sender.send(request);
  }

  search(uid: PhysicalUid, body: object, options?: Options): Promise<types.RawAnswer> {
    return this.request({ method: 'POST', path: `${index(uid)}/search`, body, ...options });
  }

  fetchDocuments(uid: PhysicalUid, body: object, options?: Options): Promise<types.RawAnswer> {
    return this.#ok({ method: 'POST', path: `${index(uid)}/documents/fetch`, body, ...options });
  }

  addDocuments(
    uid: PhysicalUid,
    method: 'POST' | 'PUT',
    payload: Uint8Array | types.BodyStream,
    options: types.AddDocumentsOptions = {},
  ): Promise<NodeTaskUid> {
    const query = queryString({
      primaryKey: options.primaryKey ?? undefined,
      customMetadata: options.customMetadata,
      skipCreation: options.skipCreation === true ? 'true' : undefined,
    });
    const path = `${index(uid)}/documents${query}`;
    return this.#enqueue({ method, path, body: payload, ...options });
  }

  deleteDocuments(
    uid: PhysicalUid,
    ids: readonly string[],
    options: types.WriteOptions = {},
  ): Promise<NodeTaskUid> {
    const path = `${index(uid)}/documents/delete-batch${metadata(options)}`;
    return this.#enqueue({ method: 'POST', path, body: [...ids], ...options });
  }

  deleteByFilter(
    uid: PhysicalUid,
    filter: JsonValue,
    options: types.WriteOptions = {},
  ): Promise<NodeTaskUid> {
    const path = `${index(uid)}/documents/delete${metadata(options)}`;
    return this.#enqueue({ method: 'POST', path, body: { filter }, ...options });
  }

  deleteAll(uid: PhysicalUid, options: types.WriteOptions = {}): Promise<NodeTaskUid> {
    const path = `${index(uid)}/documents${metadata(options)}`;
    return this.#enqueue({ method: 'DELETE', path, ...options });
  }

  editDocuments(
    uid: PhysicalUid,
    body: object,
    options: types.WriteOptions = {},
  ): Promise<NodeTaskUid> {
    const path = `${index(uid)}/documents/edit${metadata(options)}`;
    return this.#enqueue({ method: 'POST', path, body, ...options });
  }

  createIndex(
    uid: PhysicalUid,
    primaryKey: string | null,
    options?: Options,
  ): Promise<NodeTaskUid> {
    const body = primaryKey === null ? { uid } : { uid, primaryKey };
    return this.#enqueue({ method: 'POST', path: '/indexes', body, ...options });
  }

  deleteIndex(uid: PhysicalUid, options?: Options): Promise<NodeTaskUid> {
    return this.#enqueue({ method: 'DELETE', path: index(uid), ...options });
  }

  updateIndexPrimaryKey(
    uid: PhysicalUid,
    primaryKey: string,
    options?: Options,
  ): Promise<NodeTaskUid> {
    return this.#enqueue({ method: 'PATCH', path: index(uid), body: { primaryKey }, ...options });
  }

  getIndex(uid: PhysicalUid, options?: Options): Promise<types.NodeIndex | null> {
    return this.#jsonOrNull({ method: 'GET', path: index(uid), ...options });
  }

  updateSettings(uid: PhysicalUid, settings: object, options?: Options): Promise<NodeTaskUid> {
    const path = `${index(uid)}/settings`;
    return this.#enqueue({ method: 'PATCH', path, body: settings, ...options });
  }

  getSettings(uid: PhysicalUid, options?: Options): Promise<{ [name: string]: JsonValue }> {
    return this.#json({ method: 'GET', path: `${index(uid)}/settings`, ...options });
  }

  stats(uid: PhysicalUid, options?: Options): Promise<types.NodeIndexStats> {
    return this.#json({ method: 'GET', path: `${index(uid)}/stats`, ...options });
  }

  allStats(options?: Options): Promise<types.NodeStats> {
    return this.#json({ method: 'GET', path: '/stats', ...options });
  }

  async health(options?: Options): Promise<void> {
    await this.#ok({ method: 'GET', path: '/health', ...options });
  }

  version(options?: Options): Promise<types.NodeVersion> {
    return this.#json({ method: 'GET', path: '/version', ...options });
  }

  tasks(query: types.NodeTaskQuery = {}): Promise<types.NodeTaskPage> {
    const { deadlineMs, signal, limit, from, ...lists } = query;
    const text = queryString({
      uids: lists.uids?.join(','),
      indexUids: lists.indexUids?.join(','),
      statuses: lists.statuses?.join(','),
      types: lists.types?.join(','),
      limit: limit?.toString(),
      from: from?.toString(),
    });
    return this.#json({
      method: 'GET',
      path: `/tasks${text}`,
      ...(deadlineMs === undefined ? {} : { deadlineMs }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  task(uid: NodeTaskUid, options?: Options): Promise<types.NodeTask | null> {
    return this.#jsonOrNull({ method: 'GET', path: `/tasks/${String(uid)}`, ...options });
  }

  waitForTask(uid: NodeTaskUid, options?: Options): Promise<types.NodeTask> {
    return waitForTask(this, uid, options);
  }

  async createKey(uid: string, options?: Options): Promise<void> {
    await createKey((request) => this.request(request), uid, options);
  }

  async deleteKey(uid: string, options?: Options): Promise<void> {
    await deleteKey((request) => this.request(request), uid, options);
  }

  async enableFeatures(
    features: { readonly [feature: string]: boolean },
    options?: Options,
  ): Promise<void> {
    const path = '/experimental-features';
    await this.#ok({ method: 'PATCH', path, body: features, ...options });
  }

  close(): Promise<void> {
    return this.#sender.close();
  }

  async #ok(request: types.RawRequest): Promise<types.RawAnswer> {
    const answer = await this.request(request);
    if (answer.status >= 400) throw refused(called(request), answer.status, answer.bytes);
    return answer;
  }

  async #json<T>(request: types.RawRequest): Promise<T> {
    return parse<T>(request, await this.#ok(request));
  }

  async #jsonOrNull<T>(request: types.RawRequest): Promise<T | null> {
    const answer = await this.request(request);
    if (answer.status === 404) return null;
    if (answer.status >= 400) throw refused(called(request), answer.status, answer.bytes);
    return parse<T>(request, answer);
  }

  async #enqueue(request: types.RawRequest): Promise<NodeTaskUid> {
    const { taskUid } = await this.#json<{ taskUid?: unknown }>(request);
    if (typeof taskUid !== 'number') {
      throw new NodeError(
        'node_answer_invalid',
        `${called(request)} was answered without taskUid.`,
        {
          outcomeUnknown: true,
        },
      );
    }
    return nodeTaskUid(taskUid);
  }
}

type Send = (request: types.RawRequest) => Promise<types.RawAnswer>;

/** Makes a key that may do everything; its text follows from the node's master key and the uid. */
export async function createKey(send: Send, uid: string, options?: Options): Promise<void> {
  const request: types.RawRequest = {
    method: 'POST',
    path: '/keys',
    body: { uid, actions: ['*'], indexes: ['*'], expiresAt: null },
    ...options,
  };
  const { status, bytes } = await send(request);
  // 409: it is there already.
  if (status >= 400 && status !== 409) throw refused(called(request), status, bytes);
}

export async function deleteKey(send: Send, uid: string, options?: Options): Promise<void> {
  const path = `/keys/${encodeURIComponent(uid)}`;
  const request: types.RawRequest = { method: 'DELETE', path, ...options };
  const { status, bytes } = await send(request);
  if (status >= 400 && status !== 404) throw refused(called(request), status, bytes);
}

function index(uid: PhysicalUid): string {
  return `/indexes/${encodeURIComponent(uid)}`;
}

function metadata(options: types.WriteOptions): string {
  return queryString({ customMetadata: options.customMetadata });
}

/** Names the call in an error, without its query. */
function called(request: types.RawRequest): string {
  return `${request.method} ${request.path.split('?')[0] ?? ''}`;
}

function parse<T>(request: types.RawRequest, answer: types.RawAnswer): T {
  try {
    return JSON.parse(answer.bytes.toString('utf8')) as T;
  } catch (cause) {
    throw new NodeError('node_answer_invalid', `${called(request)} was not answered with JSON.`, {
      status: answer.status,
      outcomeUnknown: request.method !== 'GET',
      cause,
    });
  }
}
