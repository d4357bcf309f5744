/** Query parameters, with the messages of Meilisearch's deserialiser. */
import { ApiError } from '../errors';
import { JsonSyntaxError, parseJson } from '../engine/json';
import type { Json } from '../engine/json';
import { expectedOneOf } from './validate';
import type { NodeRequest } from './request';

/** The parameters that a route knows, with the error code of each. */
export type QuerySpec = Readonly<Record<string, string>>;

/** Reads parameters that were checked to be known. */
export class QueryReader {
  constructor(
    private readonly query: ReadonlyMap<string, string>,
    private readonly spec: QuerySpec,
  ) {}

  text(name: string): string | null {
    return this.query.get(name) ?? null;
  }

  list(name: string): string[] | null {
    const text = this.query.get(name);
    if (text === undefined) return null;
    return text === '' ? [] : text.split(',');
  }

  uint(name: string): number | null {
    const text = this.query.get(name);
    if (text === undefined) return null;
    if (!/^\+?\d+$/.test(text) || BigInt(text) > 18446744073709551615n) {
      throw this.unparsable(name, `could not parse \`${text}\` as a positive integer`);
    }
    return Math.min(Number(text), Number.MAX_SAFE_INTEGER);
  }

  flag(name: string): boolean | null {
    const text = this.query.get(name);
    if (text === undefined) return null;
    if (text !== 'true' && text !== 'false') {
      const expected = 'expected either `true` or `false`';
      throw this.unparsable(name, `could not parse \`${text}\` as a boolean, ${expected}`);
    }
    return text === 'true';
  }

  float(name: string): number | null {
    const text = this.query.get(name);
    if (text === undefined) return null;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) {
      throw this.unparsable(name, `could not parse \`${text}\` as a number`);
    }
    return value;
  }

  unparsable(name: string, reason: string): ApiError {
    return new ApiError(
      this.spec[name] ?? 'bad_request',
      `Invalid value in parameter \`${name}\`: ${reason}`,
    );
  }
}

/** Refuses unknown parameters. Throws bad_request. */
export function readQuery(request: NodeRequest, spec: QuerySpec): QueryReader {
  const names = Object.keys(spec);
  for (const name of request.query.keys()) {
    if (!names.includes(name)) {
      throw new ApiError(
        'bad_request',
        `Unknown parameter \`${name}\`: ${expectedOneOf(name, names)}`,
      );
    }
  }
  return new QueryReader(request.query, spec);
}

/** A filter in a query string is JSON if it can be read as JSON, else it is the filter text. */
export function filterOfQuery(text: string | null): Json {
  if (text === null) return null;
  try {
    return parseJson(text);
  } catch (error) {
    if (error instanceof JsonSyntaxError) return text;
    throw error;
  }
}
