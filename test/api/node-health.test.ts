/**
 * Goal: a node goes out and comes back by thresholds, starts slowly, and serves only while it is known.
 * Method: the record of health alone, with a clock that the test moves.
 */
import { NodeHealth } from '../../api/node-health';
import { nodeId } from '../../core/ids';
import { judgeNode } from '../../core/node-identity';
import type { NodeVerdict, SeenNode, Strangeness } from '../../core/node-identity';

const a = nodeId('a');
const b = nodeId('b');

function healthAt(clock: { ms: number }, checkIdentity = false): NodeHealth {
  return new NodeHealth({
    ...{ failuresToLeave: 3, successesToReturn: 2, slowStartMs: 1_000, checkIdentity },
    now: () => clock.ms,
  });
}

test('it leaves after the failures that were set, and one answer in between begins the count anew', () => {
  const health = healthAt({ ms: 0 });
  const moves: string[] = [];
  health.onMove((node, to, why) => moves.push(`${node} ${to} ${why ?? ''}`));
  health.failed(a, 'node_timeout');
  health.failed(a, 'node_timeout');
  health.answered(a);
  health.failed(a, 'node_timeout');
  health.failed(a, 'node_timeout');
  expect(health.usable(a)).toBe(true);
  health.failed(a, 'node_timeout');
  expect(health.usable(a)).toBe(false);
  // A node that is out is not brought back by an answer, and by one probe neither.
  health.answered(a);
  health.probePassed(a);
  expect(health.usable(a)).toBe(false);
  health.probePassed(a);
  expect(health.usable(a)).toBe(true);
  expect(moves).toEqual(['a out node_timeout', 'a up ']);
});

test('nodes that were there when the pod began are warm; one that comes back starts slowly', () => {
  const clock = { ms: 0 };
  const health = healthAt(clock);
  health.probePassed(a);
  health.watching();
  for (let i = 0; i < 3; i += 1) health.failed(b, 'node_unreachable');
  health.probePassed(b);
  health.probePassed(b);
  const keys = Array.from({ length: 2_000 }, (_, i) => `query ${i}`);
  const first = () => new Set(keys.filter((key) => health.warmFirst([b, a], key)[0] === b));
  expect(health.share(a)).toBe(1);
  expect(first().size).toBe(0);
  clock.ms = 250;
  const quarter = first();
  expect(quarter.size).toBeGreaterThan(400);
  expect(quarter.size).toBeLessThan(600);
  clock.ms = 750;
  const most = first();
  expect(most.size).toBeGreaterThan(1_350);
  // A query that found its home there again stays.
  for (const key of quarter) expect(most.has(key)).toBe(true);
  clock.ms = 1_000;
  expect(first().size).toBe(2_000);
});

test('a node is not asked before it has said who it is, and again after a lost connection', () => {
  const clock = { ms: 0 };
  const health = healthAt(clock, true);
  expect(health.mayServe(a)).toBe(false);
  health.setTrust(a, 'known');
  expect(health.usable(a)).toBe(true);
  health.failed(a, 'node_timeout');
  expect(health.mayServe(a)).toBe(true);
  health.failed(a, 'node_unreachable');
  expect(health.mayServe(a)).toBe(false);
  health.setTrust(a, 'rolled-back');
  expect(health.view(a)).toMatchObject({ state: 'new', strange: 'rolled-back' });
  health.setTrust(a, 'known');
  expect(health.view(a)).toMatchObject({ state: 'up', strange: null, share: 0 });
});

const own = { node: 'a', instance: 'i' };
const strange = (why: Strangeness): NodeVerdict => ({ kind: 'strange', why });

test.each<[string, SeenNode, NodeVerdict]>([
  ['its own disk', { identity: own, indexes: 0, mark: 'there' }, { kind: 'known' }],
  ['its own unseen disk', { identity: own, indexes: 0, mark: 'none' }, { kind: 'known' }],
  ['an empty disk', { identity: null, indexes: 0, mark: 'none' }, strange('empty')],
  ['indexes without a name', { identity: null, indexes: 2, mark: 'none' }, strange('other-disk')],
  [
    "another's disk",
    { identity: { node: 'b', instance: 'j' }, indexes: 0, mark: 'none' },
    strange('other-disk'),
  ],
  ['its disk as of before', { identity: own, indexes: 0, mark: 'gone' }, strange('rolled-back')],
])('%s', (_, seen, verdict) => {
  expect(judgeNode({ id: a, instanceId: 'i' }, seen)).toEqual(verdict);
});

test.each([
  ['no name yet', null, { kind: 'unnamed', instance: null }],
  ['its name from before', { node: 'a', instance: 'i' }, { kind: 'unnamed', instance: 'i' }],
  ["another node's name", { node: 'b', instance: 'j' }, { kind: 'strange', why: 'other-disk' }],
] as const)('a node that the fleet has not named, with %s', (_, identity, verdict) => {
  const seen = { identity, indexes: 0, mark: 'none' } as const;
  expect(judgeNode({ id: a, instanceId: null }, seen)).toEqual(verdict);
});
