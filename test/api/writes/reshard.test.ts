/**
 * Goal: an index gets another number of shards between two writes: nothing is copied, no search and no
 * write shows that it happened, and what was learnt under the old numbers is applied to the right shards.
 * Method: two pods with embedded nodes in one process; clients write and search without pause while the
 * number of shards goes up and down several times.
 */
import { reshardCatalogue } from '../../../activities/reshard';
import type { ActivityTools, Call } from '../../../activities/tools';
import { indexUid } from '../../../core/ids';
import { shardOfId } from '../../../core/hash';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';
import { waitFor } from '../../support/wait-for';

jest.setTimeout(90_000);

let fleet: FleetForTest;
let pods: PodForTest[];

beforeEach(async () => {
  fleet = await fleetForTest({ nodes: 3, replicationFactor: 2, shards: 16 });
  pods = [await fleet.pod(), await fleet.pod()];
});
afterEach(async () => {
  await fleet.close();
});

const pod = (at = 0): PodForTest => pods[at] as PodForTest;
const entry = () => pod().ctx.fleet.index('films')?.entry;

function toolsOf({ ctx: { store, nodes } }: PodForTest): ActivityTools {
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    ...{ store, nodes, clock: { now: () => Date.now(), sleep } },
    config: { fenceMaxMs: 3_000 },
  } as unknown as ActivityTools;
}

async function reshard(shardCount: number): Promise<number> {
  const physicalUid = entry()?.physicalUid;
  if (physicalUid === undefined) throw new Error('no index');
  const change = { kind: 'reshard', index: indexUid('films'), physicalUid, shardCount } as const;
  const call = {
    ...{
      attempt: 1,
      scheduledAt: 0,
      runId: `run-${String(shardCount)}`,
      signal: new AbortController().signal,
    },
    ...{ beat: () => undefined, resumed: () => null },
  } satisfies Call;
  const request = { change, who: 'test', why: 'test', operation: 'reshard/test' };
  return waitFor(
    async () => {
      const outcome = await reshardCatalogue(toolsOf(pod()), request, call);
      if (outcome.done) return outcome.fencedMs + 1;
      if (outcome.final) throw new Error(outcome.reason);
      return null;
    },
    { what: 'a moment without open writes', deadlineMs: 30_000 },
  );
}

test('the number of shards changes under load without a wrong answer or a copied document', async () => {
  const documents = Array.from({ length: 300 }, (_, id) => ({ id, version: 0 }));
  await pod().write('POST', '/indexes/films/documents', documents);
  const indexed = async (): Promise<number[]> =>
    Promise.all(
      [0, 1, 2].map(async (node) => {
        const path = `/tasks?indexUids=${String(entry()?.physicalUid)}&types=documentAdditionOrUpdate`;
        return Number((await fleet.askNode(node, path))['total']);
      }),
    );
  let stop = false;
  let next = 1_000;
  const sure = new Set(documents.map(({ id }) => id));
  const faults: string[] = [];
  const writer = async (at: number): Promise<number> => {
    let sent = 0;
    while (!stop) {
      const id = next++;
      const body = [
        { id, version: 1 },
        { id: id % 300, version: id },
      ];
      const answer = await pod(at).send('POST', '/indexes/films/documents', body);
      if (answer.status !== 202) faults.push(answer.text);
      else {
        const done = await pod(at).task(answer.body['taskUid']);
        if (done['status'] === 'succeeded') sure.add(id);
        else faults.push(JSON.stringify(done));
      }
      sent += 1;
    }
    return sent;
  };
  const searcher = async (at: number): Promise<number> => {
    let searches = 0;
    while (!stop) {
      const expected = [...sure];
      const { body } = await pod(at).send('POST', '/indexes/films/search', { limit: 100_000 });
      const hits = body['hits'] as { id: number }[];
      const ids = new Set(hits.map(({ id }) => id));
      if (ids.size !== hits.length) faults.push(`${String(hits.length - ids.size)} doubled`);
      if (body['estimatedTotalHits'] !== hits.length) faults.push('the total is wrong');
      const missed = expected.filter((id) => !ids.has(id));
      if (missed.length > 0) faults.push(`${String(missed.length)} missed`);
      searches += 1;
    }
    return searches;
  };
  const quiet = await indexed();
  const before = entry();
  const load = Promise.all([writer(0), writer(1), searcher(0), searcher(1)]);
  const fenced: number[] = [];
  try {
    for (const shardCount of [64, 32, 256, 16]) {
      fenced.push(await reshard(shardCount));
      await waitFor(() => entry()?.shardCount === shardCount, { what: 'the pod to know' });
      const known = sure.size;
      await waitFor(() => sure.size >= known + 3, { what: 'writes under the new numbers' });
    }
  } finally {
    stop = true;
  }
  const [one = 0, two = 0, ...searches] = await load;

  expect(faults).toEqual([]);
  expect(one + two).toBeGreaterThan(5);
  expect(Math.min(...searches)).toBeGreaterThan(2);
  expect(fenced.every((ms) => ms < 3_000)).toBe(true);
  // Each client write is at most one task of a node: nothing was copied or written anew.
  const now = await indexed();
  now.forEach((count, node) => expect(count - (quiet[node] ?? 0)).toBeLessThanOrEqual(one + two));
  expect(entry()?.placement).toEqual(before?.placement);
});

test('a write that is being sent holds the change up, and is not broken by it', async () => {
  await pod().write('POST', '/indexes/films/documents', [{ id: 1 }]);
  const physicalUid = entry()?.physicalUid as never;
  const outstanding = jest.spyOn(pod().ctx.store.writers, 'outstanding');
  outstanding.mockResolvedValueOnce([{ taskUid: 7 } as never]);
  await reshard(32);
  expect(outstanding.mock.calls.length).toBeGreaterThan(1);
  outstanding.mockRestore();
  expect(await pod().ctx.store.writers.outstanding(physicalUid)).toEqual([]);
  const task = await pod(1).write('POST', '/indexes/films/documents', [{ id: 2 }]);
  expect(task['status']).toBe('succeeded');
});

test('a copy that failed a write under the old numbers is stale under the new ones', async () => {
  await pod().write('POST', '/indexes/films/documents', [{ id: 1 }]);
  const shard = shardOfId('2', 16);
  const holder = entry()?.placement[0]?.shards[shard]?.[0]?.node;
  const urls = pod().ctx.fleet.current().nodes;
  const url = urls.find(({ id }) => id === holder)?.url;
  const node = fleet.nodes.find((one) => url?.startsWith(one.url));
  node?.faults.add({ action: { kind: 'holdTasks' } });
  const { taskUid } = (await pod().send('POST', '/indexes/films/documents', [{ id: 2 }])).body;
  await reshard(64);
  node?.faults.clear();
  node?.faults.add({ count: 1, action: { kind: 'diskFull' } });
  expect(await pod().task(taskUid)).toMatchObject({ status: 'succeeded' });
  const stale = await waitFor(
    async () => {
      const { indexes } = await pod().ctx.store.fleet.load();
      const rows = indexes[0]?.placement[0]?.shards ?? [];
      const found = rows.flatMap((row, at) =>
        row.some((one) => one.node === holder && one.state === 'stale') ? [at] : [],
      );
      return found.length > 0 && found;
    },
    { what: 'the copy to be stale' },
  );
  expect(stale).toEqual([0, 1, 2, 3].map((piece) => shard * 4 + piece));
});
