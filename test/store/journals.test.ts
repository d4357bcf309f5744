/**
 * Goal: an id leaves a journal only after a copy that was taken when the id's writes were settled.
 * Method: the single cases first, on a real Valkey; then random histories of noting, beginning,
 * committing, copying and crossing off, against a model that knows what each copy contains.
 */
import fc from 'fast-check';
import { nodeId } from '../../core/ids';
import {
  acquireWriter,
  beginRequest,
  begun,
  makeIndex,
  nextNonce,
  openStore,
  podA,
  products,
  shards,
  task,
} from './support';
import type { OpenStore } from './support';
import type { FleetTaskUid } from '../../core/ids';
import type { JournalEntry } from '../../store/types';

const [shard] = shards(0) as [ReturnType<typeof shards>[number]];
const target = nodeId('b');
const seed = Number(process.env['MIROIR_TEST_SEED'] ?? Date.now() % 2 ** 31);

let pod: OpenStore;

beforeEach(async () => {
  pod = openStore();
  await makeIndex(pod.store, ['a:in-sync b:syncing']);
});
afterEach(async () => pod.close());

const journals = (): OpenStore['store']['journals'] => pod.store.journals;
const note = async (nonce: string, ids: readonly string[] | 'all'): Promise<void> =>
  journals().note(products, [shard], [{ shard, target, ids }], nonce);
const read = async (limit = 1_000): ReturnType<OpenStore['store']['journals']['read']> =>
  journals().read(products, shard, target, limit);

async function begin(fence: number, nonce: string): Promise<FleetTaskUid> {
  const { epoch } = await pod.store.fleet.load();
  return begun(await pod.store.writers.begin(beginRequest({ fence, epoch, nonce }))).taskUid;
}

async function commit(fence: number, nonce: string, taskUid: FleetTaskUid): Promise<void> {
  const { epoch } = await pod.store.fleet.load();
  const request = beginRequest({ fence, epoch, nonce });
  const done = { ...request, taskUid, task: task(taskUid), stale: [] };
  expect((await pod.store.writers.commit(done)).kind).toBe('ok');
}

test('a note is pending until its write is committed, and is not handed out before', async () => {
  const fence = await acquireWriter(pod.store, podA);
  const nonce = nextNonce(podA);
  await note(nonce, ['x', 'y']);
  expect(await journals().pending(products)).toEqual([nonce]);
  expect(await read()).toEqual({ ids: [], all: null });
  expect(await journals().size(products, shard, target)).toBe(2);
  const uid = await begin(fence, nonce);
  expect(await read()).toEqual({ ids: [], all: null });
  await commit(fence, nonce, uid);
  expect(await journals().pending(products)).toEqual([]);
  const { ids } = await read();
  expect(ids.map((entry) => entry.id).sort()).toEqual(['x', 'y']);
});

test('what was read is crossed off, and nothing else', async () => {
  await note(nextNonce(podA), ['x', 'y', 'z']);
  await settleAll();
  const { ids } = await read();
  await journals().cross(
    products,
    shard,
    target,
    ids.filter((entry) => entry.id !== 'y'),
  );
  expect((await read()).ids.map((entry) => entry.id)).toEqual(['y']);
});

test('a later write of the same id keeps it, whether it was settled or is still pending', async () => {
  await note(nextNonce(podA), ['x']);
  await settleAll();
  const early = await read();
  const second = nextNonce(podA);
  await note(second, ['x']);
  await journals().cross(products, shard, target, early.ids);
  expect(await journals().size(products, shard, target)).toBe(1);
  expect((await read()).ids).toEqual([]);
  await settleAll();
  expect((await read()).ids).toEqual([{ id: 'x', nonce: second }]);
});

test('an older write that is still under way keeps an id whose newer one was copied', async () => {
  const slow = nextNonce(podA);
  const quick = nextNonce(podA);
  const fence = await acquireWriter(pod.store, podA);
  await note(slow, ['x']);
  await note(quick, ['x']);
  const uid = await begin(fence, quick);
  await commit(fence, quick, uid);
  const { ids } = await read();
  expect(ids).toEqual([{ id: 'x', nonce: quick }]);
  await journals().cross(products, shard, target, ids);
  expect(await journals().size(products, shard, target)).toBe(1);
  await settleAll();
  expect((await read()).ids).toEqual([{ id: 'x', nonce: slow }]);
});

test('many writes of one id keep its entry short', async () => {
  for (let i = 0; i < 50; i += 1) {
    await note(nextNonce(podA), ['x']);
    await settleAll();
  }
  const { ids } = await read();
  expect(ids).toHaveLength(1);
  expect(ids[0]?.nonce.split(' ').length).toBeLessThanOrEqual(2);
});

test('a copy read before older writes were settled does not cross those off', async () => {
  // The fold of settled writes into one marker must not take the name of one that was read.
  const fence = await acquireWriter(pod.store, podA);
  const [slow, quick] = [nextNonce(podA), nextNonce(podA)];
  await note(slow, ['x']);
  await note(quick, ['x']);
  await commit(fence, quick, await begin(fence, quick));
  const early = await read();
  await commit(fence, slow, await begin(fence, slow));
  await note(nextNonce(podA), ['x']);
  await journals().cross(products, shard, target, early.ids);
  expect((await read()).ids).toHaveLength(1);
});

test('a whole-shard note is read and crossed off like an id', async () => {
  const first = nextNonce(podA);
  await note(first, 'all');
  expect((await read()).all).toBeNull();
  await settleAll();
  const { all } = await read();
  expect(all).toBe(first);
  await note(nextNonce(podA), 'all');
  await journals().cross(products, shard, target, [], all ?? '');
  expect(await journals().size(products, shard, target)).toBe(1);
  await settleAll();
  await journals().cross(products, shard, target, [], (await read()).all ?? '');
  expect(await journals().size(products, shard, target)).toBe(0);
});

test('reads are bounded and reach every id', async () => {
  const ids = Array.from({ length: 2_500 }, (_, i) => `id-${i}`);
  await note(nextNonce(podA), ids);
  await settleAll();
  const seen = new Set<string>();
  for (let rounds = 0; seen.size < ids.length && rounds < 50; rounds += 1) {
    const part = await read(700);
    expect(part.ids.length).toBeLessThanOrEqual(700);
    for (const { id } of part.ids) seen.add(id);
    await journals().cross(products, shard, target, part.ids);
  }
  expect([...seen].sort()).toEqual([...ids].sort());
  expect(await journals().size(products, shard, target)).toBe(0);
});

test('settled ids are found behind any number of pending ones', async () => {
  const fence = await acquireWriter(pod.store, podA);
  const settled = nextNonce(podA);
  await note(settled, ['needle']);
  await commit(fence, settled, await begin(fence, settled));
  await note(
    nextNonce(podA),
    Array.from({ length: 3_000 }, (_, i) => `id-${i}`),
  );
  expect((await read(10)).ids).toEqual([{ id: 'needle', nonce: settled }]);
});

test('a nonce that began is not abandoned, one that did not is', async () => {
  const fence = await acquireWriter(pod.store, podA);
  const [began, idle] = [nextNonce(podA), nextNonce(podA)];
  await note(began, ['x']);
  await note(idle, ['y']);
  await begin(fence, began);
  expect(await journals().abandon(products, began)).toBe(false);
  expect(await journals().abandon(products, idle)).toBe(true);
  expect(await journals().abandon(products, 'never-noted')).toBe(true);
  expect(await journals().pending(products)).toEqual([began]);
  expect((await read()).ids.map((entry) => entry.id)).toEqual(['y']);
});

test('noting after the begin is refused: the write may have been missed already', async () => {
  const fence = await acquireWriter(pod.store, podA);
  const nonce = nextNonce(podA);
  await note(nonce, ['x']);
  await begin(fence, nonce);
  await expect(note(nonce, ['y'])).rejects.toThrow(RangeError);
});

test('refuses shards that were not listed and nonces it cannot keep', async () => {
  const entry = { shard, target, ids: ['x'] };
  await expect(journals().note(products, shards(3), [entry], 'n')).rejects.toThrow(RangeError);
  await expect(journals().note(products, shards(0), [entry], '=n')).rejects.toThrow('cannot');
  await expect(journals().note(products, shards(0), [entry], 'a b')).rejects.toThrow('cannot');
});

test('a dropped journal is empty', async () => {
  await note(nextNonce(podA), ['x']);
  await journals().drop(products, shard, target);
  expect(await journals().size(products, shard, target)).toBe(0);
});

/** Gives up every nonce that has not begun: for a journal that is the same as a commit. */
async function settleAll(): Promise<void> {
  for (const nonce of await journals().pending(products)) {
    await journals().abandon(products, nonce);
  }
}

/**
 * The model: `source[id]` counts the writes that landed on the source, `copied[id]` the writes that the
 * target's copy contains. A write lands between its begin and its commit. A copier reads the journal,
 * then the source, then writes the target and crosses off, with anything in between. Each drawn
 * number chooses among the moves that are possible at that point.
 */
interface ModelWrite {
  readonly nonce: string;
  readonly ids: Set<number>;
  state: 'noted' | 'begun' | 'landed';
  uid: FleetTaskUid | null;
}

interface ModelCopier {
  readonly entries: readonly JournalEntry[];
  seen: readonly number[] | null;
}

class Model {
  readonly source = [0, 0];
  readonly copied = [0, 0];
  readonly writes: ModelWrite[] = [];
  readonly copiers: ModelCopier[] = [];

  constructor(readonly fence: number) {}

  /** Every move that is possible now, in a fixed order. */
  moves(): (() => Promise<void>)[] {
    const moves: (() => Promise<void>)[] = [];
    if (this.writes.length < 3) {
      for (const ids of [[0], [1], [0, 1]]) moves.push(async () => this.note(ids));
    }
    for (const write of this.writes) {
      if (write.state === 'noted') {
        moves.push(
          async () => this.begin(write),
          async () => this.abandon(write),
        );
      } else {
        if (write.state === 'begun') moves.push(async () => this.land(write));
        moves.push(async () => this.commit(write));
      }
    }
    if (this.copiers.length < 2) moves.push(async () => this.read());
    for (const copier of this.copiers) {
      if (copier.seen === null) moves.push(async () => this.copy(copier));
      else moves.push(async () => this.cross(copier));
    }
    return moves;
  }

  async note(ids: readonly number[]): Promise<void> {
    const nonce = nextNonce(podA);
    await note(nonce, ids.map(String));
    this.writes.push({ nonce, ids: new Set(ids), state: 'noted', uid: null });
  }

  async begin(write: ModelWrite): Promise<void> {
    write.uid = await begin(this.fence, write.nonce);
    write.state = 'begun';
  }

  async abandon(write: ModelWrite): Promise<void> {
    expect(await journals().abandon(products, write.nonce)).toBe(true);
    this.writes.splice(this.writes.indexOf(write), 1);
  }

  async land(write: ModelWrite): Promise<void> {
    for (const id of write.ids) this.source[id] = (this.source[id] ?? 0) + 1;
    write.state = 'landed';
    return Promise.resolve();
  }

  async commit(write: ModelWrite): Promise<void> {
    if (write.state === 'begun') await this.land(write);
    if (write.uid === null) throw new Error('a write is committed that never began');
    await commit(this.fence, write.nonce, write.uid);
    this.writes.splice(this.writes.indexOf(write), 1);
  }

  async read(): Promise<void> {
    this.copiers.push({ entries: (await read()).ids, seen: null });
  }

  async copy(copier: ModelCopier): Promise<void> {
    copier.seen = [...this.source];
    return Promise.resolve();
  }

  async cross(copier: ModelCopier): Promise<void> {
    for (const entry of copier.entries) {
      const id = Number(entry.id);
      this.copied[id] = Math.max(this.copied[id] ?? 0, copier.seen?.[id] ?? 0);
    }
    await journals().cross(products, shard, target, copier.entries);
    this.copiers.splice(this.copiers.indexOf(copier), 1);
  }

  async finish(): Promise<void> {
    for (const write of [...this.writes]) {
      if (write.state === 'noted') await this.abandon(write);
      else await this.commit(write);
    }
    for (const copier of [...this.copiers]) {
      if (copier.seen !== null) await this.cross(copier);
    }
  }
}

test(`no acknowledged id is lost (seed ${seed})`, async () => {
  const fence = await acquireWriter(pod.store, podA, 600_000);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 1_000 }), { minLength: 10, maxLength: 40 }),
      async (draws) => {
        await journals().drop(products, shard, target);
        const model = new Model(fence);
        for (const draw of draws) {
          const moves = model.moves();
          await moves[draw % moves.length]?.();
        }
        await model.finish();
        const left = new Set((await read()).ids.map((entry) => Number(entry.id)));
        for (const [id, landed] of model.source.entries()) {
          if (!left.has(id)) expect(model.copied[id]).toBe(landed);
        }
      },
    ),
    { seed, numRuns: 400 },
  );
}, 120_000);
