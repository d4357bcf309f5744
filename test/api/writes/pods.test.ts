/**
 * Goal: two pods that write to one index give one order, and a pod that dies in the middle of a write
 * leaves nothing that the other does not end.
 * Method: pods in one process over one Redis and three embedded nodes; a death is a pod whose commits
 * never come and whose heartbeats stop. Another test kills a real process.
 */
import { decodeSeq } from '../../../core/hidden-fields';
import type { JsonValue } from '../../../core/fleet';
import type { Store } from '../../../store/types';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';
import { waitFor } from '../../support/wait-for';

jest.setTimeout(60_000);

let fleet: FleetForTest;

beforeEach(async () => {
  fleet = await fleetForTest({
    env: {
      MIROIR_NODE_DEADLINE_MS: '300',
      MIROIR_WRITER_LEASE_MS: '600',
      MIROIR_POD_LEASE_MS: '900',
      MIROIR_POD_HEARTBEAT_MS: '200',
    },
  });
});
afterEach(async () => {
  for (const bury of burials.splice(0)) bury();
  await fleet.close();
});

/** What lets the calls of dead pods end, so that the test can. */
const burials: (() => void)[] = [];

/** A store that stops telling Redis anything once `die` was called, as a killed process would. */
function mortal(point: 'before-send' | 'before-commit'): {
  wrap: (store: Store) => Store;
  armed: { value: boolean };
  dead: Promise<void>;
} {
  const armed = { value: false };
  let died = (): void => undefined;
  const dead = new Promise<void>((resolve) => (died = resolve));
  let isDead = false;
  let bury = (): void => undefined;
  const never = new Promise<never>((_resolve, reject) => {
    bury = () => reject(new Error('This pod is dead.'));
  });
  never.catch(() => undefined);
  burials.push(() => bury());
  const die = async (): Promise<never> => {
    isDead = true;
    died();
    return await never;
  };
  const wrap = (store: Store): Store => ({
    ...store,
    pods: {
      ...store.pods,
      heartbeat: async (id, epoch) =>
        isDead ? await never : await store.pods.heartbeat(id, epoch),
      unregister: async (id) => (isDead ? undefined : await store.pods.unregister(id)),
    },
    leases: {
      ...store.leases,
      acquire: async (...args) => (isDead ? null : await store.leases.acquire(...args)),
    },
    writers: {
      ...store.writers,
      begin: async (request) => {
        if (isDead) return await never;
        const result = await store.writers.begin(request);
        if (armed.value && point === 'before-send' && result.kind === 'ok') return await die();
        return result;
      },
      commit: async (request) => {
        if (isDead || (armed.value && point === 'before-commit')) return await die();
        return await store.writers.commit(request);
      },
      renew: async (...args) =>
        isDead ? { ok: false, wanted: false } : await store.writers.renew(...args),
      release: async (...args) => (isDead ? undefined : await store.writers.release(...args)),
    },
  });
  return { wrap, armed, dead };
}

async function nodeOrder(pod: PodForTest, uid: string): Promise<void> {
  const physical = pod.ctx.fleet.index(uid)?.entry.physicalUid ?? '';
  for (const at of fleet.nodes.keys()) {
    const listed = await fleet.askNode(at, `/tasks?indexUids=${physical}&limit=1000`);
    const tasks = (listed['results'] ?? []) as { uid: number; customMetadata?: string }[];
    const fleetUids = tasks
      .sort((a, b) => a.uid - b.uid)
      .flatMap(({ customMetadata }) =>
        customMetadata === undefined ? [] : [Number(customMetadata.slice(1))],
      );
    expect(fleetUids).toEqual([...fleetUids].sort((a, b) => a - b));
  }
}

test('two pods that write by turns give one order of uids, places and node tasks', async () => {
  const [one, two] = [await fleet.pod(), await fleet.pod()];
  await one.write('POST', '/indexes/turns/documents?primaryKey=id', [{ id: 'first' }]);
  const answers = await Promise.all(
    Array.from({ length: 60 }, async (_, at) => {
      const pod = at % 2 === 0 ? one : two;
      const answer = await pod.send('POST', '/indexes/turns/documents', [
        { id: `d${at}` },
        { id: 'both', at },
      ]);
      expect(answer.status).toBe(202);
      return { at, uid: Number(answer.body['taskUid']) };
    }),
  );
  await one.task(Math.max(...answers.map(({ uid }) => uid)));
  await nodeOrder(one, 'turns');
  const seqs = new Map<string, number>();
  const physical = one.ctx.fleet.index('turns')?.entry.physicalUid ?? '';
  let both: JsonValue = null;
  for (const node of fleet.nodes.keys()) {
    const listed = await fleet.askNode(node, `/indexes/${physical}/documents?limit=1000`);
    for (const doc of (listed['results'] ?? []) as { [name: string]: JsonValue }[]) {
      seqs.set(String(doc['id']), decodeSeq(String(doc['_miroir_seq'])));
      if (doc['id'] === 'both') both = doc['at'] ?? null;
    }
  }
  const byUid = [...answers].sort((a, b) => a.uid - b.uid);
  const places = byUid.map(({ at }) => seqs.get(`d${at}`) ?? -1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  expect(both).toBe(byUid.at(-1)?.at);
  expect(seqs.get('both')).toBeLessThan(places[1] ?? 0);
});

test('a write that was sent and not committed is committed by the next writer', async () => {
  const { wrap, armed, dead } = mortal('before-commit');
  const first = await fleet.pod({ wrapStore: wrap });
  const second = await fleet.pod();
  await first.write('POST', '/indexes/left/documents?primaryKey=id', [{ id: 1 }]);
  await second.ctx.fleet.reload();
  armed.value = true;
  void first.send('POST', '/indexes/left/documents', [{ id: 2 }, { id: 3 }]);
  await dead;
  const answer = await second.send('POST', '/indexes/left/documents', [{ id: 4 }]);
  expect(answer.status).toBe(202);
  const left = await second.task(Number(answer.body['taskUid']) - 1);
  expect(left).toMatchObject({
    status: 'succeeded',
    details: { receivedDocuments: 2, indexedDocuments: 2 },
  });
  await second.task(answer.body['taskUid']);
  const { body } = await second.send('GET', '/indexes/left/documents');
  expect(body['total']).toBe(4);
  await nodeOrder(second, 'left');
});

test('a write that was never sent ends as interrupted, and no replica is given up for it', async () => {
  const { wrap, armed, dead } = mortal('before-send');
  const first = await fleet.pod({ wrapStore: wrap });
  const second = await fleet.pod();
  await first.write('POST', '/indexes/unsent/documents?primaryKey=id', [{ id: 1 }]);
  await second.ctx.fleet.reload();
  armed.value = true;
  void first.send('POST', '/indexes/unsent/documents', [{ id: 2 }]);
  await dead;
  // Nobody writes to the index: the sweeper of the other pod finds it.
  const uid = await waitFor(
    async () => {
      const { body } = await second.send('GET', '/tasks?limit=1');
      const [task] = body['results'] as { uid: number; status: string }[];
      return task?.status === 'failed' ? task.uid : null;
    },
    { what: 'the write to be settled', deadlineMs: 20_000 },
  );
  const task = await second.task(uid);
  expect(task).toMatchObject({
    status: 'failed',
    error: { code: 'miroir_interrupted' },
    details: { receivedDocuments: 1, indexedDocuments: 0 },
  });
  const states = second.ctx.fleet
    .index('unsent')
    ?.entry.placement.flatMap(({ shards }) => shards.flat());
  expect(new Set(states?.map(({ state }) => state))).toEqual(new Set(['in-sync']));
  const again = await second.write('POST', '/indexes/unsent/documents', [{ id: 2 }]);
  expect(again['status']).toBe('succeeded');
});

test('a deletion that was never sent is sent by whoever settles it', async () => {
  const { wrap, armed, dead } = mortal('before-send');
  const first = await fleet.pod({ wrapStore: wrap });
  const second = await fleet.pod();
  await first.write('POST', '/indexes/resent/documents?primaryKey=id', [{ id: 1 }, { id: 2 }]);
  await second.ctx.fleet.reload();
  armed.value = true;
  void first.send('DELETE', '/indexes/resent/documents/1');
  await dead;
  const answer = await second.send('POST', '/indexes/resent/documents', [{ id: 3 }]);
  const deletion = await second.task(Number(answer.body['taskUid']) - 1);
  expect(deletion).toMatchObject({ status: 'succeeded', details: { deletedDocuments: 1 } });
  await second.task(answer.body['taskUid']);
  const { body } = await second.send('GET', '/indexes/resent/documents?fields=id');
  const ids = (body['results'] as { id: number }[]).map(({ id }) => id).sort();
  expect(ids).toEqual([2, 3]);
});

test('an index that is made on one pod can be written to on the other at once', async () => {
  const [one, two] = [await fleet.pod(), await fleet.pod()];
  const answers = await Promise.all(
    [one, two, one, two].map((pod, at) =>
      pod.send('POST', '/indexes/race/documents?primaryKey=id', [{ id: at }]),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
  for (const { body } of answers)
    expect(await one.task(body['taskUid'])).toMatchObject({ status: 'succeeded' });
  const { body } = await two.send('GET', '/indexes/race/documents');
  expect(body['total']).toBe(4);
  expect(one.ctx.fleet.current().indexes.filter(({ uid }) => uid === 'race')).toHaveLength(1);
});
