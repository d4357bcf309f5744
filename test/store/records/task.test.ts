/**
 * Goal: tasks are listed as the engine lists them, whatever the filter, and finished ones are bounded.
 * Method: the same filters are answered by the store and by a plain scan over all tasks.
 */
import fc from 'fast-check';
import { epoch, fleetTaskUid, indexUid } from '../../../core/ids';
import type {
  FleetTask,
  FleetTaskStatus,
  FleetTaskType,
  TaskFilter,
} from '../../../store/task-types';
import { beginRequest, begun, draft, openStore, task } from '../support';
import type { OpenStore } from '../support';

const seed = Number(process.env['MIROIR_TEST_SEED'] ?? Date.now() % 2 ** 31);
let pod: OpenStore;

beforeEach(() => {
  pod = openStore();
});
afterEach(async () => pod.close());

const tasks = (): OpenStore['store']['tasks'] => pod.store.tasks;
const uids = (list: readonly FleetTask[]): number[] => list.map((one) => one.uid);

async function saveMany(count: number, of: (uid: number) => Partial<FleetTask>): Promise<void> {
  for (let uid = 0; uid < count; uid += 1) {
    expect(await tasks().save(task(uid, of(uid)))).toBe(true);
  }
}

test('an empty store has no task', async () => {
  expect(await tasks().list({ limit: 20 })).toEqual({ tasks: [], total: 0, next: null });
  expect(await tasks().lastUid()).toBeNull();
  expect(await tasks().get(fleetTaskUid(0))).toBeNull();
  expect(await tasks().delete([])).toBe(0);
});

test('pages go from the newest to the oldest, or back', async () => {
  await saveMany(7, (uid) => ({ status: uid % 2 === 0 ? 'succeeded' : 'enqueued' }));
  const first = await tasks().list({ limit: 3 });
  expect([uids(first.tasks), first.total, first.next]).toEqual([[6, 5, 4], 7, 3]);
  const second = await tasks().list({ limit: 3, from: fleetTaskUid(3) });
  expect([uids(second.tasks), second.total, second.next]).toEqual([[3, 2, 1], 7, 0]);
  const last = await tasks().list({ limit: 3, from: fleetTaskUid(0) });
  expect([uids(last.tasks), last.next]).toEqual([[0], null]);
  const back = await tasks().list({ limit: 3, reverse: true });
  expect([uids(back.tasks), back.next]).toEqual([[0, 1, 2], 3]);
  const on = await tasks().list({ limit: 9, reverse: true, from: fleetTaskUid(3) });
  expect([uids(on.tasks), on.next]).toEqual([[3, 4, 5, 6], null]);
  const none = await tasks().list({ limit: 0 });
  expect([uids(none.tasks), none.total, none.next]).toEqual([[], 7, 6]);
});

test('a task comes back as it was saved, and saved again it replaces itself', async () => {
  const full = task(3, {
    status: 'failed',
    error: { message: 'no "id"\u2028', code: 'c', type: 't', link: 'l' },
    canceledBy: fleetTaskUid(9),
    startedAt: '2026-01-01T00:00:01.123Z',
    finishedAt: '2026-01-01T00:00:02.123Z',
    duration: 'PT1S',
    customMetadata: 'm3',
    batchUid: 5,
    shards: 'all',
    primaryKeyWanted: 'id',
    extra: { big: 9_007_199_254_740_991, nested: [{ a: null }] },
  });
  await tasks().save(full);
  expect(await tasks().get(fleetTaskUid(3))).toEqual(full);
  await tasks().save({ ...full, details: null });
  expect(await tasks().get(fleetTaskUid(3))).toEqual({ ...full, details: null });
  expect((await tasks().list({ limit: 9 })).total).toBe(1);
});

test('open tasks are those without a final status, oldest first', async () => {
  const statuses: FleetTaskStatus[] = ['enqueued', 'succeeded', 'processing', 'failed', 'canceled'];
  await saveMany(5, (uid) => ({ status: statuses[uid]! }));
  expect(await tasks().open()).toEqual([0, 2]);
  await tasks().save(task(0, { status: 'succeeded' }));
  expect(await tasks().open()).toEqual([2]);
});

test('a final task does not become open again', async () => {
  await saveMany(1, () => ({ status: 'succeeded' }));
  expect(await tasks().save(task(0, { status: 'processing' }))).toBe(false);
  expect(await tasks().get(fleetTaskUid(0))).toMatchObject({ status: 'succeeded' });
});

test('a deleted task is gone and does not come back; its uid is not used again', async () => {
  await saveMany(3, () => ({ status: 'succeeded' }));
  expect(await tasks().delete([fleetTaskUid(1), fleetTaskUid(2), fleetTaskUid(99)])).toBe(2);
  expect(await tasks().save(task(2))).toBe(false);
  expect(await tasks().get(fleetTaskUid(2))).toBeNull();
  expect(
    uids((await tasks().list({ limit: 9, filter: { statuses: ['succeeded'] } })).tasks),
  ).toEqual([0]);
  expect(await tasks().lastUid()).toBe(2);
  const next = beginRequest({ physicalUid: null, fence: null, epoch: epoch(0), shards: [] });
  expect(begun(await pod.store.writers.begin(next)).taskUid).toBe(3);
});

test('finished tasks beyond the bound go, oldest first; open ones stay', async () => {
  const small = openStore({ prefix: pod.prefix, tasksMax: 3 });
  try {
    const { store } = small;
    await store.tasks.save(task(0, { status: 'processing' }));
    for (let uid = 1; uid <= 6; uid += 1) await store.tasks.save(task(uid, { status: 'failed' }));
    expect(uids((await store.tasks.list({ limit: 20 })).tasks)).toEqual([6, 5, 4, 0]);
    expect(await store.tasks.get(fleetTaskUid(1))).toBeNull();
    const names = await small.redis.keys(`{${pod.prefix}}:task:*`);
    expect(names).toHaveLength(4);
  } finally {
    await small.close();
  }
});

test('enqueued also finds tasks that are being enqueued', async () => {
  const request = beginRequest({
    physicalUid: null,
    fence: null,
    epoch: epoch(0),
    shards: [],
    task: draft(),
  });
  begun(await pod.store.writers.begin(request));
  const enqueued = await tasks().list({ limit: 9, filter: { statuses: ['enqueued'] } });
  expect(enqueued.tasks.map((one) => one.status)).toEqual(['enqueuing']);
  const processing = await tasks().list({ limit: 9, filter: { statuses: ['processing'] } });
  expect(processing.total).toBe(0);
});

const statuses: FleetTaskStatus[] = ['enqueued', 'processing', 'succeeded', 'failed', 'canceled'];
const types: FleetTaskType[] = ['documentAdditionOrUpdate', 'settingsUpdate', 'indexSwap'];
const indexes = ['x', 'y', 'z'].map(indexUid);
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const some = <T>(values: readonly T[]): fc.Arbitrary<T[] | undefined> =>
  optional(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength: 2 }));
const time = optional(fc.integer({ min: 0, max: 60 }).map((s) => Date.UTC(2026, 0, 1, 0, 0, s)));

const filters = fc.record({
  uids: some([0, 3, 5, 17, 29, 40].map(fleetTaskUid)),
  batchUids: some([0, 1]),
  statuses: some(statuses),
  types: some(types),
  indexUids: some(indexes),
  canceledBy: some([1, 2].map(fleetTaskUid)),
  beforeEnqueuedAt: time,
  afterEnqueuedAt: time,
  beforeStartedAt: time,
  afterStartedAt: time,
  beforeFinishedAt: time,
  afterFinishedAt: time,
});

function matches(one: FleetTask, filter: TaskFilter): boolean {
  const among = <T>(wanted: readonly T[] | undefined, value: T | null): boolean =>
    wanted === undefined || (value !== null && wanted.includes(value));
  const within = (at: string | null, after?: number, before?: number): boolean =>
    (after === undefined || (at !== null && Date.parse(at) > after)) &&
    (before === undefined || (at !== null && Date.parse(at) < before));
  const names = [one.indexUid, ...((one.extra['indexUids'] as string[] | undefined) ?? [])];
  return (
    among(filter.uids, one.uid) &&
    among(filter.batchUids, one.batchUid) &&
    among(filter.statuses, one.status) &&
    among(filter.types, one.type) &&
    (filter.indexUids?.some((uid) => names.includes(uid)) ?? true) &&
    among(filter.canceledBy, one.canceledBy) &&
    within(one.enqueuedAt, filter.afterEnqueuedAt, filter.beforeEnqueuedAt) &&
    within(one.startedAt, filter.afterStartedAt, filter.beforeStartedAt) &&
    within(one.finishedAt, filter.afterFinishedAt, filter.beforeFinishedAt)
  );
}

test(`every filter finds what a plain scan finds (seed ${seed})`, async () => {
  const at = (seconds: number): string =>
    new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString();
  const all = Array.from({ length: 40 }, (_, uid) => {
    const status = statuses[uid % 5]!;
    const type = types[(uid * 7) % 3]!;
    return task(uid, {
      status,
      type,
      indexUid: type === 'indexSwap' ? null : indexes[uid % 3]!,
      enqueuedAt: at(uid),
      startedAt: status === 'enqueued' ? null : at(uid + 5),
      finishedAt: ['enqueued', 'processing'].includes(status) ? null : at(uid + 9),
      canceledBy: status === 'canceled' ? fleetTaskUid(uid % 3) : null,
      batchUid: status === 'enqueued' ? null : uid % 4,
      extra: type === 'indexSwap' ? { indexUids: [indexes[uid % 2]!, 'q'] } : {},
    });
  });
  for (const one of all) await tasks().save(one);
  await fc.assert(
    fc.asyncProperty(
      filters,
      fc.boolean(),
      fc.nat({ max: 6 }),
      optional(fc.nat({ max: 45 })),
      async (drawn, reverse, limit, from) => {
        const filter = drawn as TaskFilter;
        const found = all.filter((one) => matches(one, filter));
        const ordered = reverse ? found : [...found].reverse();
        const rest = ordered.filter(
          ({ uid }) => from === undefined || (reverse ? uid >= from : uid <= from),
        );
        const start = from === undefined ? {} : { from: fleetTaskUid(from) };
        const page = await tasks().list({ ...start, limit, reverse, filter });
        expect(uids(page.tasks)).toEqual(uids(rest.slice(0, limit)));
        expect(page.total).toBe(found.length);
        expect(page.next).toBe(rest[limit]?.uid ?? null);
      },
    ),
    { seed, numRuns: 300 },
  );
}, 60_000);
