/**
 * Goal: the explanation of a placement is true: it names what `place` decides by, sees a rebalance where
 * one is due and none where none is, and gives a reason for every copy.
 * Method: random groups of nodes; tables as `place` makes them, and tables that were spoilt.
 */
import * as fc from 'fast-check';
import { explainPlacement } from '../../core/explain-placement';
import type { ShardStanding } from '../../core/explain-placement';
import type { FleetNode, GroupPlacement } from '../../core/fleet';
import { groupId, nodeId, shardId } from '../../core/ids';
import { place } from '../../core/placement';
import { planMoves } from '../../core/plan-moves';
import { fleetNode, indexEntry } from './support/placements';

const g0 = groupId(0);
const shardCount = 16;
const shards = Array.from({ length: shardCount }, (_, at) => shardId(at));

function tableOf(nodes: readonly FleetNode[], copies: number): readonly GroupPlacement[] {
  const asked = { nodes, groups: [g0], shardCount, replicationFactor: copies };
  return place({ ...asked, present: null, seed: 'p1' }).placement;
}

const explain = (nodes: readonly FleetNode[], table: readonly GroupPlacement[], copies: number) =>
  explainPlacement({ nodes }, indexEntry(table, shardCount, copies), shards);

const only = (found: readonly ShardStanding[], at: number): ShardStanding =>
  found[at] as ShardStanding;

const anyNodes = fc
  .array(
    fc.record({
      zone: fc.constantFrom(null, 'a', 'b'),
      weight: fc.constantFrom(0.5, 1, 2),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((drafts) => drafts.map((draft, n) => fleetNode(`meili-${String(n)}`, draft)));

test('a table that is right is explained without a move, copy by copy', () => {
  fc.assert(
    fc.property(anyNodes, fc.integer({ min: 1, max: 3 }), (nodes, copies) => {
      const found = explain(nodes, tableOf(nodes, copies), copies);
      for (const { moves, removals, replicas, why, homes, wanted } of found.shards) {
        expect({ moves, removals }).toEqual({ moves: [], removals: [] });
        expect(why).toHaveLength(replicas.length);
        expect(homes.map(({ node }) => node).sort()).toEqual(nodes.map(({ id }) => id).sort());
        expect(wanted.length).toBe(Math.min(copies, nodes.length));
      }
      const [group] = found.groups;
      for (const { holds, wanted, share } of group?.nodes ?? []) {
        expect(holds).toBe(wanted);
        expect(wanted).toBeLessThanOrEqual(Math.ceil((share ?? 0) - 1e-9));
      }
    }),
    { numRuns: 60 },
  );
});

test('the moves that it tells are those of a rebalance', () => {
  fc.assert(
    fc.property(anyNodes, fc.integer({ min: 1, max: 3 }), (nodes, copies) => {
      const table = tableOf(nodes, copies);
      const grown = [...nodes, fleetNode('meili-new')];
      const entry = indexEntry(table, shardCount, copies);
      const asked = { nodes: grown, groups: [g0], shardCount, replicationFactor: copies };
      const wanted = place({ ...asked, present: table, seed: 'p1' }).placement;
      const found = explain(grown, table, copies).shards.flatMap(({ moves }) => moves);
      const byShard = (a: { shard: number }, b: { shard: number }): number => a.shard - b.shard;
      expect(found.sort(byShard)).toEqual(planMoves({ entry, wanted }).sort(byShard));
    }),
    { numRuns: 40 },
  );
});

test('each copy that is away from home says what is in the way', () => {
  const nodes = [0, 1, 2].map((n) => fleetNode(`meili-${String(n)}`));
  const found = explain(nodes, tableOf(nodes, 1), 1);
  const away = found.shards.filter(({ homes, replicas }) => homes[0]?.node !== replicas[0]?.node);
  expect(away.length).toBeGreaterThan(0);
  for (const { why } of away) expect(why[0]).toMatch(/has its share|not moved for that alone/);
  const home = found.shards.find(({ homes, replicas }) => homes[0]?.node === replicas[0]?.node);
  expect(home?.why[0]).toMatch(/: 1st at home of 3$/);
});

test('a zone is named where it keeps a copy from a nearer node', () => {
  const nodes = [
    ...['meili-0', 'meili-1'].map((id) => fleetNode(id, { zone: 'a' })),
    fleetNode('meili-2', { zone: 'b' }),
  ];
  const found = explain(nodes, tableOf(nodes, 2), 2);
  const reasons = found.shards.flatMap(({ why }) => why);
  expect(reasons.some((why) => why.includes('is in the zone of another copy'))).toBe(true);
  for (const { wanted } of found.shards) expect(wanted).toContain('meili-2');
});

test('draining, missing, stale, surplus and forgotten copies are told', () => {
  const nodes = [
    fleetNode('meili-0', { intent: 'draining' }),
    fleetNode('meili-1'),
    fleetNode('meili-2'),
  ];
  const replica = (id: string, state: 'in-sync' | 'stale' | 'leaving' = 'in-sync') => ({
    node: nodeId(id),
    state,
  });
  const rows = [
    [replica('meili-0')],
    [replica('meili-1'), replica('meili-2')],
    [replica('meili-1', 'stale'), replica('meili-2')],
    [replica('gone'), replica('meili-1', 'leaving')],
  ];
  const table = [{ group: g0, shards: shards.map((at) => rows[at] ?? [replica('meili-1')]) }];
  const found = explain(nodes, table, 1);
  expect(only(found.shards, 0).why.join('; ')).toMatch(
    /draining, so it keeps nothing.*from meili-0: meili-0 is draining/,
  );
  expect(only(found.shards, 1).why.join('; ')).toMatch(/is one too many, so it would go/);
  expect(only(found.shards, 2).why[0]).toMatch(/^meili-1 \(stale, missed a write/);
  expect(only(found.shards, 3).why.join('; ')).toMatch(/no node of the group any more/);
  const [group] = found.groups;
  expect(group?.nodes[0]).toMatchObject({ node: 'meili-0', share: null, holds: 1, wanted: 0 });
  expect(explain([], table, 1).groups[0]?.notKept[0]).toMatch(/no active node/);
});
