import type { ErrorCode } from '../../core/errors';
import { MeiliError } from '../../core/errors';
import { oneOf } from '../../core/search/values';

/** A query string as Fastify gives it: the last of repeated parameters counts. */
export function queryOf(query: unknown): ReadonlyMap<string, string> {
  const entries = Object.entries((query ?? {}) as Record<string, string | string[]>);
  return new Map(
    entries.map(([name, value]) => [name, Array.isArray(value) ? (value.at(-1) ?? '') : value]),
  );
}

/** Throws Meilisearch's `bad_request` for a parameter that is not in the list. */
export function demandKnown(query: ReadonlyMap<string, string>, known: readonly string[]): void {
  for (const name of query.keys()) {
    if (known.includes(name)) continue;
    throw new MeiliError('bad_request', `Unknown parameter \`${name}\`: ${oneOf(name, known)}`);
  }
}

/** A positive integer within u64's range, as Rust parses it; `otherwise` when it was not given. */
export function readCount(
  query: ReadonlyMap<string, string>,
  name: string,
  rule: { readonly otherwise: number; readonly code: ErrorCode },
): number {
  const text = query.get(name);
  if (text === undefined) return rule.otherwise;
  if (!/^\+?\d+$/.test(text) || BigInt(text.replace('+', '')) > 18_446_744_073_709_551_615n) {
    throw new MeiliError(
      rule.code,
      `Invalid value in parameter \`${name}\`: could not parse \`${text}\` as a positive integer`,
    );
  }
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
}

export function readFlag(
  query: ReadonlyMap<string, string>,
  name: string,
  rule: { readonly otherwise: boolean; readonly code: ErrorCode },
): boolean {
  const text = query.get(name);
  if (text === undefined) return rule.otherwise;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new MeiliError(
    rule.code,
    `Invalid value in parameter \`${name}\`: could not parse \`${text}\` as a boolean, expected either \`true\` or \`false\``,
  );
}

/** `offset` and `limit` of the routes that have nothing else. */
export function readPage(
  query: unknown,
  codes: { readonly offset: ErrorCode; readonly limit: ErrorCode },
): { offset: number; limit: number } {
  const parameters = queryOf(query);
  demandKnown(parameters, ['offset', 'limit']);
  return {
    offset: readCount(parameters, 'offset', { otherwise: 0, code: codes.offset }),
    limit: readCount(parameters, 'limit', { otherwise: 20, code: codes.limit }),
  };
}
