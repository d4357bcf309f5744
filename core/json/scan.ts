import { jsonFault } from './error';
import type { JsonSyntaxError } from './error';
import { decodeKey } from './keys';
import { JsonScanner, ascii, endOfBytes } from './scanner';

export { JsonSyntaxError, isJsonSyntaxError } from './error';

/** The bytes `[start, end)` of one value. */
export interface ValueSpan {
  readonly start: number;
  readonly end: number;
}

/**
 * Called for each member of an object, in order, equal keys each time they come: where a caller
 * wants one of them, the last counts, as in the engine. `key` is decoded, because a key written with
 * escapes is the same key; `memberStart` is its opening quote.
 */
export type MemberVisitor = (
  key: string,
  valueStart: number,
  valueEnd: number,
  memberStart: number,
) => void;

/** The offset of the first byte from `at` on that is no JSON blank; the length if there is none. */
export function skipWhitespace(bytes: Uint8Array, at: number): number {
  const scanner = new JsonScanner(bytes, at);
  scanner.next();
  return scanner.at;
}

/** The offset just after the value that begins at `at`, blanks before it allowed. */
export function skipValue(bytes: Uint8Array, at: number): number {
  const scanner = new JsonScanner(bytes, at);
  scanner.skipValue();
  return scanner.at;
}

/**
 * Checks the object at `at` (blanks before it allowed) and shows its members.
 *
 * @returns the offset just after the closing brace.
 * @throws JsonSyntaxError where the bytes are not one JSON object.
 */
export function scanObject(bytes: Uint8Array, at: number, visit: MemberVisitor): number {
  const scanner = new JsonScanner(bytes, at);
  visitMembers(scanner, visit);
  return scanner.at;
}

/** The same on a scanner, for callers that also want to know what it saw on the way. */
export function visitMembers(scanner: JsonScanner, visit: MemberVisitor): void {
  const { bytes } = scanner;
  if (scanner.next() !== ascii.objectOpen) throw scanner.peekFault(jsonFault.value);
  scanner.at += 1;
  let byte = scanner.next();
  if (byte === ascii.objectClose) {
    scanner.at += 1;
    return;
  }
  let first = true;
  for (;;) {
    if (byte !== ascii.quote) throw keyFault(scanner, byte, first);
    first = false;
    const memberStart = scanner.at;
    scanner.at += 1;
    scanner.skipString();
    scanner.checkUtf8();
    const key = decodeKey(bytes, memberStart + 1, scanner.at - 1);
    scanner.skipColon();
    scanner.next();
    const valueStart = scanner.at;
    scanner.skipValue();
    visit(key, valueStart, scanner.at, memberStart);
    byte = scanner.next();
    if (byte === ascii.objectClose) {
      scanner.at += 1;
      return;
    }
    if (byte !== ascii.comma) {
      throw scanner.peekFault(byte === endOfBytes ? jsonFault.eofObject : jsonFault.objectEnd);
    }
    scanner.at += 1;
    byte = scanner.next();
  }
}

function keyFault(scanner: JsonScanner, byte: number, first: boolean): JsonSyntaxError {
  const { eofObject, eofValue, key, trailingComma } = jsonFault;
  const afterComma = scanner.strict && !first;
  if (byte === endOfBytes) return scanner.peekFault(afterComma ? eofValue : eofObject);
  return scanner.peekFault(afterComma && byte === ascii.objectClose ? trailingComma : key);
}

/** Where the value of the last member named `key` stands in the object at `objectStart`. */
export function findMember(bytes: Uint8Array, objectStart: number, key: string): ValueSpan | null {
  let found: ValueSpan | null = null;
  scanObject(bytes, objectStart, (name, start, end) => {
    if (name === key) found = { start, end };
  });
  return found;
}

/**
 * Checks the array at `at` (blanks before it allowed) and shows where its items stand.
 *
 * @returns the offset just after the closing bracket.
 * @throws JsonSyntaxError where the bytes are not one JSON array.
 */
export function scanArrayItems(
  bytes: Uint8Array,
  at: number,
  visit: (start: number, end: number) => void,
): number {
  const scanner = new JsonScanner(bytes, at);
  if (scanner.next() !== ascii.arrayOpen) throw scanner.peekFault(jsonFault.value);
  scanner.at += 1;
  visitItems(scanner, visit);
  return scanner.at;
}

/** Shows the items of an array whose opening bracket was taken, and takes the closing one. */
export function visitItems(
  scanner: JsonScanner,
  visit: (start: number, end: number) => void,
): void {
  let byte = scanner.next();
  if (byte === endOfBytes) throw scanner.peekFault(jsonFault.eofList);
  while (byte !== ascii.arrayClose) {
    const start = scanner.at;
    scanner.skipValue();
    visit(start, scanner.at);
    byte = scanner.next();
    if (byte === ascii.arrayClose) break;
    if (byte !== ascii.comma) {
      throw scanner.peekFault(byte === endOfBytes ? jsonFault.eofList : jsonFault.listEnd);
    }
    scanner.at += 1;
    byte = scanner.next();
    if (byte === ascii.arrayClose) throw scanner.peekFault(jsonFault.trailingComma);
    if (byte === endOfBytes) throw scanner.peekFault(jsonFault.eofValue);
  }
  scanner.at += 1;
}
