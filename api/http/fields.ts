import type { ErrorCode } from '../../core/errors';
import { MeiliError } from '../../core/errors';
import type { JsonValue } from '../../core/fleet';
import { BodyReader } from '../../core/search/values';

type JsonObject = { [member: string]: JsonValue };

export interface FieldRules {
  /** Where in the body the object stands, as errors write it: `[0]`; the whole body if absent. */
  readonly at?: string;
  /** In the order in which an error lists them. */
  readonly known: readonly string[];
  /** The code of an error at this member; `bad_request` otherwise. */
  readonly codes?: Readonly<Record<string, ErrorCode>>;
  /** The code when this member is missing; `bad_request` otherwise. */
  readonly missing?: Readonly<Record<string, ErrorCode>>;
  /** Members that exist but may not be written here. */
  readonly immutable?: Readonly<Record<string, ErrorCode>>;
}

/**
 * Reads the members of a JSON body one by one and refuses with the texts that Meilisearch's
 * deserialiser gives: a missing member, a wrong type, an unknown member. One error at a time.
 */
export class Fields {
  readonly #body: JsonObject;
  readonly #root: BodyReader;

  constructor(
    body: JsonValue | undefined,
    private readonly rules: FieldRules,
  ) {
    this.#root = new BodyReader(rules.at ?? '', 'bad_request');
    this.#body = this.#root.object(body ?? null);
    for (const name of Object.keys(this.#body)) this.#demandKnown(name);
  }

  has(name: string): boolean {
    return this.#body[name] !== undefined;
  }

  raw(name: string): JsonValue | undefined {
    return this.#body[name];
  }

  string(name: string): string {
    return this.#at(name).text(this.#required(name));
  }

  optionalString(name: string): string | null {
    const value = this.#given(name);
    return value === null ? null : this.#at(name).text(value);
  }

  optionalBoolean(name: string, otherwise: boolean): boolean {
    const value = this.#given(name);
    return value === null ? otherwise : this.#at(name).bool(value);
  }

  optionalNumber(name: string, options: { min: number; integer: boolean }): number | null {
    const value = this.#given(name);
    if (value === null) return null;
    const number = options.integer ? this.#at(name).uint(value) : value;
    if (typeof number !== 'number') throw this.wrongType(name, 'a number', value);
    if (number >= options.min) return number;
    throw this.invalid(name, `must be at least ${options.min}, but is ${number}`);
  }

  strings(name: string): string[] {
    const value = this.#required(name);
    if (!Array.isArray(value)) throw this.wrongType(name, 'an array', value);
    return value.map((item, ordinal) => this.#at(name).at(`[${ordinal}]`).text(item));
  }

  optionalStrings(name: string): string[] | null {
    return this.#given(name) === null ? null : this.strings(name);
  }

  object(name: string): JsonObject {
    return this.#at(name).object(this.#required(name));
  }

  optionalObject(name: string): JsonObject {
    return this.#given(name) === null ? {} : this.object(name);
  }

  invalid(name: string, message: string): MeiliError {
    return this.#at(name).invalid(message);
  }

  wrongType(name: string, expected: string, value: JsonValue): MeiliError {
    return this.#at(name).wrongType(expected, value);
  }

  #at(name: string): BodyReader {
    return this.#root.at(`.${name}`, this.rules.codes?.[name.split('[')[0] ?? name]);
  }

  #given(name: string): JsonValue {
    return this.#body[name] ?? null;
  }

  #required(name: string): JsonValue {
    const value = this.#body[name];
    if (value !== undefined) return value;
    throw this.#root.missing(name, this.rules.missing?.[name]);
  }

  #demandKnown(name: string): void {
    if (this.rules.known.includes(name)) return;
    const immutable = this.rules.immutable?.[name];
    if (immutable === undefined) throw this.#root.unknownField(name, this.rules.known);
    const expected = this.rules.known.map((known) => `\`${known}\``).join(', ');
    throw new MeiliError(immutable, `Immutable field \`${name}\`: expected one of ${expected}`);
  }
}
