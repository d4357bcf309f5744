/** What a route returns, and how values become JSON text: numbers and member order stay exact. */
import { LosslessNumber, formatFloat } from '../engine/json';

export interface Answer {
  readonly status: number;
  /** Undefined means an empty body, as Meilisearch sends with 204, 404 and 405. */
  readonly body?: unknown;
  /** Lines of JSON are no JSON: a text that is sent as it is, of the type `application/x-ndjson`. */
  readonly lines?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function ok(body: unknown): Answer {
  return { status: 200, body };
}

export function accepted(body: unknown): Answer {
  return { status: 202, body };
}

/** JSON text of plain values, Maps and lossless numbers; members that are undefined are left out. */
export function toJsonText(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? String(value) : formatFloat(value);
  }
  if (value instanceof LosslessNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(toJsonText).join(',')}]`;
  const entries =
    value instanceof Map ? (value as Map<string, unknown>) : Object.entries(value as object);
  const members: string[] = [];
  for (const [name, member] of entries) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${toJsonText(member)}`);
  }
  return `{${members.join(',')}}`;
}
