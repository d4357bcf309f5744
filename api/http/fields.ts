import type { ErrorCode } from '../../core/errors';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';

type JsonObject = { [member: string]: JsonValue };
type Kind =
  'null' | 'boolean' | 'positive integer' | 'integer' | 'number' | 'string' | 'array' | 'object';

/**
 * Reads the members of a JSON body one by one and refuses with the texts that Meilisearch's
 * deserialiser gives: a missing field, a wrong type, an unknown field. One error at a time.
 */
export class Fields {
  readonly #body: JsonObject;

  constructor(
    body: JsonValue | undefined,
    private readonly options: {
      /** In the order in which an error lists them. */
      readonly known: readonly string[];
      /** The code of an error at this member; `bad_request` otherwise. */
      readonly codes?: Readonly<Record<string, ErrorCode>>;
      readonly missing?: Readonly<Record<string, ErrorCode>>;
      /** Members that exist but may not be written here. */
      readonly immutable?: Readonly<Record<string, ErrorCode>>;
    },
  ) {
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      throw new MeiliError(
        'bad_request',
        `Invalid value type: expected an object, but found ${found(body)}`,
      );
    }
    this.#body = body;
    for (const name of Object.keys(body)) {
      if (!options.known.includes(name)) throw this.#unknown(name);
    }
  }

  has(name: string): boolean {
    return this.#body[name] !== undefined;
  }

  string(name: string): string {
    const value = this.#required(name);
    if (typeof value !== 'string') throw this.wrongType(name, 'a string', value);
    return value;
  }

  optionalString(name: string): string | null {
    const value = this.#body[name];
    if (value === undefined || value === null) return null;
    if (typeof value !== 'string') throw this.wrongType(name, 'a string', value);
    return value;
  }

  optionalBoolean(name: string, otherwise: boolean): boolean {
    const value = this.#body[name];
    if (value === undefined || value === null) return otherwise;
    if (typeof value !== 'boolean') throw this.wrongType(name, 'a boolean', value);
    return value;
  }

  optionalNumber(name: string, options: { min: number; integer: boolean }): number | null {
    const value = this.#body[name];
    if (value === undefined || value === null) return null;
    if (typeof value !== 'number' || (options.integer && !Number.isInteger(value))) {
      throw this.wrongType(name, options.integer ? 'a positive integer' : 'a number', value);
    }
    if (value < options.min)
      throw this.invalid(name, `must be at least ${options.min}, but is ${value}`);
    return value;
  }

  strings(name: string): string[] {
    const value = this.#required(name);
    if (!Array.isArray(value)) throw this.wrongType(name, 'an array', value);
    return value.map((item, ordinal) => {
      if (typeof item !== 'string') throw this.wrongType(`${name}[${ordinal}]`, 'a string', item);
      return item;
    });
  }

  optionalStrings(name: string): string[] | null {
    return this.#body[name] === undefined || this.#body[name] === null ? null : this.strings(name);
  }

  object(name: string): JsonObject {
    const value = this.#required(name);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.wrongType(name, 'an object', value);
    }
    return value;
  }

  optionalObject(name: string): JsonObject {
    return this.#body[name] === undefined || this.#body[name] === null ? {} : this.object(name);
  }

  raw(name: string): JsonValue | undefined {
    return this.#body[name];
  }

  invalid(name: string, message: string): MeiliError {
    return new MeiliError(this.#code(name), `Invalid value at \`.${name}\`: ${message}`);
  }

  wrongType(name: string, expected: string, value: JsonValue): MeiliError {
    return new MeiliError(
      this.#code(name),
      `Invalid value type at \`.${name}\`: expected ${expected}, but found ${found(value)}`,
    );
  }

  #required(name: string): JsonValue {
    const value = this.#body[name];
    if (value !== undefined) return value;
    throw new MeiliError(
      this.options.missing?.[name] ?? 'bad_request',
      `Missing field \`${name}\``,
    );
  }

  #code(name: string): ErrorCode {
    return this.options.codes?.[name.split('[')[0] ?? name] ?? 'bad_request';
  }

  #unknown(name: string): MeiliError {
    const expected = this.options.known.map((known) => `\`${known}\``).join(', ');
    const immutable = this.options.immutable?.[name];
    if (immutable !== undefined) {
      return new MeiliError(immutable, `Immutable field \`${name}\`: expected one of ${expected}`);
    }
    return new MeiliError('bad_request', `Unknown field \`${name}\`: expected one of ${expected}`);
  }
}

/** `a string: \`"x"\``, `null`: how the deserialiser names what it found. */
export function found(value: JsonValue | undefined): string {
  if (value === undefined || value === null) return 'null';
  return `${article(kindOf(value))}: \`${JSON.stringify(value)}\``;
}

function kindOf(value: JsonValue): Kind {
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'string') return 'string';
  if (Array.isArray(value)) return 'array';
  if (typeof value !== 'number') return 'object';
  if (!Number.isInteger(value)) return 'number';
  return value >= 0 ? 'positive integer' : 'integer';
}

function article(kind: Kind): string {
  return kind === 'integer'
    ? 'a negative integer'
    : kind === 'array' || kind === 'object'
      ? `an ${kind}`
      : `a ${kind}`;
}
