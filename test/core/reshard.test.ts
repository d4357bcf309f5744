/**
 * Goal: another number of shards is another way to write down the same table: every bucket stays on the
 * nodes that have it, in a state that promises no more than before; what cannot be written down so is
 * refused.
 * Method: random tables, cut and joined, looked at bucket by bucket.
 */
import * as fc from 'fast-check';
import type { IndexEntry, Replica } from '../../core/fleet';
import { shardOfBucket } from '../../core/hash';
import { groupId, nodeId } from '../../core/ids';
import { bucketCount } from '../../core/limits';
import { isShardCount, mapShards, reshardPlacement } from '../../core/reshard';
import { anyEntry, indexEntry } from './support/placements';

const counts = fc.constantFrom(1, 2, 4, 8, 16, 32, 64, 128, 256);

/** An index that nothing is moved in. */
const quietEntry: fc.Arbitrary<IndexEntry> = anyEntry.map((entry) => ({
  ...entry,
  placement: entry.placement.map(({ group, shards }) => ({
    group,
    shards: shards.map((row) =>
      row.map(({ node, state }): Replica => ({
        node,
        state: state === 'stale' ? 'stale' : 'in-sync',
      })),
    ),
  })),
}));

const bucketsOn = (entry: IndexEntry): string[] =>
  entry.placement.flatMap(({ group, shards }) =>
    Array.from({ length: bucketCount }, (_, bucket) =>
      (shards[shardOfBucket(bucket, entry.shardCount)] ?? []).map(
        ({ node, state }) => `${String(group)}/${String(bucket)} ${node} ${state}`,
      ),
    ).flat(),
  );

function resharded(entry: IndexEntry, shardCount: number): IndexEntry | string {
  const result = reshardPlacement(entry, shardCount);
  return result.ok ? { ...entry, shardCount, placement: result.placement } : result.reason;
}

describe('reshardPlacement', () => {
  it('keeps every bucket where it is, in its state, when shards are cut', () => {
    fc.assert(
      fc.property(quietEntry, counts, (entry, count) => {
        fc.pre(count >= entry.shardCount);
        const cut = resharded(entry, count) as IndexEntry;
        expect(cut.placement.every(({ shards }) => shards.length === count)).toBe(true);
        expect(bucketsOn(cut).sort()).toEqual(bucketsOn(entry).sort());
      }),
    );
  });

  it('joins what was cut to the table that was before', () => {
    fc.assert(
      fc.property(quietEntry, counts, (entry, count) => {
        fc.pre(count >= entry.shardCount);
        // A shard that nobody can read stays what it is.
        const cut = resharded(entry, count) as IndexEntry;
        expect(resharded(cut, entry.shardCount)).toEqual(entry);
      }),
    );
  });

  it('joins only pieces that are on the same nodes, and stale pieces make a stale copy', () => {
    const row = (...items: string[]): Replica[] =>
      items.map((item) => {
        const [node = '', state = 'in-sync'] = item.split(':');
        return { node: nodeId(node), state: state as Replica['state'] };
      });
    const table = (...rows: Replica[][]): IndexEntry =>
      indexEntry([{ group: groupId(0), shards: rows }], rows.length);
    expect(resharded(table(row('a'), row('b')), 1)).toMatch(/shard 0 .* not on the same nodes/);
    expect(resharded(table(row('a', 'b'), row('a')), 1)).toMatch(/not on the same nodes/);
    expect(resharded(table(row('a', 'b'), row('b:stale', 'a')), 1)).toMatchObject({
      placement: [{ shards: [row('a', 'b:stale')] }],
    });
    expect(resharded(table(row('a', 'b:stale'), row('a:stale', 'b')), 1)).toMatch(
      /no in-sync copy/,
    );
  });

  it('is refused while a copy is on its way, and for what is no number of shards', () => {
    for (const state of ['syncing', 'joined', 'leaving'] as const) {
      const shards = [[{ node: nodeId('a'), state }]];
      expect(resharded(indexEntry([{ group: groupId(0), shards }], 1), 2)).toMatch(
        new RegExp(`shard 0 of group 0 on a is ${state}`),
      );
    }
    const entry = indexEntry([], 4);
    for (const count of [0, 3, -2, 1.5, 512, NaN]) {
      expect(isShardCount(count)).toBe(false);
      expect(resharded(entry, count)).toMatch(/power of two from 1 to 256/);
    }
  });
});

describe('mapShards', () => {
  it('names the shards that share a bucket', () => {
    fc.assert(
      fc.property(counts, counts, fc.nat(), (from, to, any) => {
        const shard = any % from;
        const buckets = Array.from({ length: bucketCount }, (_, bucket) => bucket);
        const own = buckets.filter((bucket) => shardOfBucket(bucket, from) === shard);
        const expected = [...new Set(own.map((bucket) => shardOfBucket(bucket, to)))];
        expect(mapShards([shard], from, to)).toEqual(expected.sort((a, b) => a - b));
      }),
    );
  });
});
