/**
 * JSON as serde_json reads and prints it. JavaScript's own parser loses three things a search server
 * must keep: integers beyond 2^53, the difference between `1` and `1.0`, and the order of members
 * whose names look like integers. Objects are therefore Maps, and numbers that JavaScript cannot
 * print back as they were are `LosslessNumber`s.
 */

/** A number whose text JavaScript would not print the same way. `text` is already normalised. */
export class LosslessNumber {
  constructor(
    readonly text: string,
    readonly value: number,
  ) {}
}

export type JsonObject = Map<string, Json>;
export type Json = null | boolean | number | string | LosslessNumber | Json[] | JsonObject;

/** Thrown by `parseJson`; `offset` counts UTF-16 units from the start of the text. */
export class JsonSyntaxError extends Error {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(`${message} at offset ${offset}`);
    this.name = 'JsonSyntaxError';
  }
}

const MAX_DEPTH = 128;
const MAX_U64 = 18446744073709551615n;
const MIN_I64 = -9223372036854775808n;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const PLAIN_TEXT = /[^"\\\u0000-\u001f]*/y;
const ESCAPES: Record<string, string> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** A double as serde_json prints it: shortest digits, always with a point or an exponent. */
export function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  if (Object.is(value, -0)) return '-0.0';
  if (value === 0) return '0.0';
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent < -5 || exponent > 15) {
    const sign = exponent < 0 ? '-' : '+';
    return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, '0')}`;
  }
  const negative = mantissa.startsWith('-') ? '-' : '';
  const digits = mantissa.replace('-', '').replace('.', '');
  if (exponent < 0) return `${negative}0.${'0'.repeat(-exponent - 1)}${digits}`;
  if (digits.length - 1 <= exponent) return `${negative}${digits.padEnd(exponent + 1, '0')}.0`;
  return `${negative}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`;
}

/** A JSON number that is a float on the wire: `1` prints as `1.0`. */
export function float(value: number): Json {
  const text = formatFloat(value);
  return text === String(value) ? value : new LosslessNumber(text, value);
}

/**
 * The double serde_json reads from a literal. It is fast, not exact: the digits that fit in 64 bits
 * are rounded to a double first and scaled by a power of ten then, so that the last bit may differ.
 */
function readFloat(literal: string): number {
  // With at most 15 digits and a small exponent both ways are exact, and this one is quick.
  if (literal.length < 16 && !/[eE]/.test(literal)) return Number(literal);
  const [, sign, whole = '', fraction = '', exponentText = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  let significand = 0n;
  let dropped = 0;
  let kept = 0;
  for (const [i, digit] of [...(whole + fraction)].entries()) {
    const next = significand * 10n + BigInt(digit);
    if (next > MAX_U64 || dropped > 0) {
      if (i < whole.length) dropped += 1;
      else break;
    } else {
      significand = next;
      if (i >= whole.length) kept += 1;
    }
  }
  let exponent = Number(exponentText) + dropped - kept;
  let value = Number(significand);
  while (exponent < -308 && value !== 0) {
    value /= 1e308;
    exponent += 308;
  }
  if (exponent < 0) value /= Number(`1e${-exponent}`);
  else if (value !== 0) value *= Number(`1e${exponent}`);
  return sign === '-' ? -value : value;
}

/** Reads one JSON number literal; integers outside i64/u64 become floats, as in serde_json. */
export function parseNumber(literal: string): Json {
  return readNumber(literal, readFloat);
}

/** As `parseNumber`, but the double is the nearest one. */
export function parseNumberExactly(literal: string): Json {
  return readNumber(literal, Number);
}

function readNumber(literal: string, toDouble: (literal: string) => number): Json {
  const isInteger = !/[.eE]/.test(literal);
  if (!isInteger || literal === '-0') return float(toDouble(literal));
  const value = Number(literal);
  if (Number.isSafeInteger(value)) return value;
  const exact = BigInt(literal);
  if (exact > MAX_U64 || exact < MIN_I64) return float(toDouble(literal));
  return String(value) === literal ? value : new LosslessNumber(literal, value);
}

class Parser {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly toNumber: (literal: string) => Json,
  ) {}

  document(): Json {
    this.skipBlanks();
    const value = this.value(0);
    this.skipBlanks();
    if (this.at < this.text.length) throw this.error('trailing characters');
    return value;
  }

  private value(depth: number): Json {
    if (depth > MAX_DEPTH) throw this.error('recursion limit exceeded');
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth);
      case '[':
        return this.array(depth);
      case '"':
        return this.string();
      case 't':
        return this.literal('true', true);
      case 'f':
        return this.literal('false', false);
      case 'n':
        return this.literal('null', null);
      case undefined:
        throw this.error('EOF while parsing a value');
      default:
        return this.number();
    }
  }

  private object(depth: number): JsonObject {
    const members: JsonObject = new Map();
    this.at += 1;
    this.skipBlanks();
    if (this.take('}')) return members;
    for (;;) {
      this.skipBlanks();
      if (this.text[this.at] !== '"') throw this.error('key must be a string');
      const name = this.string();
      this.skipBlanks();
      if (!this.take(':')) throw this.error('expected `:`');
      this.skipBlanks();
      members.set(name, this.value(depth + 1));
      this.skipBlanks();
      if (this.take('}')) return members;
      if (!this.take(',')) throw this.error('expected `,` or `}`');
    }
  }

  private array(depth: number): Json[] {
    const items: Json[] = [];
    this.at += 1;
    this.skipBlanks();
    if (this.take(']')) return items;
    for (;;) {
      this.skipBlanks();
      items.push(this.value(depth + 1));
      this.skipBlanks();
      if (this.take(']')) return items;
      if (!this.take(',')) throw this.error('expected `,` or `]`');
    }
  }

  private string(): string {
    this.at += 1;
    let result = '';
    for (;;) {
      PLAIN_TEXT.lastIndex = this.at;
      const plain = PLAIN_TEXT.exec(this.text)?.[0] ?? '';
      result += plain;
      this.at += plain.length;
      const next = this.text[this.at];
      if (next === '"') {
        this.at += 1;
        return result;
      }
      if (next === undefined) throw this.error('EOF while parsing a string');
      if (next !== '\\') throw this.error('control character found while parsing a string');
      result += this.escape();
    }
  }

  private escape(): string {
    const letter = this.text[this.at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.error('invalid escape');
      this.at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const meaning = ESCAPES[letter];
    if (meaning === undefined) throw this.error('invalid escape');
    this.at += 2;
    return meaning;
  }

  private number(): Json {
    NUMBER.lastIndex = this.at;
    const literal = NUMBER.exec(this.text)?.[0];
    if (literal === undefined) throw this.error('expected value');
    this.at += literal.length;
    const number = this.toNumber(literal);
    if (numberOf(number) !== null && !Number.isFinite(numberOf(number))) {
      throw this.error('number out of range');
    }
    return number;
  }

  private literal<T extends Json>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.error('expected ident');
    this.at += word.length;
    return value;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private skipBlanks(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
      this.at += 1;
    }
  }

  private error(message: string): JsonSyntaxError {
    return new JsonSyntaxError(message, this.at);
  }
}

/**
 * Parses a JSON text. Members keep the order of their first appearance, the last of equal names wins.
 * Throws `JsonSyntaxError`.
 */
export function parseJson(text: string, toNumber: (literal: string) => Json = parseNumber): Json {
  return new Parser(text, toNumber).document();
}

/** Prints without blanks, numbers as serde_json prints them. Lone surrogates pass unchanged. */
export function stringifyJson(value: Json): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'number')
    return Number.isInteger(value) ? String(value) : formatFloat(value);
  if (value instanceof LosslessNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(',')}]`;
  const members: string[] = [];
  for (const [name, member] of value)
    members.push(`${JSON.stringify(name)}:${stringifyJson(member)}`);
  return `{${members.join(',')}}`;
}

/** The double of a JSON number, or null for anything else. */
export function numberOf(value: Json | undefined): number | null {
  if (typeof value === 'number') return value;
  return value instanceof LosslessNumber ? value.value : null;
}

/** Whether the value is a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return value instanceof Map;
}

/** Turns a plain JavaScript value (as from `JSON.parse`) into `Json`; for fixtures and settings. */
export function fromPlain(value: unknown): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') return Object.is(value, -0) ? float(-0) : value;
  if (Array.isArray(value)) return value.map(fromPlain);
  if (value instanceof Map || value instanceof LosslessNumber) return value as Json;
  if (typeof value === 'object') {
    return new Map(Object.entries(value as object).map(([name, item]) => [name, fromPlain(item)]));
  }
  return null;
}

/** Turns `Json` into plain JavaScript values; lossless numbers become doubles. */
export function toPlain(value: Json): unknown {
  if (value instanceof LosslessNumber) return value.value;
  if (Array.isArray(value)) return value.map(toPlain);
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([name, item]) => [name, toPlain(item)]));
  }
  return value;
}
