import { bucketsOfShard } from './hash';
import type { ShardId } from './ids';

/**
 * The fields that Miroir adds to every stored document, and the code in which they are written.
 *
 * A number or a word in a document is full-text searchable under the default settings and would
 * change which documents match. The values are therefore written in base 64 over symbols that the
 * engine's tokenizer takes for separators: they yield no token, while `=`, `IN`, `>=`, `<` and
 * sorting work on them as on any string. Fixed width, big end first and an alphabet in ascending
 * order keep the order of the numbers.
 */

export const hiddenPrefix = '_miroir_';

export const hiddenField = {
  /** Which of the 256 buckets the document is in; the searches' filters name it. */
  bucket: '_miroir_bucket',
  /** Which of the 16,384 slots; copies read ranges of it. */
  slot: '_miroir_slot',
  /** The document's place in the order of insertion; the last ranking rule. */
  seq: '_miroir_seq',
  /** Milliseconds since 1970 after which the document may be deleted, where an index has a TTL. */
  expiresAt: '_miroir_expires_at',
} as const;

/** Makes the order of hits total, and the same on every replica. */
export const hiddenRankingRule = `${hiddenField.seq}:asc`;

function codePointRange(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, index) => String.fromCodePoint(from + index));
}

/** U+2295–U+22AB and U+22B0–U+22D8: 64 soft separators, ascending, three bytes each in UTF-8. */
export const symbols: readonly string[] = [
  ...codePointRange(0x2295, 0x22ab),
  ...codePointRange(0x22b0, 0x22d8),
];

const digitOfSymbol: ReadonlyMap<string, number> = new Map(
  symbols.map((symbol, digit) => [symbol, digit]),
);

const bucketWidth = 2;
const slotWidth = 3;
const seqWidth = 6;
const millisWidth = 8;

/** Throws a RangeError for what is not a whole number that `width` symbols can carry. */
function encode(value: number, width: number): string {
  if (!Number.isSafeInteger(value) || value < 0 || value >= 64 ** width) {
    throw new RangeError(`${String(value)} cannot be written in ${String(width)} symbols`);
  }
  let rest = value;
  let text = '';
  for (let place = 0; place < width; place += 1) {
    text = (symbols[rest % 64] as string) + text;
    rest = Math.floor(rest / 64);
  }
  return text;
}

/** Throws a RangeError for a text that `encode` with this width never made. */
function decode(text: string, width: number): number {
  // Every symbol is one UTF-16 unit, so the length counts symbols.
  if (text.length !== width) {
    throw new RangeError(`"${text}" is not a code of ${String(width)} symbols`);
  }
  let value = 0;
  for (const symbol of text) {
    const digit = digitOfSymbol.get(symbol);
    if (digit === undefined) throw new RangeError(`"${text}" has a symbol outside the alphabet`);
    value = value * 64 + digit;
  }
  return value;
}

export const encodeBucket = (bucket: number): string => encode(bucket, bucketWidth);
export const decodeBucket = (code: string): number => decode(code, bucketWidth);
export const encodeSlot = (slot: number): string => encode(slot, slotWidth);
export const decodeSlot = (code: string): number => decode(code, slotWidth);
/** 64^6 numbers: an index may take 68 billion insertions. */
export const encodeSeq = (seq: number): string => encode(seq, seqWidth);
export const decodeSeq = (code: string): number => decode(code, seqWidth);
/** 64^8 milliseconds: until the year 10889. */
export const encodeMillis = (millis: number): string => encode(millis, millisWidth);
export const decodeMillis = (code: string): number => decode(code, millisWidth);

/** True for what `encodeMillis` can have made. */
export function isMillisCode(code: string): boolean {
  return code.length === millisWidth && [...code].every((symbol) => digitOfSymbol.has(symbol));
}

/** The largest instant `encodeMillis` can carry. */
export const millisMax = 64 ** millisWidth - 1;

/** The filter that keeps a search within some shards of an index; at least one must be given. */
export function bucketFilter(shards: readonly ShardId[], shardCount: number): string {
  if (shards.length === 0) throw new RangeError('a bucket filter needs at least one shard');
  const ordered = [...new Set(shards)].sort((a, b) => a - b);
  const codes = ordered.flatMap((shard) => {
    const { from, to } = bucketsOfShard(shard, shardCount);
    return Array.from({ length: to - from }, (_, index) => `"${encodeBucket(from + index)}"`);
  });
  return `${hiddenField.bucket} IN [${codes.join(',')}]`;
}

/** The filter for the slots `[from, to)`, by which copies read an index in bounded pieces. */
export function slotRangeFilter(from: number, to: number): string {
  const { slot } = hiddenField;
  return `${slot} >= "${encodeSlot(from)}" AND ${slot} < "${encodeSlot(to)}"`;
}
