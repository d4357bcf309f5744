import { jsonFault, syntaxError } from './error';
import type { JsonFault, JsonSyntaxError } from './error';
import { ascii } from './scanner';

/**
 * What the engine's parser refuses when it makes values of bytes whose syntax is right: lone
 * surrogates, numbers beyond a double, too many open containers. It does so while indexing, when
 * the payload has long been accepted.
 */

/** The parser gives up where this many containers are open. */
export const parserDepthMax = 128;

const decoder = new TextDecoder();

/**
 * The first such fault in `bytes[start, end)`, which must be one well-formed value, or null.
 * Lines and columns are counted from `start`, as the engine parses each field by itself, or from
 * another origin.
 */
export function findValueFault(
  bytes: Uint8Array,
  start: number,
  end: number,
  { origin }: { readonly origin: number } = { origin: start },
): JsonSyntaxError | null {
  let depth = 0;
  let at = start;
  while (at < end) {
    const byte = bytes[at] as number;
    if (byte === ascii.quote) {
      const string = readString(bytes, at + 1);
      if (string.fault !== null) return syntaxError(bytes, string.fault, string.at, origin);
      at = string.at;
    } else if (byte === ascii.arrayOpen || byte === ascii.objectOpen) {
      depth += 1;
      at += 1;
      if (depth >= parserDepthMax) return syntaxError(bytes, jsonFault.depth, at, origin);
    } else if (byte === ascii.arrayClose || byte === ascii.objectClose) {
      depth -= 1;
      at += 1;
    } else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      const numberEnd = endOfNumber(bytes, at, end);
      const value = Number(decoder.decode(bytes.subarray(at, numberEnd)));
      if (!Number.isFinite(value)) return syntaxError(bytes, jsonFault.range, numberEnd, origin);
      at = numberEnd;
    } else {
      at += 1;
    }
  }
  return null;
}

/** The first lone surrogate of the string whose content begins at `start`, counted from `origin`. */
export function findStringFault(
  bytes: Uint8Array,
  start: number,
  origin: number,
): JsonSyntaxError | null {
  const { at, fault } = readString(bytes, start);
  return fault === null ? null : syntaxError(bytes, fault, at, origin);
}

function endOfNumber(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  for (; at < end; at += 1) {
    const byte = bytes[at] as number;
    const inNumber =
      (byte >= 0x30 && byte <= 0x39) ||
      byte === 0x2b ||
      byte === 0x2d ||
      byte === 0x2e ||
      (byte | 0x20) === 0x65;
    if (!inNumber) break;
  }
  return at;
}

/** Where the string ends, after its quote; or the fault, and how far the parser has read then. */
interface StringEnd {
  readonly at: number;
  readonly fault: JsonFault | null;
}

function readString(bytes: Uint8Array, start: number): StringEnd {
  let at = start;
  for (;;) {
    const byte = bytes[at] as number;
    if (byte === ascii.quote) return { at: at + 1, fault: null };
    if (byte !== ascii.backslash) {
      at += 1;
    } else if (bytes[at + 1] !== ascii.u) {
      at += 2;
    } else {
      const unit = hexAt(bytes, at + 2);
      at += 6;
      if (unit >= 0xdc00 && unit <= 0xdfff) return { at, fault: jsonFault.surrogate };
      if (unit < 0xd800 || unit > 0xdbff) continue;
      if (bytes[at] !== ascii.backslash) return { at: at + 1, fault: jsonFault.hexEnd };
      if (bytes[at + 1] !== ascii.u) return { at: at + 2, fault: jsonFault.hexEnd };
      const second = hexAt(bytes, at + 2);
      at += 6;
      if (second < 0xdc00 || second > 0xdfff) return { at, fault: jsonFault.surrogate };
    }
  }
}

function hexAt(bytes: Uint8Array, at: number): number {
  return Number.parseInt(decoder.decode(bytes.subarray(at, at + 4)), 16);
}
