/**
 * Goal: hidden values sort as their numbers do and never change their code. Method: properties on
 * random numbers, and a golden file with the codes of 200 ids.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { bucketOfSlot, shardOfId, slotOfId } from '../../core/hash';
import {
  bucketFilter,
  decodeBucket,
  decodeMillis,
  decodeSeq,
  decodeSlot,
  encodeBucket,
  encodeMillis,
  encodeSeq,
  encodeSlot,
  slotRangeFilter,
  symbols,
} from '../../core/hidden-fields';
import { shardId } from '../../core/ids';

const codes = [
  { name: 'bucket', encode: encodeBucket, decode: decodeBucket, width: 2 },
  { name: 'slot', encode: encodeSlot, decode: decodeSlot, width: 3 },
  { name: 'seq', encode: encodeSeq, decode: decodeSeq, width: 6 },
  { name: 'millis', encode: encodeMillis, decode: decodeMillis, width: 8 },
] as const;

const utf8 = (text: string): Buffer => Buffer.from(text, 'utf8');

describe('the alphabet', () => {
  it('is 64 ascending symbols of three bytes, U+2295–U+22AB then U+22B0–U+22D8', () => {
    const points = symbols.map((symbol) => symbol.codePointAt(0) ?? 0);
    expect(points).toHaveLength(64);
    expect([points[0], points[22], points[23], points[63]]).toEqual([
      0x2295, 0x22ab, 0x22b0, 0x22d8,
    ]);
    expect(points).toEqual([...points].sort((a, b) => a - b));
    expect(new Set(points).size).toBe(64);
    expect(symbols.every((symbol) => utf8(symbol).length === 3)).toBe(true);
  });

  it('is left alone by Unicode normalisation and by case folding', () => {
    const all = symbols.join('');
    expect(all.normalize('NFKD').toLowerCase()).toBe(all);
  });
});

describe.each(codes)('the code of a $name', ({ encode, decode, width }) => {
  const number = fc.oneof(
    fc.integer({ min: 0, max: 5_000 }).map((value) => Math.min(value, 64 ** width - 1)),
    fc.maxSafeInteger().map((value) => Math.abs(value) % 64 ** width),
  );

  it('comes back as it was, in its fixed width', () => {
    fc.assert(
      fc.property(number, (value) => {
        expect(decode(encode(value))).toBe(value);
        expect([...encode(value)]).toHaveLength(width);
      }),
    );
  });

  it('sorts by bytes as the numbers sort', () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        expect(Math.sign(Buffer.compare(utf8(encode(a)), utf8(encode(b))))).toBe(Math.sign(a - b));
      }),
    );
  });

  it('refuses what it cannot carry', () => {
    for (const value of [-1, 0.5, Number.NaN, 64 ** width]) {
      expect(() => encode(value)).toThrow(RangeError);
    }
    for (const text of ['', encode(0).slice(1), `${encode(0)}⊕`, 'a'.repeat(width)]) {
      expect(() => decode(text)).toThrow(RangeError);
    }
  });
});

describe('filters', () => {
  it('name the buckets of the asked shards, once each and in order', () => {
    expect(bucketFilter([shardId(1), shardId(0), shardId(1)], 128)).toBe(
      '_miroir_bucket IN ["⊕⊕","⊕⊖","⊕⊗","⊕⊘"]',
    );
    expect(() => bucketFilter([], 64)).toThrow(RangeError);
  });

  it('cover all slots with ranges that touch', () => {
    expect(slotRangeFilter(0, 64)).toBe('_miroir_slot >= "⊕⊕⊕" AND _miroir_slot < "⊕⊖⊕"');
    expect(() => slotRangeFilter(16_320, 16_384)).not.toThrow();
  });
});

interface GoldenLine {
  readonly id: string;
  readonly slot: number;
  readonly bucket: number;
  readonly shard8: number;
  readonly shard64: number;
  readonly slotCode: string;
  readonly bucketCode: string;
}

it('keeps slots, buckets, shards and codes of 200 ids as they were first written', () => {
  const file = readFileSync(join(__dirname, 'golden', 'ids.ndjson'), 'utf8');
  const lines = file.trimEnd().split('\n');
  expect(lines).toHaveLength(200);
  for (const line of lines) {
    const golden = JSON.parse(line) as GoldenLine;
    const slot = slotOfId(golden.id);
    const bucket = bucketOfSlot(slot);
    expect({
      id: golden.id,
      slot,
      bucket,
      shard8: shardOfId(golden.id, 8),
      shard64: shardOfId(golden.id, 64),
      slotCode: encodeSlot(slot),
      bucketCode: encodeBucket(bucket),
    }).toEqual(golden);
  }
});
