/**
 * Goal: the fleet as it was at any epoch that the log still reaches is told exactly, and what it does not
 * reach is refused and not guessed.
 * Method: random changes of every kind on a real Valkey, each state kept beside; then every epoch is asked
 * for. The seed is printed and taken back by MIROIR_TEST_SEED.
 */
import type { Fleet, ReplicaState } from '../../core/fleet';
import { epoch, groupId, indexUid, nodeId, physicalUid } from '../../core/ids';
import { topologyLogEntriesMax, topologyUndoBytesMax } from '../../core/limits';
import type { FleetOp } from '../../store/types';
import { Random } from '../compat/random';
import {
  acquireWriter,
  audit,
  beginRequest,
  begun,
  index,
  makeIndex,
  node,
  openStore,
  podA,
  products,
  setReplicas,
  task,
} from './support';
import type { OpenStore } from './support';

const seed = Number(process.env['MIROIR_TEST_SEED'] ?? Date.now() % 2 ** 31);

let pod: OpenStore;

beforeEach(() => {
  pod = openStore();
});
afterEach(async () => pod.close());

const states: readonly ReplicaState[] = ['in-sync', 'joined', 'syncing', 'stale', 'leaving'];

function randomOps(fleet: Fleet, pick: (below: number) => number): FleetOp[] {
  const uid = `index-${String(pick(3))}`;
  const present = fleet.indexes.find((entry) => entry.uid === indexUid(uid));
  const physical = present?.physicalUid ?? physicalUid(`${uid}-${String(fleet.epoch)}`);
  const row = ['a', 'b', 'c']
    .slice(0, pick(4))
    .map((name) => `${name}:${states[pick(states.length)] ?? 'stale'}`)
    .join(' ');
  const kinds: (() => FleetOp[])[] = [
    () => [{ op: 'set-node', node: { ...node(`n${String(pick(3))}`), weight: pick(9) } }],
    () => [{ op: 'remove-node', id: nodeId(`n${String(pick(3))}`) }],
    () => [
      { op: 'set-index', entry: { ...index(uid, physical), settingsVersion: pick(99) } },
      setReplicas(pick(4), row, { group: pick(2), physical }),
    ],
    () => [
      { op: 'set-index', entry: index(uid, physical) },
      setReplicas(pick(4), row, { physical }),
      setReplicas(pick(4), '', { physical }),
    ],
    () => [
      { op: 'remove-index', uid: indexUid(uid) },
      { op: 'remove-placement', physicalUid: physical },
    ],
    () => [
      { op: 'set-alias', alias: { name: indexUid('live'), targets: [indexUid(uid)], history: [] } },
    ],
    () => [{ op: 'remove-alias', name: indexUid('live') }],
  ];
  return kinds[pick(kinds.length)]?.() ?? [];
}

/** A row that is empty and a row that is not there are the same to every reader. */
function plain(fleet: Fleet): unknown {
  return {
    ...fleet,
    indexes: fleet.indexes.map((entry) => ({
      ...entry,
      placement: entry.placement.flatMap(({ group, shards }) =>
        shards.flatMap((row, shard) => (row.length === 0 ? [] : [{ group, shard, row }])),
      ),
    })),
  };
}

test(`every epoch that the log reaches is told as it was (MIROIR_TEST_SEED=${String(seed)})`, async () => {
  const random = new Random(seed);
  const pick = (below: number): number => random.int(below);
  const kept: Fleet[] = [await pod.store.fleet.load()];
  for (let i = 0; i < 120; i += 1) {
    const before = kept[kept.length - 1]!;
    const result = await pod.store.fleet.change(before.epoch, randomOps(before, pick), audit);
    expect(result.ok).toBe(true);
    kept.push(await pod.store.fleet.load());
  }
  for (const fleet of kept) {
    const past = await pod.store.fleet.at(fleet.epoch);
    expect(past).toMatchObject({ ok: true });
    if (past.ok) expect(plain(past.fleet)).toEqual(plain(fleet));
  }
});

test('what a commit marked as stale is taken back, too', async () => {
  await makeIndex(pod.store, ['a:in-sync b:in-sync']);
  const fence = await acquireWriter(pod.store, podA);
  const request = beginRequest({ fence });
  const { taskUid } = begun(await pod.store.writers.begin(request));
  await pod.store.writers.commit({
    ...{ pod: podA, physicalUid: products, fence, taskUid, nonce: request.nonce },
    task: task(taskUid),
    stale: [{ group: groupId(0), shard: request.shards[0] as never, node: nodeId('b') }],
  });
  const now = await pod.store.fleet.load();
  expect(now.epoch).toBe(2);
  expect(now.indexes[0]?.placement[0]?.shards[0]?.map(({ state }) => state)).toEqual([
    'in-sync',
    'stale',
  ]);
  const past = await pod.store.fleet.at(epoch(1));
  expect(past.ok && past.fleet.indexes[0]?.placement[0]?.shards[0]).toEqual([
    { node: 'a', state: 'in-sync' },
    { node: 'b', state: 'in-sync' },
  ]);
});

test('an epoch to come, one that fell out of the log, and one behind a change too large are refused', async () => {
  await makeIndex(pod.store);
  expect(await pod.store.fleet.at(epoch(2))).toEqual({ ok: false, reason: 'future', oldest: 1 });
  const large = { ...index('large', 'large-1'), settings: { x: 'y'.repeat(topologyUndoBytesMax) } };
  await pod.store.fleet.change(epoch(1), [{ op: 'set-index', entry: large }], audit);
  // Its past is small: there was none. The past of the next change is the large entry.
  expect(await pod.store.fleet.at(epoch(1))).toMatchObject({ ok: true });
  await pod.store.fleet.change(epoch(2), [{ op: 'remove-index', uid: indexUid('large') }], audit);
  expect(await pod.store.fleet.at(epoch(2))).toEqual({ ok: false, reason: 'forgotten', oldest: 3 });
  for (let i = 0; i < topologyLogEntriesMax; i += 1) {
    await pod.store.fleet.change(epoch(3 + i), [{ op: 'set-node', node: node('n') }], audit);
  }
  expect(await pod.store.fleet.at(epoch(3))).toMatchObject({ ok: true });
  expect(await pod.store.fleet.at(epoch(1))).toMatchObject({ ok: false, reason: 'forgotten' });
});
