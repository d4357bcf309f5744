/**
 * Goal: tables are fair, safe and stable. Method: random groups of nodes that grow and shrink, and
 * hand-made ones where what is asked cannot be had.
 */
import * as fc from 'fast-check';
import type { FleetNode, GroupPlacement } from '../../core/fleet';
import { groupId } from '../../core/ids';
import type { NodeId } from '../../core/ids';
import { place } from '../../core/placement';
import { planMoves, planRemovals } from '../../core/plan-moves';
import { fleetNode, indexEntry } from './support/placements';

const g0 = groupId(0);

interface Asked {
  readonly shardCount: number;
  readonly replicationFactor: number;
  readonly seed: string;
  readonly present?: readonly GroupPlacement[] | null;
}

const placed = (nodes: readonly FleetNode[], asked: Asked) =>
  place({ nodes, groups: [g0], present: null, ...asked });

function loads(placement: readonly GroupPlacement[]): Map<NodeId, number> {
  const counts = new Map<NodeId, number>();
  for (const { shards } of placement) {
    for (const { node } of shards.flat()) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return counts;
}

/** Replicas of `after` that `before` has not, as [shard, node]. */
function made(before: readonly GroupPlacement[], after: readonly GroupPlacement[]) {
  return after.flatMap(({ shards }, at) =>
    shards.flatMap((replicas, shard) => {
      const had = new Set(before[at]?.shards[shard]?.map(({ node }) => node));
      return replicas
        .filter(({ node }) => !had.has(node))
        .map(({ node }) => [shard, node] as const);
    }),
  );
}

const size = fc.record({
  nodes: fc.integer({ min: 1, max: 9 }),
  shardCount: fc.constantFrom(1, 4, 8, 16, 64),
  replicationFactor: fc.integer({ min: 1, max: 3 }),
  seed: fc.stringMatching(/^[a-z]{1,6}$/),
});
const nodesNamed = (count: number): FleetNode[] =>
  Array.from({ length: count }, (_, n) => fleetNode(`meili-${String(n)}`));

describe('place', () => {
  it('gives every group every shard, each on as many different nodes as asked for', () => {
    const nodes = fc.array(
      fc.record({
        group: fc.integer({ min: 0, max: 2 }).map(groupId),
        zone: fc.constantFrom(null, 'a', 'b', 'c'),
        weight: fc.constantFrom(0.5, 1, 1, 2, 4),
        intent: fc.constantFrom('active' as const, 'active' as const, 'draining' as const),
      }),
      { maxLength: 10 },
    );
    fc.assert(
      fc.property(nodes, size, (drafts, { shardCount, replicationFactor, seed }) => {
        const fleet = drafts.map((draft, n) => fleetNode(`meili-${String(n)}`, draft));
        const groups = [0, 1, 2].map(groupId);
        const input = { nodes: fleet, groups, shardCount, replicationFactor, present: null, seed };
        const { placement } = place(input);
        expect(placement.map(({ group }) => group)).toEqual([0, 1, 2]);
        for (const { group, shards } of placement) {
          const members = fleet.filter((n) => n.group === group && n.intent === 'active');
          const copies = Math.min(replicationFactor, members.length);
          expect(shards).toHaveLength(shardCount);
          for (const replicas of shards) {
            const ids = replicas.map(({ node }) => node);
            expect(new Set(ids).size).toBe(copies);
            expect(members.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
          }
        }
        // The order of the input is nothing, and a table that is right stays as it is.
        const shuffled = { ...input, nodes: [...fleet].reverse(), groups: [2, 0, 1].map(groupId) };
        expect(place(shuffled).placement).toEqual(placement);
        expect(place({ ...input, present: placement })).toEqual(place(input));
      }),
      { numRuns: 100 },
    );
  });

  it('loads no node above its fair share, rounded up', () => {
    fc.assert(
      fc.property(size, ({ nodes, shardCount, replicationFactor, seed }) => {
        const { placement } = placed(nodesNamed(nodes), { shardCount, replicationFactor, seed });
        const share = (shardCount * Math.min(replicationFactor, nodes)) / nodes;
        for (const load of loads(placement).values()) {
          expect(load).toBeLessThanOrEqual(Math.ceil(share));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('P10: adding a node to N moves at most its fair share to it, and nothing between old nodes', () => {
    fc.assert(
      fc.property(size, ({ nodes, shardCount, replicationFactor, seed }) => {
        // Growing from one node: every table on the way is the start of the next.
        const copies = Math.min(replicationFactor, nodes);
        const asked = { shardCount, replicationFactor: copies, seed };
        const before = placed(nodesNamed(nodes), asked).placement;
        const grown = nodesNamed(nodes + 1);
        const after = placed(grown, { ...asked, present: before }).placement;
        const moved = made(before, after);
        expect(moved.length).toBeLessThanOrEqual(Math.ceil((shardCount * copies) / (nodes + 1)));
        expect(moved.filter(([, node]) => node !== grown[nodes]?.id)).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  it('P10: holds at each of many additions in a row', () => {
    for (const replicationFactor of [1, 2, 3]) {
      const asked = { shardCount: 64, replicationFactor, seed: 'grow' };
      let present = placed(nodesNamed(3), asked).placement;
      for (let count = 4; count <= 14; count += 1) {
        const after = placed(nodesNamed(count), { ...asked, present }).placement;
        const moved = made(present, after);
        expect(moved.length).toBeLessThanOrEqual(Math.ceil((64 * replicationFactor) / count));
        expect(new Set(moved.map(([, node]) => node))).toEqual(
          new Set([`meili-${String(count - 1)}`]),
        );
        present = after;
      }
    }
  });

  it('moves only what a removed or draining node had', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.boolean(), (input, which, draining) => {
        const { shardCount, replicationFactor, seed } = input;
        const nodes = nodesNamed(input.nodes + 1);
        const copies = Math.min(replicationFactor, input.nodes);
        const asked = { shardCount, replicationFactor: copies, seed };
        const before = placed(nodes, asked).placement;
        const gone = nodes[which % nodes.length] as FleetNode;
        const rest = nodes.flatMap((node): FleetNode[] => {
          if (node !== gone) return [node];
          return draining ? [{ ...node, intent: 'draining' }] : [];
        });
        const after = placed(rest, { ...asked, present: before }).placement;
        const had = loads(before).get(gone.id) ?? 0;
        // With few shards and several copies the bound on loads can demand moves of its own.
        const forced = shardCount < 16 ? copies - 1 : 0;
        expect(made(before, after).length).toBeGreaterThanOrEqual(had);
        expect(made(before, after).length).toBeLessThanOrEqual(had + forced);
        expect(loads(after).has(gone.id)).toBe(false);
      }),
      { numRuns: 400 },
    );
  });

  it('gives heavier nodes more, but never more than one copy of each shard', () => {
    const nodes = [fleetNode('a'), fleetNode('b'), fleetNode('c', { weight: 4 })];
    const table = placed(nodes, { shardCount: 64, replicationFactor: 2, seed: 's' });
    // By weight alone `c` would take 85 of 128 copies; it can have 64, the others share the rest.
    expect(Object.fromEntries(loads(table.placement))).toEqual({ a: 32, b: 32, c: 64 });
    expect(table.notKept).toEqual([]);
  });

  it('spreads copies over zones first, also where that is against the weights', () => {
    const nodes = ['a1', 'a2', 'a3', 'b1', 'b2'].map((id) =>
      fleetNode(id, { zone: id.slice(0, 1) }),
    );
    const { placement, notKept } = placed(nodes, {
      shardCount: 64,
      replicationFactor: 2,
      seed: 'z',
    });
    for (const replicas of placement[0]?.shards ?? []) {
      expect(new Set(replicas.map(({ node }) => node.slice(0, 1))).size).toBe(2);
    }
    expect(notKept).toEqual([]);
    expect(loads(placement).get(nodes[3]?.id as NodeId)).toBe(32);
  });

  it('lets zones yield before copies, and says so', () => {
    const nodes = ['a1', 'a2', 'b1'].map((id) => fleetNode(id, { zone: id.slice(0, 1) }));
    const three = placed(nodes, { shardCount: 8, replicationFactor: 3, seed: 'z' });
    expect(three.placement[0]?.shards.every((replicas) => replicas.length === 3)).toBe(true);
    expect(three.notKept).toEqual([]);
    const four = placed(nodes, { shardCount: 8, replicationFactor: 4, seed: 'z' });
    expect(four.notKept).toEqual(['group 0 has 3 active nodes for 4 copies, so each shard has 3']);
  });

  it('names a group that has no node for its shards', () => {
    const drained = [fleetNode('a', { intent: 'draining' })];
    const { placement, notKept } = placed(drained, {
      shardCount: 4,
      replicationFactor: 1,
      seed: '',
    });
    expect(placement[0]?.shards).toEqual([[], [], [], []]);
    expect(notKept).toEqual(['group 0 has no active node, so it holds no shard']);
  });

  it('starts different indexes at different nodes', () => {
    const first = (seed: string): NodeId | undefined =>
      placed(nodesNamed(5), { shardCount: 1, replicationFactor: 1, seed }).placement[0]
        ?.shards[0]?.[0]?.node;
    const homes = new Set(Array.from({ length: 40 }, (_, n) => first(`index-${String(n)}`)));
    expect(homes.size).toBe(5);
  });

  it('places the largest table in good time', () => {
    const started = performance.now();
    const nodes = nodesNamed(24);
    const asked = { shardCount: 256, replicationFactor: 3, seed: 'large' };
    const before = placed(nodes.slice(0, 23), asked).placement;
    placed(nodes, { ...asked, present: before });
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});

describe('planMoves', () => {
  const asked = { shardCount: 16, replicationFactor: 2, seed: 'p' };

  it('turns the present table into the wanted one, sorted, and then plans nothing', () => {
    fc.assert(
      fc.property(size, (input) => {
        const { shardCount, seed } = input;
        const copies = Math.min(input.replicationFactor, input.nodes);
        const start = placed(nodesNamed(input.nodes), {
          shardCount,
          replicationFactor: copies,
          seed,
        });
        const wanted = placed(nodesNamed(input.nodes + 2), {
          shardCount,
          replicationFactor: copies,
          seed,
          present: start.placement,
        }).placement;
        const entry = indexEntry(start.placement, shardCount);
        const moves = planMoves({ entry, wanted });
        expect(moves.map(({ shard, target }) => [shard, target]).sort()).toEqual(
          made(start.placement, wanted)
            .map(([shard, node]) => [shard, node])
            .sort(),
        );
        expect(moves.every(({ kind }) => kind === 'move')).toBe(true);
        expect(planRemovals({ entry, wanted })).toEqual([]);
        const again = [...moves].sort((a, b) =>
          a.source < b.source ? -1 : a.source > b.source ? 1 : a.target < b.target ? -1 : 0,
        );
        expect(again).toEqual(moves);
        expect(planMoves({ entry: indexEntry(wanted, shardCount), wanted })).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  it('copies from an in-sync node where the factor rises, and removes where it falls', () => {
    const nodes = nodesNamed(4);
    const one = placed(nodes, { ...asked, replicationFactor: 1 }).placement;
    const two = placed(nodes, { ...asked, present: one }).placement;
    const up = planMoves({ entry: indexEntry(one, 16), wanted: two });
    expect(up).toHaveLength(16);
    expect(up.every(({ kind }) => kind === 'copy')).toBe(true);
    const back = placed(nodes, { ...asked, replicationFactor: 1, present: two }).placement;
    const entry = indexEntry(two, 16);
    expect(planMoves({ entry, wanted: back })).toEqual([]);
    expect(planRemovals({ entry, wanted: back })).toHaveLength(16);
  });

  it('fills a stale copy again from one that is in sync, and a new group from an old one', () => {
    const present: GroupPlacement[] = [
      {
        group: g0,
        shards: [
          [
            { node: fleetNode('a').id, state: 'in-sync' },
            { node: fleetNode('b').id, state: 'stale' },
          ],
        ],
      },
      { group: groupId(1), shards: [[]] },
    ];
    const fleet = ['a', 'b']
      .map((id) => fleetNode(id))
      .concat(fleetNode('c', { group: groupId(1) }));
    const wanted = place({
      nodes: fleet,
      groups: [g0, groupId(1)],
      shardCount: 1,
      replicationFactor: 2,
      present,
      seed: 's',
    }).placement;
    expect(planMoves({ entry: indexEntry(present, 1), wanted })).toEqual([
      { physicalUid: 'p1', group: 0, shard: 0, source: 'a', target: 'b', kind: 'copy' },
      { physicalUid: 'p1', group: 1, shard: 0, source: 'a', target: 'c', kind: 'copy' },
    ]);
  });

  it('takes nothing from a group whose nodes are all draining', () => {
    const before = placed(nodesNamed(2), asked).placement;
    const drained = nodesNamed(2).map((node) => ({ ...node, intent: 'draining' as const }));
    const wanted = placed(drained, { ...asked, present: before }).placement;
    const entry = indexEntry(before, 16);
    expect([...planMoves({ entry, wanted }), ...planRemovals({ entry, wanted })]).toEqual([]);
  });
});
