import { MeiliError } from '../errors';
import type { ErrorCode } from '../errors';
import type { JsonValue } from '../fleet';
import type { JsonObject } from './types';

/**
 * Checks of JSON bodies that fail with the words of Meilisearch. `path` is written as Meilisearch
 * writes it: empty at the root, `.hybrid.embedder`, `.rankingRules[0]`.
 */
export class BodyReader {
  constructor(
    readonly path: string,
    readonly code: ErrorCode,
  ) {}

  at(suffix: string, code: ErrorCode = this.code): BodyReader {
    return new BodyReader(this.path + suffix, code);
  }

  private where(article: string): string {
    return this.path === '' ? '' : ` ${article} \`${this.path}\``;
  }

  wrongType(expected: string, found: JsonValue): MeiliError {
    const received = found === null ? 'null' : `${kindOf(found)}: \`${JSON.stringify(found)}\``;
    const text = `Invalid value type${this.where('at')}: expected ${expected}, but found ${received}`;
    return new MeiliError(this.code, text);
  }

  invalid(message: string): MeiliError {
    return new MeiliError(this.code, `Invalid value${this.where('at')}: ${message}`);
  }

  missing(field: string, code: ErrorCode = this.code): MeiliError {
    return new MeiliError(code, `Missing field \`${field}\`${this.where('inside')}`);
  }

  unknownField(field: string, accepted: readonly string[]): MeiliError {
    const text = `Unknown field \`${field}\`${this.where('inside')}: ${oneOf(field, accepted)}`;
    return new MeiliError(this.code, text);
  }

  unknownValue(value: string, accepted: readonly string[]): MeiliError {
    const text = `Unknown value \`${value}\`${this.where('at')}: ${oneOf(value, accepted)}`;
    return new MeiliError(this.code, text);
  }

  text(value: JsonValue): string {
    if (typeof value === 'string') return value;
    throw this.wrongType('a string', value);
  }

  bool(value: JsonValue): boolean {
    if (typeof value === 'boolean') return value;
    throw this.wrongType('a boolean', value);
  }

  uint(value: JsonValue): number {
    if (typeof value === 'number' && isWhole(value) && value >= 0) return value;
    throw this.wrongType('a positive integer', value);
  }

  number(value: JsonValue): number {
    if (typeof value === 'number') return value;
    throw this.wrongType('a number', value);
  }

  array(value: JsonValue): JsonValue[] {
    if (Array.isArray(value)) return value;
    throw this.wrongType('an array', value);
  }

  object(value: JsonValue): JsonObject {
    if (isObject(value)) return value;
    throw this.wrongType('an object', value);
  }

  texts(value: JsonValue): string[] {
    return this.array(value).map((item, i) => this.at(`[${String(i)}]`).text(item));
  }

  oneOf(value: JsonValue, accepted: readonly string[]): string {
    const text = this.text(value);
    if (!accepted.includes(text)) throw this.unknownValue(text, accepted);
    return text;
  }
}

/** Whether the engine's parser takes it for an integer: beyond 64 bits it reads a float. */
const isWhole = (value: number): boolean => Number.isInteger(value) && Math.abs(value) < 2 ** 64;

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function kindOf(value: JsonValue): string {
  if (typeof value === 'boolean') return 'a boolean';
  if (typeof value === 'string') return 'a string';
  if (Array.isArray(value)) return 'an array';
  if (typeof value !== 'number') return 'an object';
  if (!isWhole(value)) return 'a number';
  return value < 0 ? 'a negative integer' : 'a positive integer';
}

export function oneOf(received: string, accepted: readonly string[]): string {
  return `${didYouMean(received, accepted)}expected one of ${accepted.map((one) => `\`${one}\``).join(', ')}`;
}

/** Allowed distance by the length of the unknown word, as Meilisearch allows it. */
const allowances: readonly (readonly [lengthMax: number, distance: number])[] = [
  [3, 0],
  [7, 1],
  [12, 2],
  [17, 3],
  [24, 4],
];

function didYouMean(received: string, accepted: readonly string[]): string {
  const allowed = allowances.find(([lengthMax]) => received.length <= lengthMax)?.[1] ?? 5;
  if (allowed === 0) return '';
  let best: { word: string; distance: number } | null = null;
  for (const word of accepted) {
    const distance = editDistance(received, word);
    if (distance <= allowed && distance < (best?.distance ?? Infinity)) best = { word, distance };
  }
  return best === null ? '' : `did you mean \`${best.word}\`? `;
}

/** Damerau-Levenshtein with unrestricted transpositions. */
function editDistance(a: string, b: string): number {
  const width = b.length + 2;
  const far = a.length + b.length;
  const table = new Array<number>((a.length + 2) * width).fill(far);
  const get = (i: number, j: number): number => table[i * width + j] ?? far;
  const lastRow = new Map<string, number>();
  for (let i = 0; i <= a.length; i++) table[(i + 1) * width + 1] = i;
  for (let j = 0; j <= b.length; j++) table[width + j + 1] = j;
  for (let i = 1; i <= a.length; i++) {
    let lastColumn = 0;
    for (let j = 1; j <= b.length; j++) {
      const row = lastRow.get(b.charAt(j - 1)) ?? 0;
      const column = lastColumn;
      const same = a.charAt(i - 1) === b.charAt(j - 1);
      if (same) lastColumn = j;
      table[(i + 1) * width + j + 1] = Math.min(
        get(i, j) + (same ? 0 : 1),
        get(i + 1, j) + 1,
        get(i, j + 1) + 1,
        get(row, column) + (i - row - 1) + 1 + (j - column - 1),
      );
    }
    lastRow.set(a.charAt(i - 1), i);
  }
  return get(a.length + 1, b.length + 1);
}
