/**
 * Goal: indexes roll over under a stream of writes without a write refused or lost at a flip, the read
 * alias finds every acknowledged document exactly once at every moment, retention keeps what it must, and
 * all that also when the worker is killed between each two steps.
 *
 * Method: real processes. Policies roll write aliases over while a writer fills each of them and a reader
 * searches all of its read alias without pause. The worker kills itself at the beginning of each step of a
 * rollover once and is started again. `MIROIR_ROLLOVER_INDEXES` (3) and `MIROIR_ROLLOVER_DOCS` (80 make an
 * index full) set the size; 10 and 1000 are the ones to try by hand.
 */
import { ApiClient, ApiError } from '../../cli/client';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { waitFor } from '../support/wait-for';

const maxDocs = Number(process.env['MIROIR_ROLLOVER_DOCS'] ?? 80);
const count = Number(process.env['MIROIR_ROLLOVER_INDEXES'] ?? 3);
const names = Array.from({ length: count }, (_, n) => `logs${n}`);
/** Of this one only the newest two indexes stay. */
const kept = `logs${count - 1}`;
const rolls = 2;
const batch = Math.max(10, Math.floor(maxDocs / 8));
const deadlineMs = 180_000 + maxDocs * 400;
const steps = ['check', 'create', 'settle', 'flip', 'retain'].map((step) => `rollover-${step}`);

interface Alias {
  readonly targets: readonly string[];
  readonly flips?: number;
}

let fleet: RunningFleet;
let api: ApiClient;
let killed = 0;

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = builtForTest();
  fleet = await startFleet({
    nodes: 2,
    replicationFactor: 1,
    settings: {
      MIROIR_FAILPOINT: steps.join(','),
      MIROIR_REQUEST_DEADLINE_MS: '8000',
      MIROIR_NODE_DEADLINE_MS: '6000',
      MIROIR_FENCE_MAX_MS: '2000',
      MIROIR_WORKER_HEARTBEAT_MS: '1000',
      MIROIR_WORKER_STICKY_MS: '1000',
    },
  });
  api = new ApiClient(fleet);
  fleet.onUnexpectedEnd((program) => {
    if (program.name !== 'worker-0') return;
    killed += 1;
    void fleet.startWorker();
  });
}, 120_000);
afterAll(() => fleet.close(), 30_000);

const alias = (name: string): Promise<Alias> => api.get<Alias>(`/_miroir/aliases/${name}`);
const describe_ = (error: unknown): string =>
  error instanceof ApiError ? `${error.status} ${error.code}: ${error.message}` : String(error);

async function setUp(name: string): Promise<void> {
  const { taskUid } = await api.post<{ taskUid: number }>('/indexes', {
    ...{ uid: `${name}-000001`, primaryKey: 'id' },
  });
  await api.waitTask(taskUid, deadlineMs);
  const settings = { pagination: { maxTotalHits: 1_000_000 } };
  await api.patch(`/indexes/${name}-000001/settings`, settings);
  await api.put(`/_miroir/aliases/${name}`, { target: `${name}-000001` });
  await api.put(`/_miroir/aliases/${name}-read`, { targets: [`${name}-000001`] });
  const keep = name === kept ? 2 : 20;
  await api.put(`/_miroir/rollover-policies/${name}`, {
    write_alias: name,
    read_alias: `${name}-read`,
    pattern: `${name}-{000001}`,
    triggers: { max_docs: maxDocs, check_every: count > 5 ? '10s' : '3s', jitter: '1s' },
    retention: { keep_indexes: keep, read_indexes: keep, safety_lock_older_than_days: 0 },
    template: { primary_key: 'id', settings },
  });
}

/** One stream of writes and one reader of all that was written so far. */
class Stream {
  readonly errors: string[] = [];
  readonly #sure = new Set<number>();
  #next = 0;
  #stopping = false;
  #missed = 0;
  #doubled = 0;
  #searches = 0;
  readonly #loops: Promise<void>[];

  constructor(private readonly name: string) {
    this.#loops = [this.#until(() => this.#write()), this.#until(() => this.#read())];
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#loops);
    await this.#read();
  }

  report(): { missed: number; doubled: number; searches: number; written: number } {
    return {
      ...{ missed: this.#missed, doubled: this.#doubled },
      ...{ searches: this.#searches, written: this.#sure.size },
    };
  }

  async #until(step: () => Promise<void>): Promise<void> {
    while (!this.#stopping)
      await step().catch((error: unknown) => this.errors.push(describe_(error)));
  }

  async #write(): Promise<void> {
    const documents = Array.from({ length: batch }, () => ({ id: this.#next++, text: 'line' }));
    const path = `/indexes/${this.name}/documents`;
    const { taskUid } = await api.post<{ taskUid: number }>(path, documents);
    await api.waitTask(taskUid, deadlineMs);
    for (const { id } of documents) this.#sure.add(id);
    // All streams on one machine: the rollovers are what is to be seen, not the load.
    await new Promise((resolve) => setTimeout(resolve, 400));
  }

  async #read(): Promise<void> {
    const sure = [...this.#sure];
    const answer = await api.post<{ hits: { id: number }[]; estimatedTotalHits: number }>(
      `/indexes/${this.name}-read/search`,
      { limit: 100_000, attributesToRetrieve: ['id'] },
    );
    this.#searches += 1;
    const seen = new Set(answer.hits.map(({ id }) => id));
    this.#doubled += answer.hits.length - seen.size;
    if (answer.estimatedTotalHits !== answer.hits.length) this.#doubled += 1;
    // What retention took is meant to be gone.
    if (this.name !== kept) this.#missed += sure.filter((id) => !seen.has(id)).length;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Until each policy has made its index anew so often. What a policy waits for is told when it does not. */
async function rolledOver(): Promise<void> {
  for (const name of names) {
    await waitFor(
      async () => {
        const { flips = 0 } = await alias(name);
        if (flips >= rolls) return true;
        const path = `/_miroir/operations/${encodeURIComponent(`rollover/${name}`)}`;
        const run = await api.get<object>(path).catch(describe_);
        throw new Error(`${flips} flips, ${killed} kills; ${JSON.stringify(run)}`);
      },
      { what: `${name} to roll over ${rolls} times`, deadlineMs },
    );
  }
}

test(
  'indexes roll over under load, with the worker killed between each two steps',
  async () => {
    for (const name of names) await setUp(name);
    const streams = names.map((name) => new Stream(name));
    const reports = await rolledOver()
      .finally(async () => {
        await Promise.all(streams.map((stream) => stream.stop()));
      })
      .then(() => streams.map((stream) => stream.report()));
    expect(streams.flatMap(({ errors }) => errors)).toEqual([]);
    expect(reports.map(({ missed, doubled }) => missed + doubled)).toEqual(names.map(() => 0));
    expect(Math.min(...reports.map(({ searches }) => searches))).toBeGreaterThan(5);
    expect(killed).toBe(steps.length);

    // Quiet: policies stop, and every write alias is the newest index of its read alias.
    for (const name of names) {
      await api.post(`/_miroir/rollover-policies/${name}/pause`, { note: 'end of the test' });
    }
    await waitFor(
      async () => {
        const path = '/_miroir/operations?kind=rollover&status=running';
        return (await api.get<{ total: number }>(path)).total === 0;
      },
      { what: 'the last rollovers to end', deadlineMs },
    );
    const { results } = await api.get<{ results: { uid: string }[] }>('/indexes?limit=1000');
    const indexes = results.map(({ uid }) => uid).sort();
    for (const name of names) {
      const own = indexes.filter((uid) => uid.startsWith(`${name}-`));
      const read = await alias(`${name}-read`);
      expect((await alias(name)).targets).toEqual(own.slice(-1));
      expect([...read.targets].sort()).toEqual(own);
      if (name === kept) expect(own).toHaveLength(2);
      else expect(own.length).toBeGreaterThan(rolls);
    }
    // The runs can be read without knowing the code: who, why, what came of it.
    const run = await api.get<{ progress: { report: object } }>(
      `/_miroir/operations/${encodeURIComponent('rollover/logs0')}`,
    );
    expect(run).toMatchObject({
      ...{ kind: 'rollover', status: 'succeeded', index: 'logs0', who: 'schedule' },
      progress: { report: { policy: 'logs0' } },
    });
  },
  2 * deadlineMs,
);
