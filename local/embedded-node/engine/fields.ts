/** Reading documents by field: flattening for the index, values for sorting, and field patterns. */
import { type Json, type JsonObject, isObject, LosslessNumber, numberOf } from './json';

/** Longest facet value in bytes; longer ones are cut. */
const MAX_FACET_BYTES = 468;

/** Whether `field` is `parent` itself or lies below it. */
export function isWithin(field: string, parent: string): boolean {
  if (!field.startsWith(parent)) return false;
  return field.length === parent.length || field[parent.length] === '.';
}

/** Fields the engine never takes for text. */
export function isReserved(field: string): boolean {
  return isWithin(field, '_vectors') || isWithin(field, '_geo') || isWithin(field, '_geojson');
}

/** Matches `*`, `a*`, `*a`, `*a*` and exact names. */
export function matchesPattern(pattern: string, name: string): boolean {
  if (pattern === '*') return true;
  const [open, close] = [pattern.startsWith('*'), pattern.endsWith('*')];
  if (open && close) return name.includes(pattern.slice(1, -1));
  if (open) return name.endsWith(pattern.slice(1));
  if (close) return name.startsWith(pattern.slice(0, -1));
  return pattern === name;
}

type Visit = (path: string, value: Json) => void;

function visitLeaves(path: string, value: Json, visit: Visit): void {
  if (Array.isArray(value)) {
    for (const item of value) visitLeaves(path, item, visit);
  } else if (isObject(value)) {
    for (const [name, member] of value) visitLeaves(`${path}.${name}`, member, visit);
  } else {
    visit(path, value);
  }
}

/** Calls `visit` for each scalar, in document order; the items of an array share one path. */
export function forEachLeaf(document: JsonObject, visit: Visit): void {
  for (const [name, value] of document) visitLeaves(name, value, visit);
}

/** The text a scalar is searched by; null and containers have none. */
export function textOf(value: Json): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value instanceof LosslessNumber ? value.text : null;
}

function collect(value: Json, path: string, found: Json[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, path, found);
  } else if (path === '') {
    if (!isObject(value) && value !== null) found.push(value);
  } else if (isObject(value)) {
    collectMembers(value, path, found);
  }
}

function collectMembers(object: JsonObject, path: string, found: Json[]): void {
  for (const [name, member] of object) {
    if (name === path) collect(member, '', found);
    else if (path.startsWith(`${name}.`)) collect(member, path.slice(name.length + 1), found);
  }
}

/** All scalars at a dotted path, through arrays and through names that contain dots. */
export function scalarsAt(document: JsonObject, path: string): Json[] {
  const found: Json[] = [];
  collectMembers(document, path, found);
  return found;
}

/** As Meilisearch compares facet strings: trimmed, decomposed by character, in lower case. */
export function normalizeFacet(value: string): string {
  const trimmed = value.replace(/^[\s\u0085]+|[\s\u0085]+$/gu, (blank) =>
    blank.includes('\ufeff') ? blank.replace(/[^\ufeff]/gu, '') : '',
  );
  let decomposed = '';
  for (const character of trimmed) decomposed += character.normalize('NFKD');
  return decomposed.toLowerCase();
}

function truncate(value: string): string {
  if (value.length * 3 <= MAX_FACET_BYTES) return value;
  let bytes = 0;
  let result = '';
  for (const character of value) {
    bytes += Buffer.byteLength(character);
    if (bytes > MAX_FACET_BYTES) break;
    result += character;
  }
  return result;
}

/** The values a document is sorted and made distinct by. */
export interface FacetValues {
  readonly numbers: readonly number[];
  /** Normalised and cut to 468 bytes. */
  readonly strings: readonly string[];
}

export function facetValues(document: JsonObject, path: string): FacetValues {
  const numbers: number[] = [];
  const strings: string[] = [];
  for (const value of scalarsAt(document, path)) {
    const number = numberOf(value);
    if (number !== null) numbers.push(number);
    else if (typeof value === 'string') strings.push(truncate(normalizeFacet(value)));
    else if (typeof value === 'boolean') strings.push(String(value));
  }
  return { numbers, strings };
}

/** Order of UTF-8 bytes, which is the order of code points. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    if (x >= 0xd800 && y >= 0xd800) {
      x += x >= 0xe000 ? -0x800 : 0x2000;
      y += y >= 0xe000 ? -0x800 : 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}
