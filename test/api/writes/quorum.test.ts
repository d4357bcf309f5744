/**
 * Goal: a write stands exactly when some group has enough in-sync replicas of every shard with it.
 * Method: a hand-made index with two groups, and every subset of nodes that may have taken the write.
 */
import { degradedHeader, judge } from '../../../api/writes/quorum';
import { KeyedQueue } from '../../../api/writes/keyed-queue';
import type { IndexEntry, ReplicaState } from '../../../core/fleet';
import { groupId, indexUid, nodeId, physicalUid, shardId } from '../../../core/ids';

const row = (
  ...replicas: [string, ReplicaState][]
): { node: ReturnType<typeof nodeId>; state: ReplicaState }[] =>
  replicas.map(([node, state]) => ({ node: nodeId(node), state }));

const entry: IndexEntry = {
  uid: indexUid('i'),
  physicalUid: physicalUid('p'),
  primaryKey: 'id',
  createdAt: '',
  updatedAt: '',
  shardCount: 1,
  replicationFactor: 2,
  settings: {},
  settingsVersion: 1,
  placement: [
    { group: groupId(0), shards: [row(['a', 'in-sync'], ['b', 'in-sync'], ['j', 'joined'])] },
    { group: groupId(1), shards: [row(['c', 'in-sync'], ['d', 'stale'], ['s', 'syncing'])] },
  ],
};
const one = { minInSync: 1, writeQuorum: 'one' } as const;
const nodes = ['a', 'b', 'c', 'j'];
const subsets = Array.from({ length: 16 }, (_, bits) =>
  nodes.filter((_node, at) => (bits >> at) % 2 === 1),
);

test.each(subsets.map((taken) => [taken.join('') || 'nobody', taken]))(
  'taken by %s',
  (_name, taken) => {
    const verdict = judge(entry, [shardId(0)], new Set((taken as string[]).map(nodeId)), one);
    const inSync = ['a', 'b', 'c'].filter((node) => taken.includes(node));
    expect(verdict.lacking).toEqual(inSync.length > 0 ? [] : [0]);
    // A joined copy that has what no in-sync one has must not be read one day.
    const missed =
      inSync.length > 0 ? nodes.filter((node) => !taken.includes(node)) : (taken as string[]);
    expect(verdict.stale.map(({ node }) => String(node)).sort()).toEqual(missed.sort());
    expect(verdict.groupsMissed.includes(groupId(0))).toBe(
      !inSync.includes('a') && !inSync.includes('b'),
    );
  },
);

test('min_in_sync and majority count within one group', () => {
  const by = (...taken: string[]): Set<ReturnType<typeof nodeId>> => new Set(taken.map(nodeId));
  expect(
    judge(entry, [shardId(0)], by('a', 'c'), { minInSync: 2, writeQuorum: 'one' }).lacking,
  ).toEqual([0]);
  expect(
    judge(entry, [shardId(0)], by('a', 'b'), { minInSync: 2, writeQuorum: 'one' }).lacking,
  ).toEqual([]);
  expect(
    judge(entry, [shardId(0)], by('a'), { minInSync: 1, writeQuorum: 'majority' }).lacking,
  ).toEqual([0]);
  expect(
    judge(entry, [shardId(0)], by('c'), { minInSync: 1, writeQuorum: 'majority' }).lacking,
  ).toEqual([]);
});

test.each([
  ['one of them', ['b'], ['b']],
  ['all but a joined one', ['a', 'b', 'c'], ['b', 'j', 'c']],
  ['the joined one', ['j'], ['j']],
  ['everybody', ['a', 'b', 'c', 'j'], ['b', 'j', 'c']],
])('taken by nobody for sure, and maybe by %s: what is read agrees', (_name, maybe, stale) => {
  const unsure = new Set(maybe.map(nodeId));
  const verdict = judge(entry, [shardId(0)], new Set(), { ...one, unsure });
  expect(verdict.lacking).toEqual([0]);
  expect(verdict.stale.map(({ node }) => String(node))).toEqual(stale);
});

test('the header names groups and nodes that missed a write', () => {
  const verdict = judge(entry, [shardId(0)], new Set([nodeId('c')]), one);
  expect(degradedHeader(verdict)).toBe('groups=0;stale=a,b,j');
  expect(degradedHeader(judge(entry, [shardId(0)], new Set(nodes.map(nodeId)), one))).toBeNull();
});

test('a queue runs jobs of one key in order, of two keys side by side, and goes on after a failure', async () => {
  const queue = new KeyedQueue();
  const order: string[] = [];
  const gate = { open: (): void => undefined };
  const opened = new Promise<void>((resolve) => (gate.open = resolve));
  const first = queue.run(['x'], async () => {
    await opened;
    order.push('x1');
    throw new Error('x1 fails');
  });
  const both = queue.run(['y', 'x'], async () => void order.push('xy'));
  const last = queue.run(['y'], async () => void order.push('y'));
  const other = queue.run(['z'], async () => void order.push('z'));
  expect(queue.length('x')).toBe(2);
  await other;
  gate.open();
  await expect(first).rejects.toThrow('x1 fails');
  await Promise.all([both, last]);
  expect(order).toEqual(['z', 'x1', 'xy', 'y']);
  expect(queue.length('x')).toBe(0);
});
