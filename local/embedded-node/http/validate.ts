/** Checks of JSON bodies, with the messages of Meilisearch's deserialiser. */
import { ApiError } from '../errors';
import { LosslessNumber, isObject } from '../engine/json';
import type { Json, JsonObject } from '../engine/json';
import { toJsonText } from './answer';

/** Where in the body a value stands: `` for the root, `.queries[0].limit` and the like. */
export interface Place {
  readonly path: string;
  readonly code: string;
}

export const ROOT: Place = { path: '', code: 'bad_request' };

type Kind =
  | 'null'
  | 'a boolean'
  | 'a positive integer'
  | 'a negative integer'
  | 'a number'
  | 'a string'
  | 'an array'
  | 'an object';

function kindOf(value: Json): Kind {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return 'a boolean';
  if (typeof value === 'string') return 'a string';
  if (Array.isArray(value)) return 'an array';
  if (value instanceof LosslessNumber) {
    if (/[.e]/.test(value.text)) return 'a number';
    return value.text.startsWith('-') ? 'a negative integer' : 'a positive integer';
  }
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) return 'a number';
    return value < 0 ? 'a negative integer' : 'a positive integer';
  }
  return 'an object';
}

export function child(place: Place, name: string | number, code = place.code): Place {
  const path = typeof name === 'number' ? `${place.path}[${name}]` : `${place.path}.${name}`;
  return { path, code };
}

function located(place: Place, word: string): string {
  return place.path === '' ? '' : ` ${word} \`${place.path}\``;
}

export function wrongType(value: Json, expected: string, place: Place): ApiError {
  const kind = kindOf(value);
  const found = kind === 'null' ? kind : `${kind}: \`${toJsonText(value)}\``;
  const where = located(place, 'at');
  return new ApiError(
    place.code,
    `Invalid value type${where}: expected ${expected}, but found ${found}`,
  );
}

export function invalidValue(message: string, place: Place): ApiError {
  return new ApiError(place.code, `Invalid value${located(place, 'at')}: ${message}`);
}

/** Damerau-Levenshtein distance (adjacent swaps count one). */
function editDistance(left: string, right: string): number {
  const rows: number[][] = [Array.from({ length: right.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= left.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const cost = left[i - 1] === right[j - 1] ? 0 : 1;
      const previous = rows[i - 1] ?? [];
      let best = Math.min(
        (previous[j] ?? 0) + 1,
        (row[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + cost,
      );
      if (i > 1 && j > 1 && left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1]) {
        best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + cost);
      }
      row.push(best);
    }
    rows.push(row);
  }
  return rows[left.length]?.[right.length] ?? 0;
}

/** How many edits a misspelt word may be away, by its length. */
function toleratedEdits(length: number): number {
  const limits = [3, 7, 12, 17, 24];
  const at = limits.findIndex((limit) => length <= limit);
  return at < 0 ? limits.length : at;
}

function didYouMean(word: string, accepted: readonly string[]): string {
  const tolerated = toleratedEdits(word.length);
  if (tolerated === 0) return '';
  let best: string | null = null;
  let bestDistance = tolerated + 1;
  for (const candidate of accepted) {
    const distance = editDistance(word, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === null ? '' : `did you mean \`${best}\`? `;
}

/** The end of the "unknown" messages: a guess, and all that is accepted. */
export function expectedOneOf(word: string, accepted: readonly string[]): string {
  const list = accepted.map((name) => `\`${name}\``).join(', ');
  return `${didYouMean(word, accepted)}expected one of ${list}`;
}

export function unknownField(name: string, accepted: readonly string[], place: Place): ApiError {
  const where = located(place, 'inside');
  return new ApiError(
    place.code,
    `Unknown field \`${name}\`${where}: ${expectedOneOf(name, accepted)}`,
  );
}

export function missingField(name: string, place: Place, code = place.code): ApiError {
  return new ApiError(code, `Missing field \`${name}\`${located(place, 'inside')}`);
}

export function asObject(value: Json, place: Place): JsonObject {
  if (!isObject(value)) throw wrongType(value, 'an object', place);
  return value;
}

/** An object whose members are all among `accepted`. */
export function asStruct(value: Json, accepted: readonly string[], place: Place): JsonObject {
  const object = asObject(value, place);
  for (const name of object.keys()) {
    if (!accepted.includes(name)) throw unknownField(name, accepted, place);
  }
  return object;
}

export function asArray(value: Json, place: Place): readonly Json[] {
  if (!Array.isArray(value)) throw wrongType(value, 'an array', place);
  return value;
}

export function asString(value: Json, place: Place): string {
  if (typeof value !== 'string') throw wrongType(value, 'a string', place);
  return value;
}

export function asBoolean(value: Json, place: Place): boolean {
  if (typeof value !== 'boolean') throw wrongType(value, 'a boolean', place);
  return value;
}

export function asUint(value: Json, place: Place): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw wrongType(value, 'a positive integer', place);
  }
  return value;
}

export function asNumber(value: Json, place: Place): number {
  if (value instanceof LosslessNumber) return value.value;
  if (typeof value !== 'number') throw wrongType(value, 'a number', place);
  return value;
}

export function asStrings(value: Json, place: Place): string[] {
  return asArray(value, place).map((item, index) => asString(item, child(place, index)));
}

/** A text that must be one of a few words. */
export function asWord(value: Json, accepted: readonly string[], place: Place): string {
  const word = asString(value, place);
  if (!accepted.includes(word)) {
    const where = located(place, 'at');
    const rest = expectedOneOf(word, accepted);
    throw new ApiError(place.code, `Unknown value \`${word}\`${where}: ${rest}`);
  }
  return word;
}
