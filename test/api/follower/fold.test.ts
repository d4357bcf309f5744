/**
 * Goal: a fleet task says what its node tasks come to, shard by shard, and replicas that differ are named.
 * Method: hand-made tasks with two copies of each shard, and random outcomes against a plain model.
 */
import { foldTask } from '../../../api/follower/fold';
import type { Loss } from '../../../api/follower/fold';
import { OrderCheck } from '../../../api/follower/inversions';
import { clientError } from '../../../api/follower/client-error';
import { fleetTaskUid, indexUid, nodeId, nodeTaskUid, physicalUid } from '../../../core/ids';
import type { NodeId } from '../../../core/ids';
import type { FleetTask, NodeTaskRef, NodeTaskStatus } from '../../../store/task-types';

const [a, b, c] = [nodeId('a'), nodeId('b'), nodeId('c')];

function ref(
  node: NodeId,
  status: NodeTaskStatus,
  more: Record<string, never | string | number | object> = {},
): NodeTaskRef {
  const error =
    status === 'failed'
      ? { message: 'Index `p-1`: no', code: 'internal', type: 'internal', link: '' }
      : null;
  return {
    node,
    uid: nodeTaskUid(1),
    status,
    result: { role: 'main', error, details: {}, ...more } as NonNullable<NodeTaskRef['result']>,
  };
}

function task(nodeTasks: readonly NodeTaskRef[], more: Partial<FleetTask> = {}): FleetTask {
  return {
    uid: fleetTaskUid(7),
    indexUid: indexUid('books'),
    physicalUid: physicalUid('p-1'),
    type: 'documentAdditionOrUpdate',
    status: 'enqueued',
    details: { receivedDocuments: 3, indexedDocuments: null },
    error: null,
    canceledBy: null,
    enqueuedAt: '2026-01-01T00:00:00Z',
    startedAt: null,
    finishedAt: null,
    duration: null,
    batchUid: null,
    nodeTasks,
    shards: 'all',
    // Shard 0 is on a and b, shard 1 on b and c, shard 2 on c and a.
    extra: { nodes: { a: [0, 2], b: [0, 1], c: [1, 2] }, indexed: 3 },
    ...more,
  };
}

const lost = (entries: [NodeId, Loss][] = []): Map<NodeId, Loss> => new Map(entries);
const states = (x: NodeTaskStatus, y: NodeTaskStatus, z: NodeTaskStatus): NodeTaskRef[] => [
  ref(a, x),
  ref(b, y),
  ref(c, z),
];

test('all parts succeeded', () => {
  const fold = foldTask(task(states('succeeded', 'succeeded', 'succeeded')), lost());
  expect(fold).toMatchObject({
    kind: 'final',
    diverged: [],
    task: {
      status: 'succeeded',
      batchUid: 7,
      error: null,
      details: { receivedDocuments: 3, indexedDocuments: 3 },
    },
  });
});

test('it is open while any in-sync part is, and processing once one has begun', () => {
  expect(foldTask(task(states('enqueued', 'enqueued', 'enqueued')), lost())).toEqual({
    kind: 'open',
    processing: false,
  });
  expect(foldTask(task(states('succeeded', 'enqueued', 'processing')), lost())).toEqual({
    kind: 'open',
    processing: true,
  });
});

test('a part that fails beside one that succeeds has diverged, for the shards they share', () => {
  const fold = foldTask(task(states('failed', 'succeeded', 'succeeded')), lost());
  expect(fold).toMatchObject({
    kind: 'final',
    task: { status: 'succeeded' },
    diverged: [{ node: 'a', shards: [0, 2] }],
  });
});

test("the same failure on all replicas is the task's failure, with the client's name of the index", () => {
  const fold = foldTask(task(states('failed', 'failed', 'failed')), lost());
  expect(fold).toMatchObject({
    kind: 'final',
    diverged: [],
    task: {
      status: 'failed',
      error: { message: 'Index `books`: no', code: 'internal' },
      details: { indexedDocuments: 0 },
    },
  });
});

test('a shard that failed beside shards that succeeded is told as partly applied', () => {
  const fold = foldTask(task(states('failed', 'failed', 'succeeded')), lost());
  expect(fold).toMatchObject({
    kind: 'final',
    task: { status: 'failed', error: { code: 'miroir_partially_applied' } },
  });
});

test('a node that is away is not waited for where another has the write, and is where none has', () => {
  const refs = states('enqueued', 'succeeded', 'succeeded');
  expect(foldTask(task(refs), lost([[a, 'away']]))).toMatchObject({
    kind: 'final',
    task: { status: 'succeeded' },
    diverged: [{ node: 'a', shards: [0, 2] }],
  });
  const both = states('enqueued', 'enqueued', 'succeeded');
  expect(
    foldTask(
      task(both),
      lost([
        [a, 'away'],
        [b, 'away'],
      ]),
    ).kind,
  ).toBe('open');
});

test('a task that its last replica has forgotten has failed', () => {
  const refs = states('enqueued', 'enqueued', 'enqueued');
  const fold = foldTask(
    task(refs),
    lost([
      [a, 'forgotten'],
      [b, 'forgotten'],
      [c, 'forgotten'],
    ]),
  );
  expect(fold).toMatchObject({
    kind: 'final',
    task: { status: 'failed', error: { code: 'miroir_interrupted' } },
  });
});

test('canceled on all replicas is canceled, with counters 0', () => {
  const fold = foldTask(task(states('canceled', 'canceled', 'canceled')), lost());
  expect(fold).toMatchObject({
    kind: 'final',
    task: { status: 'canceled', error: null, details: { indexedDocuments: 0 } },
  });
});

test('deleted documents are counted once, whatever the number of copies', () => {
  const refs = [4, 5, 3].map((deletedDocuments, at) =>
    ref([a, b, c][at] ?? a, 'succeeded', { details: { deletedDocuments } }),
  );
  const deletion = task(refs, {
    type: 'documentDeletion',
    details: { deletedDocuments: null },
    extra: {
      nodes: { a: [0, 2], b: [0, 1], c: [1, 2] },
      count: { nodes: ['a', 'b', 'c'], copies: 2 },
    },
  });
  expect(foldTask(deletion, lost())).toMatchObject({ task: { details: { deletedDocuments: 6 } } });
});

test('a node that missed a deletion does not halve the count of the others', () => {
  const nodeTasks = [ref(a, 'succeeded', { details: { deletedDocuments: 60 } })];
  const deletion = task(nodeTasks, {
    type: 'documentDeletion',
    details: { deletedDocuments: null },
    extra: {
      nodes: { a: [0, 1], b: [0, 1] },
      count: { nodes: ['a', 'b'], copies: 2 },
    },
  });
  expect(foldTask(deletion, lost([[b, 'away']]))).toMatchObject({
    task: { details: { deletedDocuments: 60 } },
  });
});

test('random outcomes: a shard stands exactly when one of its replicas does', () => {
  const seed = Date.now() % 100_000;
  let state = seed;
  const next = (n: number): number =>
    ((state = (state * 1_103_515_245 + 12_345) % 2 ** 31) >> 8) % n;
  const holders = [
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'a'],
  ];
  for (let round = 0; round < 500; round += 1) {
    const outcome = new Map(
      ['a', 'b', 'c'].map((node) => [
        node,
        next(2) === 0 ? ('succeeded' as const) : ('failed' as const),
      ]),
    );
    const fold = foldTask(
      task([a, b, c].map((node) => ref(node, outcome.get(node) ?? 'failed'))),
      lost(),
    );
    const stands = holders.map((nodes) => nodes.some((node) => outcome.get(node) === 'succeeded'));
    const expected = stands.every(Boolean) ? 'succeeded' : 'failed';
    expect({ seed, round, status: fold.kind === 'final' ? fold.task.status : 'open' }).toEqual({
      seed,
      round,
      status: expected,
    });
    const diverged =
      fold.kind === 'final'
        ? fold.diverged.flatMap(({ node, shards }) => shards.map((shard) => `${node}${shard}`))
        : [];
    const wanted = holders.flatMap((nodes, shard) =>
      stands[shard] === true
        ? nodes.filter((node) => outcome.get(node) === 'failed').map((node) => `${node}${shard}`)
        : [],
    );
    expect(diverged.sort()).toEqual(wanted.sort());
  }
});

test('a node that took an older write after a newer one is found', () => {
  let instance = 'first';
  const check = new OrderCheck(() => instance);
  const at = (uid: number, nodeUid: number): FleetTask =>
    task([{ node: a, uid: nodeTaskUid(nodeUid), result: { role: 'main' } }], {
      uid: fleetTaskUid(uid),
    });
  expect(check.see(at(1, 10))).toEqual([]);
  expect(check.see(at(2, 12))).toEqual([]);
  expect(check.see(at(4, 15))).toEqual([]);
  expect(check.see(at(3, 14))).toEqual([]);
  expect(check.see(at(5, 13))).toEqual([{ node: 'a', shards: [0, 2] }]);
  // It was rebuilt, and counts its tasks anew.
  instance = 'second';
  expect(check.see(at(6, 2))).toEqual([]);
  expect(check.see(at(7, 1))).toEqual([{ node: 'a', shards: [0, 2] }]);
});

test("an error of a joined filter points into the client's own filter", () => {
  const deletion = task([], { details: { originalFilter: '"nope = 1"' } });
  const message =
    'Index `p-1`: Attribute `nope` is not filterable. Available filterable attribute patterns are: `_miroir_bucket`, `genre`, `_miroir_slot`.\n36:41 (_miroir_bucket IN ["x"]) AND (nope = 1)';
  const error = clientError(deletion, {
    message,
    code: 'invalid_document_filter',
    type: 'invalid_request',
    link: 'l',
  });
  expect(error['message']).toBe(
    'Index `books`: Attribute `nope` is not filterable. Available filterable attribute patterns are: `genre`.\n1:5 nope = 1',
  );
});
