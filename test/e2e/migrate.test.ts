/**
 * Goal: one running Meilisearch enters the fleet while a client goes on writing to it, and afterwards
 * everything is there: documents byte for byte with their vectors, settings, API keys by their texts; nothing
 * is visible before, and the old instance's key is in no history and no view. The way out is open as well:
 * indexes are exported to another Meilisearch as one.
 *
 * Method: real processes (api, worker, nodes, Redis, Temporal) and one more Meilisearch as the old instance,
 * with a writer that adds, replaces and deletes until the operator stops it for the switch.
 */
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { ApiClient } from '../../cli/client';
import { isOver, operation } from '../../cli/operations';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { startNodes } from '../activities/nodes-for-test';
import { builtForTest } from '../support/built';
import { waitFor } from '../support/wait-for';

const realEngine = (process.env['MEILISEARCH_BIN'] ?? '') !== '';
const deadlineMs = realEngine ? 180_000 : 90_000;
const keyUid = '6062abda-a5aa-4414-ac91-ecd7944c0f8d';
const documents = 900;

let fleet: RunningFleet;
let api: ApiClient;
let old: ApiClient;
let closeOld: () => Promise<void>;

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = builtForTest();
  fleet = await startFleet({
    nodes: 2,
    replicationFactor: 2,
    settings: { MIROIR_SYNC_RANGE_DOCUMENTS: '250', MIROIR_OUTBOUND_ALLOW_LOOPBACK: 'true' },
  });
  api = new ApiClient(fleet);
  const started = await startNodes(1, realEngine ? 'real' : 'embedded', fleet.masterKey);
  closeOld = () => started.close();
  const url = started.nodes[0]?.url ?? '';
  old = new ApiClient({ api: url, masterKey: fleet.masterKey, adminKey: '' });
}, 120_000);
afterAll(async () => {
  await fleet.close();
  await closeOld();
}, 30_000);

type Document = { id: number; [member: string]: unknown };

const documentOf = (id: number, version: number): Document => ({
  ...{ id, version, title: `film ${String(id)} of ${String(version)}`, price: id * 1.25 },
  large: `n${String(id)}`,
  tags: ['a', `t${String(id % 7)}`],
  _vectors: { mine: { embeddings: [[id % 3, 0.5, version]], regenerate: false } },
});

async function fillOld(): Promise<void> {
  const settle = async (answer: Promise<{ taskUid: number }>): Promise<void> =>
    old.waitTask((await answer).taskUid);
  await settle(old.post('/indexes', { uid: 'films', primaryKey: 'id' }));
  await settle(old.post('/indexes', { uid: 'empty' }));
  await settle(
    old.patch('/indexes/films/settings', {
      ...{ filterableAttributes: ['version', 'tags'], sortableAttributes: ['price'] },
      ...{ stopWords: ['of'], synonyms: { film: ['movie'] }, displayedAttributes: ['*'] },
      embedders: { mine: { source: 'userProvided', dimensions: 3 } },
    }),
  );
  for (let at = 0; at < documents; at += 300) {
    const batch = Array.from({ length: 300 }, (_, i) => documentOf(at + i, 0));
    await settle(old.post('/indexes/films/documents', batch));
  }
  await old.post('/keys', {
    ...{ uid: keyUid, name: 'search', actions: ['search'], indexes: ['films'], expiresAt: null },
  });
}

/** Adds, replaces and deletes, one request after another, until it is told to stop. */
class Writer {
  #stopping = false;
  #running: Promise<void> = Promise.resolve();
  writes = 0;

  start(): void {
    this.#running = this.#write();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async #write(): Promise<void> {
    for (let turn = 1; !this.#stopping; turn += 1) {
      const { taskUid } = await old.post<{ taskUid: number }>('/indexes/films/documents', [
        documentOf(turn % documents, turn),
        documentOf(10_000 + turn, turn),
      ]);
      const gone = 10_000 + turn - 5;
      if (turn > 5) await old.delete(`/indexes/films/documents/${String(gone)}`);
      this.writes += 1;
      await old.waitTask(taskUid);
    }
  }
}

const view = (id: string) => operation(api, id);
const path = (id: string): string => `/_miroir/operations/${encodeURIComponent(id)}`;

async function all(client: ApiClient): Promise<Document[]> {
  const { results } = await client.post<{ results: Document[] }>('/indexes/films/documents/fetch', {
    ...{ limit: 100_000, retrieveVectors: true },
  });
  return results.sort((a, b) => a.id - b.id);
}

async function historyText(workflowId: string): Promise<string> {
  const connection = await Connection.connect({ address: fleet.temporal });
  try {
    const client = new Client({ connection });
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    const bytes = temporal.api.history.v1.History.encode(history).finish();
    return Buffer.from(bytes).toString('latin1');
  } finally {
    await connection.close();
  }
}

test(
  'a Meilisearch moves in while its client goes on writing',
  async () => {
    await fillOld();
    const writer = new Writer();
    writer.start();
    const { operation: id } = await api.post<{ operation: string }>('/_miroir/migrations', {
      ...{ url: old.url, key: fleet.masterKey, followEveryMs: 200, autoApprove: true },
      ...{ who: 'ada', why: 'to the fleet' },
    });
    await waitFor(
      async () => {
        const { progress, phase, status, error } = await view(id);
        if (progress.waitingFor?.includes('the switch') === true) return true;
        throw new Error(`${status} ${phase} ${progress.waitingFor ?? ''} ${String(error)}`);
      },
      { what: 'the switch', deadlineMs },
    );
    // Nothing is visible under its name before the cut over.
    await expect(api.get('/indexes/films')).rejects.toMatchObject({ code: 'index_not_found' });
    const before = writer.writes;
    await waitFor(() => writer.writes > before + 10, { what: 'writes meanwhile', deadlineMs });
    await writer.stop();
    await api.post(`${path(id)}/proceed`, { who: 'ada' });
    const last = await waitFor(
      async () => {
        const seen = await view(id);
        if (isOver(seen)) return seen;
        throw new Error(`${seen.phase}: ${seen.progress.waitingFor ?? 'working'}`);
      },
      { what: `the end of ${id}`, deadlineMs },
    );
    expect(last).toMatchObject({ status: 'succeeded', kind: 'migration' });

    const wanted = await all(old);
    expect(wanted.length).toBeGreaterThan(documents);
    expect(await all(api)).toEqual(wanted);
    const stats = await api.get<{ numberOfDocuments: number }>('/indexes/films/stats');
    expect(stats.numberOfDocuments).toBe(wanted.length);
    const settings = await api.get('/indexes/films/settings');
    expect(settings).toEqual(await old.get('/indexes/films/settings'));
    expect(await api.get('/indexes/empty')).toMatchObject({ uid: 'empty', primaryKey: null });
    const { results: uids } = await api.get<{ results: { uid: string }[] }>('/indexes');
    expect(uids.map(({ uid }) => uid).sort()).toEqual(['empty', 'films']);

    // A client with the key that it had goes on at the fleet.
    const { key } = await old.get<{ key: string }>(`/keys/${keyUid}`);
    const client = new ApiClient({ api: fleet.api, masterKey: key, adminKey: '' });
    const found = await client.post<{ hits: Document[] }>('/indexes/films/search', { q: 'film' });
    expect(found.hits.length).toBeGreaterThan(0);

    const shown = JSON.stringify(await view(id)) + (await historyText(id));
    expect(shown).not.toContain(fleet.masterKey);
    const audit = await api.get<{ results: object[] }>('/_miroir/audit?action=migrations');
    expect(audit.results).toHaveLength(1);
    expect(JSON.stringify(audit)).not.toContain(fleet.masterKey);
  },
  4 * deadlineMs,
);

interface ExportTask {
  readonly status: string;
  readonly details: object;
  readonly error: object | null;
  readonly canceledBy: number | null;
}

async function exported(body: object): Promise<{ task: ExportTask; taskUid: number }> {
  const { taskUid } = await api.post<{ taskUid: number }>('/export', body);
  const task = await waitFor(
    async () => {
      const seen = await api.get<ExportTask>(`/tasks/${String(taskUid)}`);
      return ['succeeded', 'failed', 'canceled'].includes(seen.status) ? seen : null;
    },
    { what: `the end of export ${String(taskUid)}`, deadlineMs },
  );
  return { task, taskUid };
}

const idle = () =>
  waitFor(
    async () =>
      (await old.get<{ total: number }>('/tasks?statuses=enqueued,processing')).total === 0,
    { what: 'the tasks of the other side', deadlineMs },
  );

test(
  'indexes of the fleet are exported to another Meilisearch as one',
  async () => {
    const settle = async (answer: Promise<{ taskUid: number }>): Promise<void> =>
      api.waitTask((await answer).taskUid, deadlineMs);
    await settle(api.post('/indexes', { uid: 'shelf', primaryKey: 'id' }));
    await settle(
      api.patch('/indexes/shelf/settings', {
        ...{ filterableAttributes: ['version'], stopWords: ['of'] },
        embedders: { mine: { source: 'userProvided', dimensions: 3 } },
      }),
    );
    const own = Array.from({ length: 120 }, (_, i) => documentOf(200 - i, i % 2));
    await settle(api.post('/indexes/shelf/documents', own.slice(0, 70)));
    await settle(api.post('/indexes/shelf/documents', own.slice(70)));
    await api.put('/_miroir/aliases/rack', { targets: ['shelf'], who: 'ada', why: 'rack' });

    const apiKey = fleet.masterKey;
    const whole = { url: old.url, apiKey, payloadSize: '4 KiB', indexes: { 'sh*': {} } };
    const { task, taskUid } = await exported(whole);
    const shelf = { filter: null, overrideSettings: false, matched_documents: 120 };
    expect(task).toMatchObject({
      status: 'succeeded',
      type: 'export',
      indexUid: null,
      error: null,
    });
    expect(task.details).toEqual({
      ...{ url: old.url, apiKey: expect.stringMatching(/^.{0,5}X+\.\.\.$/) as string },
      ...{ payloadSize: '4 KiB', indexes: { shelf } },
    });
    await idle();
    const list = { limit: 1_000, retrieveVectors: true };
    const wanted = await api.post('/indexes/shelf/documents/fetch', list);
    expect(await old.post('/indexes/shelf/documents/fetch', list)).toEqual(wanted);
    expect(await old.get('/indexes/shelf/settings')).toEqual(
      await api.get('/indexes/shelf/settings'),
    );

    // Under the name that the client wrote, and only what it asked for.
    const some = { rack: { filter: ['version = 1', ['price > 0', 'version = 1']] } };
    const refused = await exported({ url: old.url, apiKey, indexes: some });
    expect(refused.task.error).toMatchObject({
      code: 'invalid_document_filter',
      message: expect.stringMatching(
        /^Index `rack`: Attribute `price` is not filterable/,
      ) as string,
    });
    await exported({ url: old.url, apiKey, indexes: { rack: { filter: 'version = 1' } } });
    await idle();
    const rack = await old.get<{ numberOfDocuments: number }>('/indexes/rack/stats');
    expect(rack.numberOfDocuments).toBe(60);

    const wrong = await exported({ url: old.url, apiKey: 'not-its-key', indexes: { shelf: {} } });
    expect(wrong.task.error).toMatchObject({
      code: 'internal',
      message: expect.stringContaining('invalid_api_key') as string,
    });

    const id = `export/${String(taskUid)}`;
    const shown = JSON.stringify([await view(id), await api.get(`/tasks?types=export`)]);
    const text = shown + (await historyText(id));
    expect(text).not.toContain(apiKey);
    expect(text).not.toContain('not-its-key');
  },
  2 * deadlineMs,
);

test(
  'an export that waits for a side that is away can be canceled',
  async () => {
    const { taskUid } = await api.post<{ taskUid: number }>('/export', {
      ...{ url: 'http://127.0.0.1:1', apiKey: 'k', indexes: { shelf: {} } },
    });
    const path = `/tasks/${String(taskUid)}`;
    await waitFor(async () => (await api.get<ExportTask>(path)).status === 'processing', {
      ...{ what: 'the export to begin', deadlineMs },
    });
    const cancel = await api.post<{ taskUid: number }>(`/tasks/cancel?uids=${String(taskUid)}`);
    await waitFor(async () => (await api.get<ExportTask>(path)).status === 'canceled', {
      ...{ what: 'the export to be canceled', deadlineMs },
    });
    expect(await api.get<ExportTask>(path)).toMatchObject({ canceledBy: cancel.taskUid });
  },
  deadlineMs,
);
