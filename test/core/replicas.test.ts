/**
 * Goal: no step leaves a shard without an in-sync copy, and steps come in their order only.
 * Method: random sequences of steps on random tables, and each refusal by name.
 */
import * as fc from 'fast-check';
import type { IndexEntry, ReplicaState } from '../../core/fleet';
import { groupId, nodeId, shardId } from '../../core/ids';
import type { NodeId, ShardId } from '../../core/ids';
import {
  applyChanges,
  cutOver,
  joinTarget,
  markStale,
  openTarget,
  removeReplica,
  reverseCutOver,
  startLeaving,
} from '../../core/replicas';
import type { Transition } from '../../core/replicas';
import { anyEntry, indexEntry } from './support/placements';

const group = groupId(0);
const [a, b, c] = ['a', 'b', 'c'].map(nodeId) as [NodeId, NodeId, NodeId];
const s0 = shardId(0);

function entryWith(states: Record<string, ReplicaState>): IndexEntry {
  const replicas = Object.entries(states).map(([node, state]) => ({ node: nodeId(node), state }));
  return indexEntry([{ group, shards: [replicas] }], 1);
}

function apply(entry: IndexEntry, transition: Transition): IndexEntry {
  if (!transition.ok) throw new Error(transition.reason);
  return applyChanges(entry, transition.changes);
}

function statesOf(entry: IndexEntry): Record<string, ReplicaState> {
  const row = entry.placement[0]?.shards[0] ?? [];
  return Object.fromEntries(row.map(({ node, state }) => [node, state]));
}

function inSyncCopies(entry: IndexEntry, shard: number): number {
  return entry.placement
    .flatMap(({ shards }) => shards[shard] ?? [])
    .filter(({ state }) => state === 'in-sync').length;
}

describe('a move', () => {
  const step = { group, shards: [s0], node: b };
  const flip = { group, shards: [s0], source: a, target: b };

  it('goes through its states, and back again before the clean up', () => {
    let entry = entryWith({ a: 'in-sync' });
    entry = apply(entry, openTarget(entry, step));
    expect(statesOf(entry)).toEqual({ a: 'in-sync', b: 'syncing' });
    entry = apply(entry, joinTarget(entry, step));
    expect(statesOf(entry)).toEqual({ a: 'in-sync', b: 'joined' });
    entry = apply(entry, cutOver(entry, flip));
    expect(statesOf(entry)).toEqual({ a: 'joined', b: 'in-sync' });
    entry = apply(entry, reverseCutOver(entry, flip));
    expect(statesOf(entry)).toEqual({ a: 'in-sync', b: 'joined' });
    entry = apply(entry, cutOver(entry, flip));
    entry = apply(entry, startLeaving(entry, { ...step, node: a }));
    expect(statesOf(entry)).toEqual({ a: 'leaving', b: 'in-sync' });
    entry = apply(entry, removeReplica(entry, { ...step, node: a }));
    expect(statesOf(entry)).toEqual({ b: 'in-sync' });
  });

  it('can repeat each step, which then changes nothing', () => {
    const joined = entryWith({ a: 'in-sync', b: 'joined' });
    const flipped = entryWith({ a: 'joined', b: 'in-sync' });
    const repeated = [
      openTarget(entryWith({ a: 'in-sync', b: 'syncing' }), step),
      joinTarget(joined, step),
      cutOver(flipped, flip),
      reverseCutOver(joined, flip),
      startLeaving(entryWith({ a: 'leaving', b: 'in-sync' }), { ...step, node: a }),
      removeReplica(entryWith({ b: 'in-sync' }), { ...step, node: a }),
    ];
    for (const transition of repeated) expect(transition).toEqual({ ok: true, changes: [] });
  });

  it('adds a copy beside its source where no source is to be left', () => {
    const entry = entryWith({ a: 'in-sync', b: 'joined' });
    const added = apply(entry, cutOver(entry, { ...flip, source: null }));
    expect(statesOf(added)).toEqual({ a: 'in-sync', b: 'in-sync' });
  });

  it.each(['stale', 'leaving'] as const)('leaves a source that is %s as it is', (state) => {
    const entry = entryWith({ a: state, b: 'joined' });
    expect(statesOf(apply(entry, cutOver(entry, flip)))).toEqual({ a: state, b: 'in-sync' });
  });
});

describe('a flip of several shards whose answer was lost', () => {
  const shards = [s0, shardId(1)];
  const flip = { group, shards, source: a, target: b };
  const both = (...rows: [ReplicaState, ReplicaState][]): IndexEntry =>
    indexEntry(
      [
        {
          group,
          shards: rows.map(([of, to]) => [
            { node: a, state: of },
            { node: b, state: to },
          ]),
        },
      ],
      2,
    );
  const nothing = { ok: true, changes: [] };

  it.each<[string, IndexEntry]>([
    ['some copies of the target', both(['joined', 'in-sync'], ['joined', 'stale'])],
    ['all copies of the target', both(['joined', 'stale'], ['joined', 'stale'])],
    ['some copies of the source', both(['stale', 'in-sync'], ['joined', 'in-sync'])],
  ])('is over when %s have become stale since the cut over', (_, entry) => {
    expect(cutOver(entry, flip)).toEqual(nothing);
  });

  it.each<[string, IndexEntry]>([
    ['some copies of the source', both(['in-sync', 'joined'], ['stale', 'joined'])],
    ['all copies of the source', both(['stale', 'joined'], ['stale', 'stale'])],
    ['some copies of the target', both(['in-sync', 'stale'], ['in-sync', 'joined'])],
  ])('is over when %s have become stale since the reverse', (_, entry) => {
    expect(reverseCutOver(entry, flip)).toEqual(nothing);
  });

  it('is refused when nothing was flipped and a copy that was to be read is stale', () => {
    expect(cutOver(both(['in-sync', 'joined'], ['in-sync', 'stale']), flip).ok).toBe(false);
    expect(cutOver(both(['in-sync', 'stale'], ['in-sync', 'stale']), flip).ok).toBe(false);
    expect(reverseCutOver(both(['joined', 'in-sync'], ['stale', 'in-sync']), flip).ok).toBe(false);
    expect(reverseCutOver(both(['stale', 'in-sync'], ['stale', 'in-sync']), flip).ok).toBe(false);
  });
});

describe('refusals', () => {
  const on = (node: NodeId) => ({ group, shards: [s0], node });

  it.each<[string, Transition]>([
    [
      'cannot become syncing, it is joined',
      openTarget(entryWith({ a: 'in-sync', b: 'joined' }), on(b)),
    ],
    [
      'cannot become syncing, it is leaving',
      openTarget(entryWith({ a: 'in-sync', b: 'leaving' }), on(b)),
    ],
    ['there is no in-sync copy to fill it from', openTarget(entryWith({ a: 'stale' }), on(b))],
    ['cannot join, it is stale', joinTarget(entryWith({ a: 'in-sync', b: 'stale' }), on(b))],
    ['cannot join, it is absent', joinTarget(entryWith({ a: 'in-sync' }), on(b))],
    [
      'cannot leave, it is the last in-sync copy',
      startLeaving(entryWith({ a: 'in-sync', b: 'joined' }), on(a)),
    ],
    ['cannot leave, it is absent', startLeaving(entryWith({ a: 'in-sync' }), on(b))],
    [
      'cannot be removed, it is stale',
      removeReplica(entryWith({ a: 'in-sync', b: 'stale' }), on(b)),
    ],
    [
      'the index has no group 7',
      openTarget(entryWith({ a: 'in-sync' }), { ...on(b), group: groupId(7) }),
    ],
    [
      'the index has no shard 3',
      openTarget(entryWith({ a: 'in-sync' }), { ...on(b), shards: [shardId(3)] }),
    ],
    [
      'cannot be read, it is syncing',
      cutOver(entryWith({ a: 'in-sync', b: 'syncing' }), {
        group,
        shards: [s0],
        source: a,
        target: b,
      }),
    ],
    [
      'source and target are the same',
      cutOver(entryWith({ b: 'in-sync' }), { group, shards: [s0], source: b, target: b }),
    ],
  ])('%s', (reason, transition) => {
    expect(transition).toEqual({ ok: false, reason: expect.stringContaining(reason) as string });
  });

  it('are of the whole step: no row changes where one shard is refused', () => {
    const entry = indexEntry(
      [{ group, shards: [[{ node: a, state: 'in-sync' }], [{ node: a, state: 'stale' }]] }],
      2,
    );
    expect(openTarget(entry, { group, shards: [s0, shardId(1)], node: b }).ok).toBe(false);
  });
});

describe('markStale', () => {
  it('marks copies that missed a write, but never the last in-sync one of a shard', () => {
    const entry = entryWith({ a: 'in-sync', b: 'in-sync', c: 'joined' });
    const missed = [a, b, c].map((node) => ({ group, shard: s0, node }));
    const { changes, refused } = markStale(entry, missed);
    expect(statesOf(applyChanges(entry, changes))).toEqual({
      a: 'stale',
      b: 'in-sync',
      c: 'stale',
    });
    expect(refused).toEqual([{ group, shard: s0, node: b }]);
  });

  it('counts copies of other groups', () => {
    const entry = indexEntry(
      [
        { group, shards: [[{ node: a, state: 'in-sync' }]] },
        { group: groupId(1), shards: [[{ node: b, state: 'in-sync' }]] },
      ],
      1,
    );
    expect(markStale(entry, [{ group, shard: s0, node: a }]).refused).toEqual([]);
  });
});

it('no sequence of steps leaves a shard without an in-sync copy that had one', () => {
  const name = fc.record({
    group: fc.integer({ min: 0, max: 2 }).map(groupId),
    shard: fc.nat(3).map(shardId),
    node: fc.integer({ min: 0, max: 3 }),
    other: fc.integer({ min: 0, max: 3 }),
    alone: fc.boolean(),
    kind: fc.constantFrom('open', 'join', 'cut', 'reverse', 'leave', 'remove', 'stale'),
  });
  let legal = 0;
  fc.assert(
    fc.property(anyEntry, fc.array(name, { minLength: 60, maxLength: 120 }), (start, steps) => {
      let entry = start;
      const safe = Array.from({ length: start.shardCount }, (_, shard) => shard).filter(
        (shard) => inSyncCopies(start, shard) > 0,
      );
      for (const { kind, group: of, shard, node: n, other: m, alone } of steps) {
        const [node, other] = [n, m].map((x) => nodeId(`g${String(of)}n${String(x)}`)) as [
          NodeId,
          NodeId,
        ];
        const shards: ShardId[] = [shard];
        const step = { group: of, shards, node };
        const flip = { group: of, shards, source: alone ? null : other, target: node };
        const done: Record<string, () => Transition> = {
          open: () => openTarget(entry, step),
          join: () => joinTarget(entry, step),
          cut: () => cutOver(entry, flip),
          reverse: () => reverseCutOver(entry, { ...flip, source: other }),
          leave: () => startLeaving(entry, step),
          remove: () => removeReplica(entry, step),
          stale: () => ({
            ok: true,
            changes: markStale(entry, [{ group: of, shard, node }]).changes,
          }),
        };
        const transition = (done[kind] as () => Transition)();
        if (!transition.ok) continue;
        legal += transition.changes.length;
        entry = applyChanges(entry, transition.changes);
        for (const kept of safe) expect(inSyncCopies(entry, kept)).toBeGreaterThan(0);
      }
    }),
    { numRuns: 200 },
  );
  // Else the property would have said nothing.
  expect(legal).toBeGreaterThan(300);
});
