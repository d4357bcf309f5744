/**
 * - `node_unreachable`: no connection, or it broke before the whole answer was there.
 * - `node_timeout`: the deadline passed.
 * - `node_aborted`: the caller's signal was raised.
 * - `node_answer_invalid`: the answer was larger than the bound, or not the JSON it must be.
 * - `node_refused`: a whole answer of status 400 or more; `status` and `body` hold it.
 */
export type NodeErrorCode =
  'node_unreachable' | 'node_timeout' | 'node_aborted' | 'node_answer_invalid' | 'node_refused';

export interface NodeErrorDetails {
  readonly status?: number;
  readonly body?: NodeErrorBody;
  /** The node may have taken the request, now or in a moment. */
  readonly outcomeUnknown: boolean;
  readonly cause?: unknown;
}

/** Meilisearch's error object; members are missing when something else answered in its place. */
export interface NodeErrorBody {
  readonly message?: string;
  readonly code?: string;
  readonly type?: string;
  readonly link?: string;
}

/** Told apart by `code`, never by `instanceof`: tests load modules more than once. */
export class NodeError extends Error {
  readonly code: NodeErrorCode;
  readonly status: number | null;
  readonly body: NodeErrorBody | null;
  readonly outcomeUnknown: boolean;

  constructor(code: NodeErrorCode, message: string, details: NodeErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'NodeError';
    this.code = code;
    this.status = details.status ?? null;
    this.body = details.body ?? null;
    this.outcomeUnknown = details.outcomeUnknown;
  }
}

const codes: ReadonlySet<string> = new Set<NodeErrorCode>([
  'node_unreachable',
  'node_timeout',
  'node_aborted',
  'node_answer_invalid',
  'node_refused',
]);

export function isNodeError(error: unknown): error is NodeError {
  if (typeof error !== 'object' || error === null) return false;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && codes.has(code);
}

/** The error for a whole answer of status 400 or more. `what` names the call, as `POST /indexes`. */
export function refused(what: string, status: number, bytes: Uint8Array): NodeError {
  const body = errorBody(bytes);
  const text = body?.message ?? 'no error object in the answer';
  return new NodeError('node_refused', `${what} was refused with ${String(status)}: ${text}`, {
    status,
    ...(body === null ? {} : { body }),
    // A 4xx says that nothing was done. Of the 5xx only Meilisearch's own "too busy" says so; any
    // other may come after the task was registered, or from something between.
    outcomeUnknown: status >= 500 && !(status === 503 && body?.code !== undefined),
  });
}

function errorBody(bytes: Uint8Array): NodeErrorBody | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as NodeErrorBody) : null;
  } catch {
    return null;
  }
}
