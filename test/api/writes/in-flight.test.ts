/**
 * Goal: small writes of one index are under way together, in one order on every node; what must see all
 * earlier writes waits for them; and a pod that dies with several of them leaves none open.
 * Method: three embedded nodes that answer late, clients that do not wait for each other, and the tasks of
 * the nodes afterwards. A death is a pod whose commits never come.
 */
import type { JsonValue } from '../../../core/fleet';
import type { Store } from '../../../store/types';
import { fleetForTest } from '../support';
import type { FleetForTest, Json, PodForTest } from '../support';
import { waitFor } from '../../support/wait-for';

jest.setTimeout(60_000);

let fleet: FleetForTest;
afterEach(() => fleet.close());

const start = async (env: Record<string, string> = {}): Promise<void> => {
  fleet = await fleetForTest({
    env: {
      MIROIR_NODE_DEADLINE_MS: '2000',
      MIROIR_WRITER_LEASE_MS: '3000',
      MIROIR_POD_LEASE_MS: '3000',
      MIROIR_POD_HEARTBEAT_MS: '500',
      ...env,
    },
  });
};

interface Commits {
  /** The most writes that had begun and not committed at one time. */
  most: number;
  readonly order: number[];
  /** No commit gets through any more. */
  stopped: boolean;
}

/** Watches begins and commits of one pod. */
function watched(): { commits: Commits; wrap: (store: Store) => Store } {
  const commits: Commits = { most: 0, order: [], stopped: false };
  let open = 0;
  const wrap = (store: Store): Store => ({
    ...store,
    writers: {
      ...store.writers,
      begin: async (request) => {
        const result = await store.writers.begin(request);
        if (result.kind === 'ok') commits.most = Math.max(commits.most, (open += 1));
        return result;
      },
      commit: async (request) => {
        if (commits.stopped) throw new Error('Connection is closed.');
        commits.order.push(request.taskUid);
        open -= 1;
        return await store.writers.commit(request);
      },
    },
  });
  return { commits, wrap };
}

/** The tasks of a node for the index, oldest first: type, and the fleet's task where it says it. */
async function nodeTasks(pod: PodForTest, node: number, uid: string): Promise<[string, number][]> {
  const physical = pod.ctx.fleet.index(uid)?.entry.physicalUid ?? '';
  const listed = await fleet.askNode(node, `/tasks?indexUids=${physical}&limit=1000`);
  const tasks = (listed['results'] ?? []) as {
    uid: number;
    type: string;
    customMetadata?: string;
  }[];
  return tasks
    .sort((a, b) => a.uid - b.uid)
    .map(({ type, customMetadata }) => [type, Number((customMetadata ?? 'm-1').slice(1))]);
}

const slow = (ms: number): void => {
  for (const node of fleet.nodes) {
    node.faults.add({
      method: 'POST',
      path: '/indexes/[^/]+/documents\\?',
      action: { kind: 'delay', ms },
    });
  }
};

const uidOf = ({ status, body }: Json): { status: number; uid: number } => ({
  status,
  uid: Number(body['taskUid']),
});

const add = (pod: PodForTest, at: number): Promise<{ status: number; uid: number }> =>
  pod
    .send('POST', '/indexes/many/documents', [{ id: `d${String(at)}` }, { id: 'all', at }])
    .then(uidOf);

const uidsOf = (tasks: readonly [string, number][]): number[] =>
  tasks.map(([, uid]) => uid).filter((uid) => uid >= 0);

const rising = (uids: readonly number[]): number[] => [...uids].sort((a, b) => a - b);

test('writes are under way together, and nodes and commits have them in their order', async () => {
  await start();
  const { commits, wrap } = watched();
  const pod = await fleet.pod({ wrapStore: wrap });
  await pod.write('POST', '/indexes/many/documents?primaryKey=id', [{ id: 'all', at: -1 }]);
  slow(40);
  const answers = await Promise.all(Array.from({ length: 40 }, (_, at) => add(pod, at)));
  expect(answers.every(({ status }) => status === 202)).toBe(true);
  expect(commits.most).toBeGreaterThan(3);
  expect(commits.most).toBeLessThanOrEqual(8);
  expect(commits.order).toEqual(rising(commits.order));
  const uids = answers.map(({ uid }) => uid);
  expect(uids).toEqual(rising(uids));
  await pod.task(uids.at(-1));
  for (const node of fleet.nodes.keys()) {
    const found = uidsOf(await nodeTasks(pod, node, 'many'));
    expect(found).toEqual(rising(found));
  }
  const { body } = await pod.send('GET', '/indexes/many/documents/all');
  expect(body['at']).toBe(39);
  // A replaced document keeps its place, the others came in the order of their tasks.
  const listed = await pod.send('POST', '/indexes/many/search', { limit: 50 });
  const ids = (listed.body['hits'] as { id: string }[]).map(({ id }) => id);
  expect(ids).toEqual(['all', ...Array.from({ length: 40 }, (_, at) => `d${String(at)}`)]);
});

test('with a bound of one, each write waits for the one before', async () => {
  await start({ MIROIR_WRITES_IN_FLIGHT_MAX: '1' });
  const { commits, wrap } = watched();
  const pod = await fleet.pod({ wrapStore: wrap });
  await pod.write('POST', '/indexes/many/documents?primaryKey=id', [{ id: 'all', at: -1 }]);
  await Promise.all(Array.from({ length: 12 }, (_, at) => add(pod, at)));
  expect(commits.most).toBe(1);
});

test('settings and a deletion by filter go between the writes before and those after', async () => {
  await start();
  const { commits, wrap } = watched();
  const pod = await fleet.pod({ wrapStore: wrap });
  await pod.write('POST', '/indexes/many/documents?primaryKey=id', [{ id: 'all', at: -1 }]);
  slow(40);
  const filterable = { filterableAttributes: ['at'] };
  const [, , , settings, , , deletion] = await Promise.all([
    ...[0, 1, 2].map((at) => add(pod, at)),
    pod.send('PATCH', '/indexes/many/settings', filterable).then(uidOf),
    ...[3, 4].map((at) => add(pod, at)),
    pod.send('POST', '/indexes/many/documents/delete', { filter: 'at = 4' }).then(uidOf),
    ...[5, 6].map((at) => add(pod, at)),
  ]);
  expect(commits.most).toBeGreaterThan(1);
  await pod.task(commits.order.at(-1));
  for (const node of fleet.nodes.keys()) {
    // The first two made the index. Settings do not say which task they are of.
    const tasks = (await nodeTasks(pod, node, 'many')).slice(2);
    const uids = tasks.map(([type, uid]) => (type === 'settingsUpdate' ? settings?.uid : uid));
    expect(uids).toEqual(rising(uids.map(Number)));
    expect(uids).toEqual(expect.arrayContaining([settings?.uid, deletion?.uid]));
  }
  const { body } = await pod.send('GET', '/indexes/many/documents?fields=id&limit=20');
  const ids = (body['results'] as { id: JsonValue }[]).map(({ id }) => id);
  // `all` was deleted with the `at` it had then, and came again.
  expect(ids.sort()).toEqual(['all', 'd0', 'd1', 'd2', 'd3', 'd4', 'd5', 'd6']);
});

test('a node that fails in a burst misses what is behind, and the others have all of it', async () => {
  await start();
  const pod = await fleet.pod();
  await pod.write('POST', '/indexes/many/documents?primaryKey=id', [{ id: 'all', at: -1 }]);
  slow(20);
  // One write and all of its tries.
  const action = { kind: 'error' as const, status: 503 };
  fleet.nodes[1]?.faults.add({ method: 'POST', path: '/documents\\?', count: 4, action });
  const answers = await Promise.all(Array.from({ length: 24 }, (_, at) => add(pod, at)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 202));
  await pod.task(answers.at(-1)?.uid);
  const has = uidsOf(await nodeTasks(pod, 1, 'many'));
  expect(has).toEqual(rising(has));
  const rows = pod.ctx.fleet.index('many')?.entry.placement.flatMap(({ shards }) => shards) ?? [];
  const stale = rows.flat().filter(({ state }) => state === 'stale');
  expect(new Set(stale.map(({ node }) => String(node)))).toEqual(new Set(['meili-1']));
  const { body } = await pod.send('GET', '/indexes/many/documents?fields=id&limit=50');
  expect(body['total']).toBe(25);
  const next = await pod.write('POST', '/indexes/many/documents', [{ id: 'next' }]);
  expect(next['status']).toBe('succeeded');
});

test('a pod that can commit nothing any more leaves its writes to the next one, in their order', async () => {
  await start();
  const { commits, wrap } = watched();
  const first = await fleet.pod({ wrapStore: wrap });
  const second = await fleet.pod();
  await first.write('POST', '/indexes/many/documents?primaryKey=id', [{ id: 'all', at: -1 }]);
  await second.ctx.fleet.reload();
  slow(30);
  commits.stopped = true;
  const told = await Promise.all(Array.from({ length: 8 }, (_, at) => add(first, at)));
  expect(told.some(({ status }) => status === 202)).toBe(false);
  const last = await second.send('POST', '/indexes/many/documents', [{ id: 'last' }]);
  expect(last.status).toBe(202);
  await second.task(last.body['taskUid']);
  const tasks = await waitFor(
    async () => {
      const { body } = await second.send('GET', '/tasks?limit=100');
      const all = body['results'] as { status: string }[];
      return all.every(({ status }) => ['succeeded', 'failed'].includes(status)) ? all : null;
    },
    { what: 'the end of all tasks', deadlineMs: 20_000 },
  );
  expect(tasks.length).toBeGreaterThan(2);
  for (const node of fleet.nodes.keys()) {
    const found = uidsOf(await nodeTasks(second, node, 'many'));
    expect(found).toEqual(rising(found));
  }
  const states = second.ctx.fleet
    .index('many')
    ?.entry.placement.flatMap(({ shards }) => shards.flat());
  expect(states?.some(({ state }) => state === 'in-sync')).toBe(true);
});
