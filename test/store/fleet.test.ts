/**
 * Goal: the fleet's state changes only by compare-and-set on the epoch, and a load sees one epoch whole.
 * Method: on a real Valkey, with two stores of one prefix as two pods.
 */
import { epoch, groupId, indexUid, nodeId, physicalUid } from '../../core/ids';
import type { Epoch } from '../../core/ids';
import { topologyLogEntriesMax } from '../../core/limits';
import { createChannels } from '../../store/channels';
import { createFleetStore } from '../../store/fleet';
import { createKeys } from '../../store/keys';
import { createScriptRunner } from '../../store/script';
import { changeFleetScript } from '../../store/scripts/change-fleet';
import { waitFor } from '../support/wait-for';
import {
  audit,
  index,
  makeIndex,
  node,
  openStore,
  products,
  row,
  rowOf,
  setReplicas,
} from './support';
import type { OpenStore } from './support';

let pod: OpenStore;
let other: OpenStore;

beforeEach(() => {
  pod = openStore();
  other = openStore({ prefix: pod.prefix });
});
afterEach(async () => {
  await Promise.all([pod.close(), other.close()]);
});

test('an empty store is a fleet of nothing at epoch 0', async () => {
  expect(await pod.store.fleet.load()).toEqual({ epoch: 0, nodes: [], indexes: [], aliases: [] });
  expect(await pod.store.fleet.epoch()).toBe(0);
  expect(await pod.store.fleet.log(10)).toEqual([]);
});

test('a change is loaded as it was given, sorted by names', async () => {
  await makeIndex(pod.store, ['b:in-sync a:syncing', 'a:joined', '', 'b:stale a:leaving']);
  const fleet = await other.store.fleet.load();
  expect(fleet.epoch).toBe(1);
  expect(fleet.nodes).toEqual([node('a'), node('b')]);
  expect(fleet.indexes).toEqual([
    {
      ...index('products', products, 4),
      placement: [
        {
          group: 0,
          shards: [row('b:in-sync a:syncing'), row('a:joined'), [], row('b:stale a:leaving')],
        },
      ],
    },
  ]);
});

test('each step has its inverse', async () => {
  const alias = { name: indexUid('shop'), targets: [indexUid('products')], history: [] };
  await makeIndex(pod.store);
  const { epoch: second } = await pod.store.fleet.change(
    epoch(1),
    [{ op: 'set-alias', alias }, setReplicas(0, 'c:in-sync', { group: 1 })],
    audit,
  );
  const before = await pod.store.fleet.load();
  expect(before.aliases).toEqual([alias]);
  expect(before.indexes[0]?.placement.map((placement) => placement.group)).toEqual([0, 1]);
  await pod.store.fleet.change(
    second,
    [
      { op: 'remove-node', id: nodeId('a') },
      { op: 'remove-alias', name: alias.name },
      setReplicas(0, '', { group: 1 }),
    ],
    audit,
  );
  const between = await pod.store.fleet.load();
  expect(between.nodes.map((one) => one.id)).toEqual(['b']);
  expect(between.aliases).toEqual([]);
  expect(between.indexes[0]?.placement.map((placement) => placement.group)).toEqual([0]);
  await pod.store.fleet.update(audit, () => [
    { op: 'remove-index', uid: indexUid('products') },
    { op: 'remove-placement', physicalUid: products },
  ]);
  expect((await pod.store.fleet.load()).indexes).toEqual([]);
  await pod.store.fleet.update(audit, () => [{ op: 'set-index', entry: index('p', products) }]);
  expect((await pod.store.fleet.load()).indexes[0]?.placement).toEqual([]);
});

test('a swap of two physical uids moves no placement', async () => {
  await makeIndex(pod.store);
  await pod.store.fleet.update(audit, () => [
    { op: 'set-index', entry: index('new', 'products-2', 1) },
    setReplicas(0, 'b:in-sync', { physical: physicalUid('products-2') }),
  ]);
  await pod.store.fleet.update(audit, () => [
    { op: 'set-index', entry: index('products', 'products-2', 1) },
    { op: 'set-index', entry: index('new', products, 4) },
  ]);
  const { indexes } = await pod.store.fleet.load();
  expect(indexes.map((entry) => [entry.uid, entry.placement[0]?.shards.length])).toEqual([
    ['new', 4],
    ['products', 1],
  ]);
});

test('a change against an old epoch changes nothing and says the epoch', async () => {
  await makeIndex(pod.store);
  const result = await pod.store.fleet.change(epoch(0), [setReplicas(0, 'b:in-sync')], audit);
  expect(result).toEqual({ ok: false, epoch: 1 });
  expect(await rowOf(pod.store, 0)).toBe('a:in-sync');
  expect(await pod.store.fleet.log(10)).toHaveLength(1);
});

test('in a storm of compare-and-sets the epoch is the number of successes', async () => {
  const changes = await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const { store } = i % 2 === 0 ? pod : other;
      const expected = await store.fleet.epoch();
      return store.fleet.change(expected, [{ op: 'set-node', node: node(`n${i}`) }], audit);
    }),
  );
  const successes = changes.filter((change) => change.ok).length;
  expect(successes).toBeGreaterThan(0);
  const fleet = await pod.store.fleet.load();
  expect(fleet.epoch).toBe(successes);
  expect(fleet.nodes).toHaveLength(successes);
});

test('updates of many pods at once all happen', async () => {
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const { store } = i % 2 === 0 ? pod : other;
      return store.fleet.update(audit, () => [{ op: 'set-node', node: node(`n${i}`) }]);
    }),
  );
  const fleet = await pod.store.fleet.load();
  expect(fleet.epoch).toBe(20);
  expect(fleet.nodes).toHaveLength(20);
});

test('an update that decides nothing raises no epoch', async () => {
  await makeIndex(pod.store);
  expect((await pod.store.fleet.update(audit, () => null)).epoch).toBe(1);
  expect((await pod.store.fleet.update(audit, () => [])).epoch).toBe(1);
});

test('an update that always loses gives up with its code', async () => {
  const keys = createKeys(pod.prefix);
  const real = createScriptRunner(pod.redis);
  let lost = 0;
  const overtaken = createFleetStore({
    redis: pod.redis,
    keys,
    channels: createChannels({ connection: () => pod.redis, owned: false }),
    waitAof: false,
    scripts: {
      async run(script, names, args) {
        if (script === changeFleetScript) {
          lost += 1;
          await pod.redis.incr(keys.epoch);
        }
        return real.run(script, names, args);
      },
    },
  });
  await expect(
    overtaken.update(audit, () => [{ op: 'set-node', node: node('a') }]),
  ).rejects.toMatchObject({ code: 'store_contention' });
  expect(lost).toBe(50);
  expect((await pod.store.fleet.load()).nodes).toEqual([]);
});

test('the log says who, why, what and when, newest first, and is bounded', async () => {
  await makeIndex(pod.store);
  let at: Epoch = epoch(1);
  for (let i = 0; i < topologyLogEntriesMax + 5; i += 1) {
    const change = await pod.store.fleet.change(at, [setReplicas(0, 'a:in-sync')], {
      who: 'ann',
      why: `reason\n${i}`,
      what: 'touch',
    });
    at = change.epoch;
  }
  const log = await pod.store.fleet.log(topologyLogEntriesMax + 100);
  expect(log).toHaveLength(topologyLogEntriesMax);
  expect(log[0]).toEqual({
    epoch: at,
    at: expect.stringMatching(/^20\d\d-.*Z$/) as string,
    who: 'ann',
    why: `reason\n${topologyLogEntriesMax + 4}`,
    what: 'touch',
    ops: ['set-replicas products-1 0/0 a:in-sync'],
  });
  expect(await pod.store.fleet.log(0)).toEqual([]);
});

test('watchers hear each new epoch until they stop', async () => {
  const heard: number[] = [];
  const heardToo: number[] = [];
  const stop = other.store.fleet.watch((moved) => heard.push(moved));
  other.store.fleet.watch((moved) => heardToo.push(moved));
  // The subscription is under way; epochs rise until the first one is heard.
  await waitFor(
    async () => {
      await pod.store.fleet.update(audit, () => [{ op: 'set-node', node: node('a') }]);
      return heard.length > 0;
    },
    { what: 'the first epoch' },
  );
  stop();
  const before = heard.length;
  const { epoch: last } = await pod.store.fleet.update(audit, () => [
    { op: 'set-node', node: node('b') },
  ]);
  await waitFor(() => heardToo.at(-1) === last, { what: 'the last epoch' });
  expect(heard).toHaveLength(before);
});

test('a change of more than 1,000 steps is refused before it is sent', async () => {
  const ops = Array.from({ length: 1_001 }, (_, i) => setReplicas(i % 256, 'a:in-sync'));
  await expect(pod.store.fleet.change(epoch(0), ops, audit)).rejects.toMatchObject({
    code: 'store_too_many_items',
  });
  expect(await pod.store.fleet.epoch()).toBe(0);
});

test('256 shards in three groups are one change and load whole', async () => {
  const ops = [0, 1, 2].flatMap((group) =>
    Array.from({ length: 256 }, (_, s) => setReplicas(s, `n${group}:in-sync`, { group })),
  );
  const entry = index('products', products, 256);
  await pod.store.fleet.change(epoch(0), [{ op: 'set-index', entry }, ...ops], audit);
  const { indexes } = await pod.store.fleet.load();
  expect(indexes[0]?.placement.map((one) => [one.group, one.shards.length])).toEqual([
    [groupId(0), 256],
    [groupId(1), 256],
    [groupId(2), 256],
  ]);
  expect(indexes[0]?.placement[2]?.shards[255]).toEqual(row('n2:in-sync'));
});

test.each(['', 'a:b', 'a,b', 'a b', 'ä'])('refuses the node id %j', async (id) => {
  await expect(
    pod.store.fleet.change(epoch(0), [{ op: 'set-node', node: node(id) }], audit),
  ).rejects.toThrow(RangeError);
});

test('two prefixes share nothing', async () => {
  const stranger = openStore();
  try {
    await makeIndex(pod.store);
    expect(await stranger.store.fleet.epoch()).toBe(0);
  } finally {
    await stranger.close();
  }
});

test('waits for the disk where the server can, and goes on where it cannot', async () => {
  const careful = openStore({ waitAof: { replicas: 0, ms: 1_000 } });
  try {
    expect(await makeIndex(careful.store)).toBe(1);
  } finally {
    await careful.close();
  }
});
