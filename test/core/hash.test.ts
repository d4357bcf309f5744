/**
 * Goal: ids go to the same shard on every machine and forever. Method: the published vectors of
 * xxHash64, a reference in BigInt written from the specification, and a golden file of 200 ids.
 */
import * as fc from 'fast-check';
import {
  bucketOfSlot,
  bucketsOfShard,
  isShardCount,
  shardOfBucket,
  shardOfId,
  slotOfId,
  slotsOfShard,
  xxh64,
  xxh64Text,
} from '../../core/hash';
import { shardId } from '../../core/ids';
import { bucketCount, slotCount } from '../../core/limits';

const mask = (1n << 64n) - 1n;
const primes = [
  0x9e3779b185ebca87n,
  0xc2b2ae3d27d4eb4fn,
  0x165667b19e3779f9n,
  0x85ebca77c2b2ae63n,
  0x27d4eb2f165667c5n,
] as const;
const [p1, p2, p3, p4, p5] = primes;

const rotate = (value: bigint, bits: bigint): bigint =>
  ((value << bits) | (value >> (64n - bits))) & mask;

function little(bytes: Uint8Array, at: number, count: number): bigint {
  let value = 0n;
  for (let index = count - 1; index >= 0; index -= 1) {
    value = (value << 8n) | BigInt(bytes[at + index] ?? 0);
  }
  return value;
}

const round = (acc: bigint, lane: bigint): bigint =>
  (rotate((acc + lane * p2) & mask, 31n) * p1) & mask;

/** xxHash64 with seed 0, as the specification words it. */
function reference(bytes: Uint8Array): bigint {
  let at = 0;
  let hash: bigint = p5;
  if (bytes.length >= 32) {
    const acc = [(p1 + p2) & mask, p2, 0n, (1n << 64n) - p1];
    for (; at + 32 <= bytes.length; at += 32) {
      for (let lane = 0; lane < 4; lane += 1) {
        acc[lane] = round(acc[lane] ?? 0n, little(bytes, at + lane * 8, 8));
      }
    }
    const shifts = [1n, 7n, 12n, 18n];
    hash = acc.reduce((sum, value, lane) => (sum + rotate(value, shifts[lane] ?? 0n)) & mask, 0n);
    for (const value of acc) hash = ((hash ^ round(0n, value)) * p1 + p4) & mask;
  }
  hash = (hash + BigInt(bytes.length)) & mask;
  for (; at + 8 <= bytes.length; at += 8) {
    hash = (rotate(hash ^ round(0n, little(bytes, at, 8)), 27n) * p1 + p4) & mask;
  }
  if (at + 4 <= bytes.length) {
    hash = (rotate(hash ^ ((little(bytes, at, 4) * p1) & mask), 23n) * p2 + p3) & mask;
    at += 4;
  }
  for (; at < bytes.length; at += 1) {
    hash = (rotate(hash ^ ((BigInt(bytes[at] ?? 0) * p5) & mask), 11n) * p1) & mask;
  }
  hash = ((hash ^ (hash >> 33n)) * p2) & mask;
  hash = ((hash ^ (hash >> 29n)) * p3) & mask;
  return hash ^ (hash >> 32n);
}

const join = ({ high, low }: { high: number; low: number }): bigint =>
  (BigInt(high) << 32n) | BigInt(low);

describe('xxh64', () => {
  it.each([
    ['', 0xef46db3751d8e999n],
    ['a', 0xd24ec4f1a98c6e5bn],
    ['abc', 0x44bc2cf5ad770999n],
    ['message digest', 0x066ed728fceeb3ben],
    ['abcdefghijklmnopqrstuvwxyz', 0xcfe1f278fa89835cn],
    ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', 0xaaa46907d3047814n],
    [
      '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
      0xe04a477f19ee145dn,
    ],
  ])('gives the published hash of %j', (text, expected) => {
    expect(join(xxh64Text(text))).toBe(expected);
    expect(join(xxh64(new TextEncoder().encode(text)))).toBe(expected);
  });

  it('equals the BigInt reference on any bytes, also inside a larger array', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), (bytes, offset) => {
        const inside = new Uint8Array(bytes.length + offset + 3);
        inside.set(bytes, offset);
        expect(join(xxh64(bytes))).toBe(reference(bytes));
        expect(join(xxh64(inside, offset, offset + bytes.length))).toBe(reference(bytes));
      }),
      { numRuns: 2_000 },
    );
  });

  it('hashes the UTF-8 bytes of a text, whatever its length and script', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 700 }), (text) => {
        expect(join(xxh64Text(text))).toBe(reference(new TextEncoder().encode(text)));
      }),
      { numRuns: 500 },
    );
  });
});

describe('slots, buckets and shards', () => {
  it('takes the top 14 bits of the hash for the slot', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,511}$/), (id) => {
        const expected = Number(reference(new TextEncoder().encode(id)) >> 50n);
        expect(slotOfId(id)).toBe(expected);
        expect(expected).toBeLessThan(slotCount);
      }),
    );
  });

  it('gives every bucket to exactly one shard, in contiguous equal runs', () => {
    for (const shards of [1, 2, 4, 8, 16, 32, 64, 128, 256]) {
      const seen: number[] = [];
      for (let shard = 0; shard < shards; shard += 1) {
        const { from, to } = bucketsOfShard(shardId(shard), shards);
        for (let bucket = from; bucket < to; bucket += 1) {
          seen.push(bucket);
          expect(shardOfBucket(bucket, shards)).toBe(shard);
        }
        expect(slotsOfShard(shardId(shard), shards)).toEqual({ from: from * 64, to: to * 64 });
      }
      expect(seen).toEqual(Array.from({ length: bucketCount }, (_, bucket) => bucket));
    }
  });

  it('splits each shard in two when the count doubles, so a reshard only regroups', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-z0-9]{1,20}$/),
        fc.integer({ min: 0, max: 7 }),
        (id, n) => {
          expect(Math.floor(shardOfId(id, 2 ** (n + 1)) / 2)).toBe(shardOfId(id, 2 ** n));
        },
      ),
    );
  });

  it('allows powers of two up to the number of buckets as shard counts', () => {
    const allowed = Array.from({ length: 600 }, (_, n) => n - 10).filter(isShardCount);
    expect(allowed).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256]);
    expect(isShardCount(2.5)).toBe(false);
  });

  it('spreads sequential ids evenly enough over 64 shards', () => {
    const counts = new Array<number>(64).fill(0);
    for (let id = 0; id < 64_000; id += 1) {
      const shard = shardOfBucket(bucketOfSlot(slotOfId(String(id))), 64);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    // A thousand each on average; six standard deviations are 190.
    expect(Math.min(...counts)).toBeGreaterThan(810);
    expect(Math.max(...counts)).toBeLessThan(1_190);
  });
});
