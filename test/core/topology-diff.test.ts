/**
 * Goal: the difference of two states names what changed and nothing else, and no setting's value.
 * Method: small fleets made by hand.
 */
import type { Fleet, IndexEntry } from '../../core/fleet';
import { epoch, groupId, indexUid } from '../../core/ids';
import { topologyDifference } from '../../core/topology-diff';
import { index, node, row } from '../store/support';

const entry = (uid: string, physical: string, rows: readonly string[]): IndexEntry => ({
  ...index(uid, physical, rows.length),
  placement: [{ group: groupId(0), shards: rows.map(row) }],
});

const fleet = (at: number, parts: Partial<Fleet>): Fleet => ({
  ...{ epoch: epoch(at), nodes: [], indexes: [], aliases: [] },
  ...parts,
});

test('equal states differ in nothing', () => {
  const one = fleet(3, { nodes: [node('a')], indexes: [entry('p', 'p-1', ['a:in-sync'])] });
  expect(topologyDifference(one, { ...one, epoch: epoch(4) })).toEqual({
    ...{ from: 3, to: 4, records: [], replicas: [] },
  });
});

test('nodes, indexes, aliases and copies that came, went or changed', () => {
  const before = fleet(1, {
    nodes: [node('a'), node('b')],
    indexes: [entry('p', 'p-1', ['a:in-sync', 'b:in-sync']), entry('old', 'old-1', ['a:in-sync'])],
    aliases: [{ name: indexUid('live'), targets: [indexUid('old')], history: [] }],
  });
  const after = fleet(9, {
    nodes: [{ ...node('a'), weight: 2 }, node('c')],
    indexes: [entry('p', 'p-1', ['a:stale', 'b:in-sync c:syncing'])],
    aliases: [{ name: indexUid('live'), targets: [indexUid('p')], history: [] }],
  });
  const { records, replicas } = topologyDifference(before, after);
  expect(records).toEqual([
    { kind: 'node', name: 'a', change: 'changed', members: [{ member: 'weight', from: 1, to: 2 }] },
    { kind: 'node', name: 'b', change: 'removed', members: [] },
    { kind: 'node', name: 'c', change: 'added', members: [] },
    { kind: 'index', name: 'old', change: 'removed', members: [] },
    {
      ...{ kind: 'alias', name: 'live', change: 'changed' },
      members: [{ member: 'targets', from: ['old'], to: ['p'] }],
    },
  ]);
  expect(replicas).toEqual([
    { index: 'old', group: 0, shard: 0, node: 'a', from: 'in-sync', to: null },
    { index: 'p', group: 0, shard: 0, node: 'a', from: 'in-sync', to: 'stale' },
    { index: 'p', group: 0, shard: 1, node: 'c', from: null, to: 'syncing' },
  ]);
});

test('a rename moves no copy, and settings are told by their version only', () => {
  const secret = { embedders: { e: { apiKey: 'sk-secret' } } };
  const before = fleet(1, { indexes: [entry('p', 'p-1', ['a:in-sync'])] });
  const renamed = { ...entry('q', 'p-1', ['a:in-sync']), settings: secret, settingsVersion: 2 };
  const difference = topologyDifference(before, fleet(2, { indexes: [renamed] }));
  expect(difference.replicas).toEqual([]);
  expect(difference.records.map(({ name, change }) => [name, change])).toEqual([
    ['p', 'removed'],
    ['q', 'added'],
  ]);
  expect(JSON.stringify(difference)).not.toContain('secret');
  const changed = { ...entry('p', 'p-1', ['a:in-sync']), settings: secret, settingsVersion: 2 };
  const members = topologyDifference(before, fleet(2, { indexes: [changed] })).records[0]?.members;
  expect(members).toEqual([{ member: 'settingsVersion', from: 1, to: 2 }]);
});
