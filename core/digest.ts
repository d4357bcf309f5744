import { xxh64, xxh64Text } from './hash';
import type { Hash64 } from './hash';
import { scanObject } from './json/scan';
import { ascii } from './json/scanner';

/**
 * Digests by which two nodes' copies are compared. Both sides are read from nodes, which write
 * numbers and strings in one way but members in the order in which each node first saw the names;
 * so members are sorted by name and blanks are left out, and nothing else is normalised.
 */

const encoder = new TextEncoder();

/** The canonical bytes of `bytes[start, end)`, one JSON object; of equal names the last counts. */
function canonicalBytes(bytes: Uint8Array, start: number): Uint8Array {
  const spans = new Map<string, { from: number; to: number }>();
  scanObject(bytes, start, (key, from, to) => {
    spans.set(key, { from, to });
  });
  const members = [...spans].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = members.map(([key]) => encoder.encode(`${JSON.stringify(key)}:`));
  const size = members.reduce((sum, [, { from, to }], at) => {
    return sum + (names[at]?.length ?? 0) + (to - from) + 1;
  }, 0);
  const result = new Uint8Array(size);
  let used = 0;
  members.forEach(([, { from, to }], at) => {
    const name = names[at] as Uint8Array;
    result.set(name, used);
    used = copyWithoutBlanks(bytes, { from, to }, result, used + name.length);
    result[used] = ascii.comma;
    used += 1;
  });
  return result.subarray(0, used);
}

/** Copies a well-formed value without the blanks between its tokens; returns the new end. */
function copyWithoutBlanks(
  bytes: Uint8Array,
  { from, to }: { readonly from: number; readonly to: number },
  result: Uint8Array,
  start: number,
): number {
  let used = start;
  let inString = false;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] as number;
    if (!inString && byte <= 0x20) continue;
    result[used] = byte;
    used += 1;
    if (byte === ascii.quote) {
      inString = !inString;
    } else if (inString && byte === ascii.backslash) {
      at += 1;
      result[used] = bytes[at] as number;
      used += 1;
    }
  }
  return used;
}

const hex = (half: number): string => half.toString(16).padStart(8, '0');

function digestText({ high, low }: Hash64): string {
  return hex(high) + hex(low);
}

/**
 * The digest of one document as a node gives it, hidden fields included: 16 hexadecimal digits.
 * Throws JsonSyntaxError where the bytes at `start` are no JSON object.
 */
export function digestDocument(bytes: Uint8Array, start = 0): string {
  return digestText(xxh64(canonicalBytes(bytes, start)));
}

export interface DocumentDigest {
  readonly id: string;
  readonly digest: string;
}

export interface CombinedDigest {
  readonly count: number;
  /** 16 hexadecimal digits. */
  readonly digest: string;
}

/**
 * One digest for a set of documents, the same in any order, so that ranges can be compared without
 * sorting: the sum, modulo 2^64, of a hash of each id with its digest.
 */
export class DigestSum {
  #count = 0;
  #high = 0;
  #low = 0;

  add({ id, digest }: DocumentDigest): void {
    const hash = xxh64Text(`${id}\n${digest}`);
    const low = this.#low + hash.low;
    this.#high = (this.#high + hash.high + (low > 0xffffffff ? 1 : 0)) >>> 0;
    this.#low = low >>> 0;
    this.#count += 1;
  }

  get(): CombinedDigest {
    return { count: this.#count, digest: digestText({ high: this.#high, low: this.#low }) };
  }
}

export function combineDigests(documents: Iterable<DocumentDigest>): CombinedDigest {
  const sum = new DigestSum();
  for (const document of documents) sum.add(document);
  return sum.get();
}
