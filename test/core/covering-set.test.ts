/**
 * Goal: P4, each document is seen exactly once. Method: random tables in the middle of anything,
 * random nodes that are down, and a model of what each node would answer to its part.
 */
import * as fc from 'fast-check';
import { coveringSet, holders, rendezvousOrder, writers } from '../../core/covering-set';
import type { IndexEntry } from '../../core/fleet';
import { groupId, nodeId, shardId } from '../../core/ids';
import type { NodeId } from '../../core/ids';
import { anyEntry, indexEntry } from './support/placements';

const inOrder = (candidates: readonly NodeId[]): readonly NodeId[] => candidates;
const always = (): boolean => true;

const nodesOf = (entry: IndexEntry): NodeId[] => [...holders(entry).keys()];

describe('coveringSet', () => {
  it('P4: asks for every wanted shard exactly once or names it missing, and filters what else a node holds', () => {
    const query = anyEntry.chain((entry) =>
      fc.record({
        entry: fc.constant(entry),
        down: fc.subarray(nodesOf(entry)),
        shards: fc.option(
          fc.subarray(Array.from({ length: entry.shardCount }, (_, s) => shardId(s))),
        ),
        group: fc.option(fc.integer({ min: 0, max: 2 }).map(groupId)),
        seed: fc.string(),
      }),
    );
    fc.assert(
      fc.property(query, ({ entry, down, shards, group, seed }) => {
        const usable = (node: NodeId): boolean => !down.includes(node);
        const set = coveringSet({
          entry,
          prefer: (candidates, shard) => rendezvousOrder(`${seed}${String(shard)}`, candidates),
          usable,
          ...(shards === null ? {} : { shards }),
          ...(group === null ? {} : { group }),
        });
        const wanted = shards ?? Array.from({ length: entry.shardCount }, (_, s) => shardId(s));
        const seen = [...set.asks.flatMap((ask) => ask.shards), ...set.missing];
        expect(seen.sort((a, b) => a - b)).toEqual([...wanted].sort((a, b) => a - b));
        for (const { node, shards: asked, filtered } of set.asks) {
          expect(usable(node)).toBe(true);
          const held = holders(entry).get(node) ?? [];
          // A node that is asked without a filter answers for all it holds, in any state.
          const answered = filtered ? asked : held;
          expect(answered).toEqual(asked);
          // A filter costs time, so it is used where it is needed only.
          expect(filtered).toBe(held.length > asked.length);
          for (const shard of asked) {
            const readable = entry.placement.some(({ shards: table }) =>
              (table[shard] ?? []).some((r) => r.node === node && r.state === 'in-sync'),
            );
            expect(readable).toBe(true);
          }
        }
        for (const shard of set.missing) {
          const anywhere = entry.placement.flatMap(({ shards: table }) => table[shard] ?? []);
          expect(anywhere.some((r) => r.state === 'in-sync' && usable(r.node))).toBe(false);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  const twoGroups = indexEntry(
    [
      {
        group: groupId(0),
        shards: [
          [{ node: nodeId('a'), state: 'in-sync' }],
          [{ node: nodeId('a'), state: 'stale' }],
        ],
      },
      {
        group: groupId(1),
        shards: [
          [{ node: nodeId('b'), state: 'in-sync' }],
          [{ node: nodeId('b'), state: 'in-sync' }],
        ],
      },
    ],
    2,
  );

  it('falls back to another group for what the chosen one cannot read', () => {
    const set = coveringSet({
      entry: twoGroups,
      group: groupId(0),
      prefer: inOrder,
      usable: always,
    });
    expect(set).toEqual({
      group: 0,
      asks: [
        { node: 'a', shards: [0], filtered: true },
        { node: 'b', shards: [1], filtered: true },
      ],
      missing: [],
    });
  });

  it('takes the group that covers most where none is named', () => {
    const set = coveringSet({ entry: twoGroups, prefer: inOrder, usable: always });
    expect(set).toEqual({
      group: 1,
      asks: [{ node: 'b', shards: [0, 1], filtered: false }],
      missing: [],
    });
  });

  it('reads a shard even where the preference names none of its nodes', () => {
    const set = coveringSet({ entry: twoGroups, prefer: () => [nodeId('z')], usable: always });
    expect(set.missing).toEqual([]);
  });

  it('says that all is missing in an index without groups', () => {
    const entry = indexEntry([], 2);
    const set = coveringSet({ entry, prefer: inOrder, usable: always });
    expect(set).toEqual({ group: null, asks: [], missing: [0, 1] });
  });
});

describe('writers', () => {
  it('are the in-sync and joined copies of all groups', () => {
    fc.assert(
      fc.property(anyEntry, (entry) => {
        for (let shard = 0; shard < entry.shardCount; shard += 1) {
          const expected = entry.placement
            .flatMap(({ shards }) => shards[shard] ?? [])
            .filter(({ state }) => state === 'in-sync' || state === 'joined')
            .map(({ node }) => node);
          expect(writers(entry, shardId(shard))).toEqual(expected);
        }
      }),
    );
  });
});

describe('rendezvousOrder', () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/).map(nodeId), { maxLength: 9 });

  it('does not depend on the order of the nodes, and a lost node changes no other order', () => {
    fc.assert(
      fc.property(fc.string(), names, (key, nodes) => {
        const order = rendezvousOrder(key, nodes);
        expect(rendezvousOrder(key, [...nodes].reverse())).toEqual(order);
        const [lost, ...rest] = nodes;
        expect(rendezvousOrder(key, rest)).toEqual(order.filter((node) => node !== lost));
      }),
    );
  });

  it('gives each node its part of the keys', () => {
    const nodes = ['a', 'b', 'c', 'd'].map(nodeId);
    const counts = new Map<NodeId, number>();
    for (let key = 0; key < 4_000; key += 1) {
      const home = rendezvousOrder(String(key), nodes)[0] as NodeId;
      counts.set(home, (counts.get(home) ?? 0) + 1);
    }
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(170);
  });
});
