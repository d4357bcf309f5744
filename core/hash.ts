import type { ShardId } from './ids';
import { bucketCount, slotsPerBucket } from './limits';

/**
 * xxHash64 with seed 0, and the way from a document's id to its shard.
 *
 * JavaScript has no 64-bit integers but BigInt, which allocates on each step. Every 64-bit number
 * is therefore two 32-bit halves, and a product is made of `Math.imul` for the low half and of
 * 16-bit limbs for the carry into the high half. The result of the last operation stands in the
 * module variables `high` and `low`: no function here calls out while they are in use.
 */

/** The two unsigned 32-bit halves of a 64-bit hash. */
export interface Hash64 {
  readonly high: number;
  readonly low: number;
}

// The five primes of the xxHash specification, high half first.
const prime1High = 0x9e3779b1 | 0;
const prime1Low = 0x85ebca87 | 0;
const prime2High = 0xc2b2ae3d | 0;
const prime2Low = 0x27d4eb4f | 0;
const prime3High = 0x165667b1 | 0;
const prime3Low = 0x9e3779f9 | 0;
const prime4High = 0x85ebca77 | 0;
const prime4Low = 0xc2b2ae63 | 0;
const prime5High = 0x27d4eb2f | 0;
const prime5Low = 0x165667c5 | 0;

let high = 0;
let low = 0;

/** The high 32 bits of the product of two unsigned 32-bit numbers. */
function highProduct(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const middle = a1 * b0 + ((a0 * b0) >>> 16);
  const cross = a0 * b1 + (middle & 0xffff);
  return (a1 * b1 + (middle >>> 16) + (cross >>> 16)) | 0;
}

function multiply(byHigh: number, byLow: number): void {
  const carried = highProduct(low, byLow);
  high = (carried + Math.imul(high, byLow) + Math.imul(low, byHigh)) | 0;
  low = Math.imul(low, byLow);
}

function add(otherHigh: number, otherLow: number): void {
  const sum = (low + otherLow) | 0;
  const carry = sum >>> 0 < low >>> 0 ? 1 : 0;
  high = (high + otherHigh + carry) | 0;
  low = sum;
}

/** Rotates left by 1 … 31 bits. */
function rotate(bits: number): void {
  const oldHigh = high;
  high = (oldHigh << bits) | (low >>> (32 - bits));
  low = (low << bits) | (oldHigh >>> (32 - bits));
}

function readWord(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** One round of an accumulator, which is read from and written to `high` and `low`. */
function round(laneHigh: number, laneLow: number): void {
  const accumulatorHigh = high;
  const accumulatorLow = low;
  high = laneHigh;
  low = laneLow;
  multiply(prime2High, prime2Low);
  add(accumulatorHigh, accumulatorLow);
  rotate(31);
  multiply(prime1High, prime1Low);
}

/** The four accumulators of the long form, as [high, low] pairs; reused, because it never nests. */
const lanes = new Int32Array(8);

function startLanes(): void {
  high = prime1High;
  low = prime1Low;
  add(prime2High, prime2Low);
  lanes[0] = high;
  lanes[1] = low;
  lanes[2] = prime2High;
  lanes[3] = prime2Low;
  lanes[4] = 0;
  lanes[5] = 0;
  // Minus prime 1, in two's complement.
  lanes[6] = ~prime1High;
  lanes[7] = -prime1Low | 0;
}

function consumeStripe(bytes: Uint8Array, at: number): void {
  for (let lane = 0; lane < 4; lane += 1) {
    const from = at + lane * 8;
    high = lanes[lane * 2] as number;
    low = lanes[lane * 2 + 1] as number;
    round(readWord(bytes, from + 4), readWord(bytes, from));
    lanes[lane * 2] = high;
    lanes[lane * 2 + 1] = low;
  }
}

const laneRotations = [1, 7, 12, 18] as const;

/** Folds the four accumulators into `high` and `low`. */
function mergeLanes(): void {
  let sumHigh = 0;
  let sumLow = 0;
  for (let lane = 0; lane < 4; lane += 1) {
    high = lanes[lane * 2] as number;
    low = lanes[lane * 2 + 1] as number;
    rotate(laneRotations[lane] as number);
    add(sumHigh, sumLow);
    sumHigh = high;
    sumLow = low;
  }
  for (let lane = 0; lane < 4; lane += 1) {
    high = 0;
    low = 0;
    round(lanes[lane * 2] as number, lanes[lane * 2 + 1] as number);
    high ^= sumHigh;
    low ^= sumLow;
    multiply(prime1High, prime1Low);
    add(prime4High, prime4Low);
    sumHigh = high;
    sumLow = low;
  }
}

/** Mixes the last 0 … 31 bytes, eight, four and one at a time. */
function consumeTail(bytes: Uint8Array, from: number, end: number): void {
  let at = from;
  for (; at + 8 <= end; at += 8) {
    const keptHigh = high;
    const keptLow = low;
    high = 0;
    low = 0;
    round(readWord(bytes, at + 4), readWord(bytes, at));
    high ^= keptHigh;
    low ^= keptLow;
    rotate(27);
    multiply(prime1High, prime1Low);
    add(prime4High, prime4Low);
  }
  if (at + 4 <= end) {
    const keptHigh = high;
    const keptLow = low;
    high = 0;
    low = readWord(bytes, at);
    multiply(prime1High, prime1Low);
    high ^= keptHigh;
    low ^= keptLow;
    rotate(23);
    multiply(prime2High, prime2Low);
    add(prime3High, prime3Low);
    at += 4;
  }
  for (; at < end; at += 1) {
    const keptHigh = high;
    const keptLow = low;
    high = 0;
    low = bytes[at] as number;
    multiply(prime5High, prime5Low);
    high ^= keptHigh;
    low ^= keptLow;
    rotate(11);
    multiply(prime1High, prime1Low);
  }
}

function avalanche(): void {
  // Shift by 33: the low half of the result is the high half shifted by one, the high half is 0.
  low ^= high >>> 1;
  multiply(prime2High, prime2Low);
  low ^= (low >>> 29) | (high << 3);
  high ^= high >>> 29;
  multiply(prime3High, prime3Low);
  low ^= high;
}

/** Leaves the hash of `bytes[start, end)` in `high` and `low`. */
function hashRange(bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  if (end - start >= 32) {
    startLanes();
    for (; at + 32 <= end; at += 32) consumeStripe(bytes, at);
    mergeLanes();
  } else {
    high = prime5High;
    low = prime5Low;
  }
  add(0, (end - start) | 0);
  consumeTail(bytes, at, end);
  avalanche();
}

/** xxHash64, seed 0, of `bytes[start, end)`; the whole array when no range is given. */
export function xxh64(bytes: Uint8Array, start = 0, end = bytes.length): Hash64 {
  hashRange(bytes, start, end);
  return { high: high >>> 0, low: low >>> 0 };
}

const encoder = new TextEncoder();
/** Ids are at most 511 ASCII bytes, so that nearly every string fits and is copied byte by byte. */
const scratch = new Uint8Array(512);

function hashText(text: string): void {
  const length = text.length;
  if (length <= scratch.length) {
    let at = 0;
    for (; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 0x7f) break;
      scratch[at] = code;
    }
    if (at === length) {
      hashRange(scratch, 0, length);
      return;
    }
  }
  const bytes = encoder.encode(text);
  hashRange(bytes, 0, bytes.length);
}

/** xxHash64, seed 0, of the UTF-8 bytes of a text. */
export function xxh64Text(text: string): Hash64 {
  hashText(text);
  return { high: high >>> 0, low: low >>> 0 };
}

/**
 * The slot, 0 … 16,383, of a document: the top 14 bits of the hash of its normalised id. The
 * integer id `1` and the string id `"1"` name one document, so `id` is always the string form.
 */
export function slotOfId(id: string): number {
  hashText(id);
  return high >>> 18;
}

/** 64 neighbouring slots make one bucket, 0 … 255. */
export function bucketOfSlot(slot: number): number {
  return Math.floor(slot / slotsPerBucket);
}

/** True for the shard counts an index may have: powers of two, at most one shard a bucket. */
export function isShardCount(count: number): boolean {
  return Number.isInteger(count) && count >= 1 && count <= bucketCount && bucketCount % count === 0;
}

/** Shards are equal, contiguous runs of buckets, so a reshard only regroups buckets. */
export function shardOfBucket(bucket: number, shardCount: number): ShardId {
  return Math.floor((bucket * shardCount) / bucketCount) as ShardId;
}

export function shardOfId(id: string, shardCount: number): ShardId {
  return shardOfBucket(bucketOfSlot(slotOfId(id)), shardCount);
}

/** The buckets `[from, to)` of one shard. */
export function bucketsOfShard(shard: ShardId, shardCount: number): { from: number; to: number } {
  const size = bucketCount / shardCount;
  return { from: shard * size, to: (shard + 1) * size };
}

/** The slots `[from, to)` of one shard. */
export function slotsOfShard(shard: ShardId, shardCount: number): { from: number; to: number } {
  const { from, to } = bucketsOfShard(shard, shardCount);
  return { from: from * slotsPerBucket, to: to * slotsPerBucket };
}
