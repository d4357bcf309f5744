import type { JsonValue } from '../../core/fleet';

/** What a failed call to a node means for a write. */
export interface Fault {
  readonly code: string;
  readonly body: JsonValue;
  /** The node answered that the request is wrong: another try would be answered the same. */
  readonly isRefusal: boolean;
  readonly outcomeUnknown: boolean;
  readonly mayRetry: boolean;
}

/** A node's error by its shape; null for anything else. 401 and 403 speak of keys, not of the request. */
export function faultOf(error: unknown): Fault | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  const { code, status, body, outcomeUnknown } = error as {
    code: unknown;
    status?: number | null;
    body?: JsonValue;
    outcomeUnknown?: boolean;
  };
  if (typeof code !== 'string' || !code.startsWith('node_')) return null;
  const refused = code === 'node_refused' && typeof status === 'number';
  const isRefusal = refused && status < 500 && ![401, 403, 408, 422, 429].includes(status);
  return {
    code: refused ? `status_${status}` : code,
    body: body ?? null,
    isRefusal,
    outcomeUnknown: outcomeUnknown === true,
    mayRetry: !isRefusal,
  };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
