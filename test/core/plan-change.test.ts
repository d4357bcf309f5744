/**
 * Goal: the plan of any change makes the copies that the change asks for, few of them, and nothing else;
 * what cannot be done is refused with a reason.
 * Method: random fleets; a plan is carried out on the table and planned again.
 */
import * as fc from 'fast-check';
import { changedFleet } from '../../core/changed-fleet';
import type { Fleet, FleetNode, IndexEntry } from '../../core/fleet';
import { epoch, groupId, indexUid, nodeId, physicalUid } from '../../core/ids';
import type { NodeId } from '../../core/ids';
import { place } from '../../core/placement';
import type { NodeToAdd, PlacementChange } from '../../core/placement-change';
import { planChange, undoOf } from '../../core/plan-change';
import type { ChangeMoves, SpreadChange } from '../../core/plan-change';
import { applyChanges } from '../../core/replicas';
import { reshardPlacement } from '../../core/reshard';
import { fleetNode, indexEntry } from './support/placements';

const uid = physicalUid('p1');
const index = indexUid('products');
const g0 = groupId(0);
const named = (count: number, group = 0): FleetNode[] =>
  Array.from({ length: count }, (_, at) =>
    fleetNode(`g${String(group)}n${String(at)}`, { group: groupId(group) }),
  );

function fleetOf(nodes: readonly FleetNode[], shardCount: number, replicationFactor = 1): Fleet {
  const groups = [...new Set(nodes.map(({ group }) => group))];
  const { placement } = place({
    ...{ nodes, groups, shardCount, replicationFactor, present: null, seed: uid },
  });
  const entry = indexEntry(placement, shardCount, replicationFactor);
  return { epoch: epoch(1), nodes, indexes: [entry], aliases: [] };
}

function planned(fleet: Fleet, change: SpreadChange): ChangeMoves {
  const plan = planChange(fleet, change);
  if (!plan.ok) throw new Error(plan.reason);
  return plan.moves;
}

/** The fleet after all copies are made and the unwanted ones are gone. */
function carriedOut(fleet: Fleet, change: SpreadChange): Fleet {
  const { fleet: changed, indexes } = planned(fleet, change);
  const after = changed.indexes.map((entry) => {
    const mine = indexes.find((one) => one.entry.physicalUid === entry.physicalUid);
    return mine === undefined ? entry : moved(entry, mine);
  });
  return { ...changed, indexes: after };
}

function moved(entry: IndexEntry, { moves, removals }: ChangeMoves['indexes'][number]): IndexEntry {
  let now = entry;
  const set = (
    group: number,
    shard: number,
    change: (row: { node: NodeId }[]) => { node: NodeId }[],
  ): void => {
    const row = now.placement.find((placed) => placed.group === group)?.shards[shard] ?? [];
    const replicas = change([...row]).map(({ node }) => ({ node, state: 'in-sync' as const }));
    if (!now.placement.some((placed) => placed.group === group)) {
      const shards = Array.from({ length: now.shardCount }, () => []);
      now = { ...now, placement: [...now.placement, { group: groupId(group), shards }] };
    }
    now = applyChanges(now, [{ group: groupId(group), shard: shard as never, replicas }]);
  };
  for (const { group, shard, source, target, kind } of moves) {
    set(group, shard, (row) => [
      ...row.filter(({ node }) => node !== target && (kind === 'copy' || node !== source)),
      { node: target },
    ]);
  }
  for (const { group, shard, node } of removals) {
    set(group, shard, (row) => row.filter((replica) => replica.node !== node));
  }
  return now;
}

const entryOf = (fleet: Fleet): IndexEntry => fleet.indexes[0] as IndexEntry;
const held = (fleet: Fleet, node: string): number =>
  entryOf(fleet)
    .placement.flatMap(({ shards }) => shards.flat())
    .filter((replica) => replica.node === node).length;
const newNode = (id: string, group = 0): NodeToAdd => ({
  ...{ id: nodeId(id), url: `http://${id}:7700`, group: groupId(group), zone: null, weight: 1 },
});

describe('planChange', () => {
  const sizes = fc.record({
    nodes: fc.integer({ min: 2, max: 5 }),
    shardCount: fc.constantFrom(8, 16, 32),
    replicationFactor: fc.integer({ min: 1, max: 2 }),
  });

  it('plans nothing more when it was carried out', () => {
    fc.assert(
      fc.property(sizes, fc.nat(5), ({ nodes, shardCount, replicationFactor }, which) => {
        const fleet = fleetOf(named(nodes), shardCount, replicationFactor);
        const first = fleet.nodes[0]?.id ?? nodeId('none');
        const factor = { index, physicalUid: uid, replicationFactor: 3 - replicationFactor };
        const changes: SpreadChange[] = [
          { kind: 'add-node', node: newNode('new') },
          { kind: 'set-node', node: first, weight: 3, zone: null },
          { kind: 'drain-node', node: first, lost: false },
          { kind: 'set-replication', factors: [factor] },
          { kind: 'add-group', group: groupId(1), nodes: [newNode('x', 1), newNode('y', 1)] },
          { kind: 'reshard', index, physicalUid: uid, shardCount: shardCount * 2 },
        ];
        const change = changes[which] as SpreadChange;
        const after = carriedOut(fleet, change);
        const again = planned(after, { kind: 'rebalance', group: null });
        expect(again.indexes.flatMap(({ moves }) => moves)).toEqual([]);
        expect(again.indexes.flatMap(({ removals }) => removals)).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it('gives a heavier node its share, all of it from the others', () => {
    const fleet = fleetOf(named(3), 64);
    const change = { kind: 'set-node', node: nodeId('g0n0'), weight: 2, zone: null } as const;
    const { indexes } = planned(fleet, change);
    const moves = indexes.flatMap((one) => one.moves);
    expect(moves.every(({ target, kind }) => target === 'g0n0' && kind === 'move')).toBe(true);
    expect(held(carriedOut(fleet, change), 'g0n0')).toBe(32);
    expect(moves.length).toBe(32 - held(fleet, 'g0n0'));
  });

  it('hands each copy of a replaced node to its successor, and moves nothing else', () => {
    const fleet = fleetOf(named(3), 16, 2);
    const change = { kind: 'replace-node', old: nodeId('g0n1'), node: newNode('next') } as const;
    const { indexes } = planned(fleet, { ...change, lost: false });
    const moves = indexes.flatMap((one) => one.moves);
    expect(moves.length).toBe(held(fleet, 'g0n1'));
    expect(moves.every((m) => m.source === 'g0n1' && m.target === 'next')).toBe(true);
    expect(indexes.flatMap(({ removals }) => removals)).toEqual([]);
    const lost = planned(fleet, { ...change, lost: true }).indexes.flatMap((one) => one.moves);
    expect(lost.length).toBe(moves.length);
    expect(lost.every((m) => m.source !== 'g0n1' && m.kind === 'copy')).toBe(true);
  });

  it('copies each shard once to where it stays in a new group', () => {
    const fleet = fleetOf(named(2), 16);
    const nodes = [newNode('x', 1), newNode('y', 1)];
    const moves = planned(fleet, { kind: 'add-group', group: groupId(1), nodes }).indexes.flatMap(
      (one) => one.moves,
    );
    expect(moves.length).toBe(16);
    expect(moves.every(({ kind, group }) => kind === 'copy' && group === 1)).toBe(true);
    expect(moves.filter(({ target }) => target === 'x').length).toBe(8);
  });

  it('drops every copy of a group that goes, and only those', () => {
    const fleet = fleetOf([...named(2), ...named(2, 1)], 8);
    const [mine] = planned(fleet, { kind: 'remove-group', group: groupId(1), lost: false }).indexes;
    expect(mine?.moves).toEqual([]);
    expect(mine?.removals.length).toBe(8);
    expect(mine?.removals.every(({ group }) => group === 1)).toBe(true);
  });

  it('brings the pieces of each shard together with the fewest moves, evenly spread', () => {
    fc.assert(
      fc.property(sizes, ({ nodes, shardCount, replicationFactor }) => {
        const fleet = fleetOf(named(nodes), shardCount, replicationFactor);
        const half = shardCount / 2;
        const change = { kind: 'reshard', index, physicalUid: uid, shardCount: half } as const;
        const gathered = entryOf(carriedOut(fleet, change));
        const joined = reshardPlacement(gathered, half);
        if (!joined.ok) throw new Error(joined.reason);
        const counts = fleet.nodes.map(
          ({ id }) =>
            joined.placement[0]?.shards.flat().filter((replica) => replica.node === id).length ?? 0,
        );
        const share = (half * Math.min(replicationFactor, nodes)) / nodes;
        expect(Math.max(...counts)).toBeLessThanOrEqual(Math.ceil(share));
        const moves = planned(fleet, change).indexes.flatMap((one) => one.moves);
        // Of each pair of pieces at most one has to move for each copy, and balance takes a few more.
        expect(moves.length).toBeLessThanOrEqual(half * replicationFactor + nodes);
      }),
      { numRuns: 40 },
    );
  });

  it('cuts shards without a move where the spread is as even as before', () => {
    const fleet = fleetOf(named(4), 16);
    const change = { kind: 'reshard', index, physicalUid: uid, shardCount: 64 } as const;
    const { indexes, groups } = planned(fleet, change);
    expect(groups).toEqual([g0]);
    expect(indexes[0]?.moves).toEqual([]);
    expect(indexes[0]?.entry.shardCount).toBe(64);
  });
});

describe('changedFleet', () => {
  const fleet = fleetOf([...named(2), ...named(1, 1)], 8);
  const reasons: readonly (readonly [PlacementChange, RegExp])[] = [
    [{ kind: 'set-node', node: nodeId('no'), weight: 1, zone: null }, /no node no/],
    [{ kind: 'rebalance', group: groupId(7) }, /no group 7/],
    [{ kind: 'add-group', group: groupId(0), nodes: [newNode('x')] }, /group 0 already/],
    [{ kind: 'add-group', group: groupId(3), nodes: [] }, /at least one node/],
    [{ kind: 'add-node', node: newNode('g0n0', 1) }, /g0n0 is in group 0 already/],
    [
      { kind: 'add-group', group: groupId(3), nodes: [newNode('x', 3), newNode('x', 3)] },
      /the same id/,
    ],
    [{ kind: 'remove-group', group: groupId(7), lost: false }, /no group 7/],
    [
      { kind: 'replace-node', old: nodeId('g0n0'), node: newNode('x', 1), lost: false },
      /is of group 0/,
    ],
    [
      { kind: 'replace-node', old: nodeId('g0n0'), node: newNode('g0n0'), lost: false },
      /cannot replace itself/,
    ],
    [{ kind: 'reshard', index, physicalUid: uid, shardCount: 12 }, /power of two/],
    [{ kind: 'reshard', index, physicalUid: physicalUid('gone'), shardCount: 8 }, /was deleted/],
  ];

  it.each(reasons)('refuses %j', (change, reason) => {
    expect(changedFleet(fleet, change)).toEqual({
      ok: false,
      reason: expect.stringMatching(reason) as string,
    });
  });

  it('refuses to take the only group, or the last in-sync copy of a shard, away', () => {
    const one = fleetOf(named(2), 8);
    const remove = { kind: 'remove-group', group: g0, lost: false } as const;
    expect(changedFleet(one, remove)).toMatchObject({ reason: 'Group 0 is the only one.' });
    const entry = entryOf(fleet);
    const stale = applyChanges(entry, [
      {
        ...{ group: groupId(1), shard: 3 as never },
        replicas: [{ node: nodeId('g1n0'), state: 'stale' }],
      },
    ]);
    expect(changedFleet({ ...fleet, indexes: [stale] }, remove)).toMatchObject({
      reason: expect.stringMatching(/last in-sync copy of shard 3 of products/) as string,
    });
  });
});

describe('undoOf', () => {
  it('names the change that leads back', () => {
    const fleet = fleetOf([...named(2), ...named(1, 1)], 8);
    const back = (change: PlacementChange): PlacementChange | null => undoOf(fleet, change);
    expect(back({ kind: 'set-node', node: nodeId('g0n0'), weight: 4, zone: 'b' })).toEqual({
      ...{ kind: 'set-node', node: 'g0n0', weight: 1, zone: null },
    });
    expect(back({ kind: 'reshard', index, physicalUid: uid, shardCount: 64 })).toMatchObject({
      shardCount: 8,
    });
    expect(back({ kind: 'remove-group', group: groupId(1), lost: false })).toEqual({
      ...{ kind: 'add-group', group: 1, nodes: [newNode('g1n0', 1)] },
    });
    expect(back({ kind: 'rebalance', group: null })).toBeNull();
  });
});
