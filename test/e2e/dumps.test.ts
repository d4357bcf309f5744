/**
 * Goal: a dump of a real Meilisearch comes into a fleet of another shape as it was; what the fleet makes
 * of it, a dump or a backup, is the same again; nothing is done twice when the worker is killed; what
 * cannot be taken is set aside.
 *
 * Method: real processes (api, worker, nodes, Redis, Temporal). The recorded dump of a real Meilisearch
 * is imported and compared with its file, document by document in their order, and with a real
 * Meilisearch that has loaded the same file where one is at hand. So is the fleet's own dump.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { Archive, ArchiveContents } from '../../archives/archive';
import { directoryDepot } from '../../archives/directory-depot';
import { dumpArchive } from '../../archives/dump-archive';
import { ApiClient } from '../../cli/client';
import { isOver, operation } from '../../cli/operations';
import type { Operation } from '../../cli/operations';
import { digestDocument } from '../../core/digest';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { createSupervisor } from '../../local/supervisor';
import { builtForTest } from '../support/built';
import { dumpOf } from '../support/dump-files';
import { askJson, documentsOf, keysOf, loadDump, realEngine } from '../support/meilisearch';
import type { Server } from '../support/meilisearch';
import { waitFor } from '../support/wait-for';
import { expectRecords, makeOwnRecord, makeRecords } from './restored-records';

const recordedFile = join(__dirname, '../recordings/example-v1.50.dump');
const recorded = readFileSync(recordedFile);
const deadlineMs = 120_000;
/** How many documents are being imported when the worker is killed; `MIROIR_E2E_DOCUMENTS=6000` is the full size. */
const killedDocuments = Number(process.env['MIROIR_E2E_DOCUMENTS'] ?? 2_000);
/** A key that the recorded dump has beside the four of a new Meilisearch. */
const filmsKey = '6062abda-a5aa-4414-ac91-ecd7944c0f8d';

jest.setTimeout(2 * deadlineMs);

const backups = mkdtempSync(join(tmpdir(), 'miroir-backups-'));
let fleet: RunningFleet;
let api: ApiClient;
let server: Server;

interface ImportResult {
  readonly documents: number;
  readonly setAside: number;
}
interface Started {
  readonly operation: string;
  readonly runId: string;
  readonly id: string;
}

/** Backups and drills have one id for all of their runs, so a run is told by its own. */
async function finish(
  { operation: id, runId }: Pick<Started, 'operation' | 'runId'>,
  client = api,
): Promise<Operation> {
  return await waitFor(
    async () => {
      const view = await operation(client, id);
      if (isOver(view) && view.temporal.runId === runId) return view;
      throw new Error(`${view.phase}: ${view.progress.waitingFor ?? 'working'}`);
    },
    { what: `the end of ${id}`, deadlineMs },
  );
}

let uploads = 0;

async function upload(dump: Buffer): Promise<{ id: string; parts: number }> {
  const id = `upload-${(uploads += 1)}`;
  const half = dump.length >> 1;
  await api.putBytes(`/_miroir/uploads/${id}/0`, dump.subarray(0, half));
  await api.putBytes(`/_miroir/uploads/${id}/1`, dump.subarray(half));
  return { id, parts: 2 };
}

async function importDump(dump: Buffer, choices: object = {}): Promise<Started> {
  return api.post<Started>('/_miroir/imports', { upload: await upload(dump), ...choices });
}

const resultOf = (view: Operation): ImportResult => view.plan as unknown as ImportResult;

const archiveOf = (dump: Buffer): Archive =>
  dumpArchive(() => Promise.resolve(Readable.from([dump])));

/** The documents of a dump's file in their order, as digests. */
async function documentsIn(dump: Buffer, uid: string): Promise<string[]> {
  const found: string[] = [];
  const wanted = { from: (name: string) => (name === uid ? 0 : null), lineBytesMax: 1_000_000 };
  for await (const { lines } of archiveOf(dump).documents(wanted)) {
    for await (const some of lines) for (const { bytes } of some) found.push(digestDocument(bytes));
  }
  return found;
}

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = builtForTest();
  fleet = await startFleet({
    nodes: 3,
    replicationFactor: 2,
    shards: 16,
    settings: {
      MIROIR_BACKUPS_LOCATION: backups,
      MIROIR_WORKER_HEARTBEAT_MS: '1000',
      MIROIR_WORKER_STICKY_MS: '1000',
      MIROIR_REQUEST_DEADLINE_MS: '5000',
      MIROIR_NODE_DEADLINE_MS: '5000',
      MIROIR_FENCE_MAX_MS: '2000',
      MIROIR_DUMPS_BATCH_DOCUMENTS: '500',
      MIROIR_DUMPS_REJECTED_MAX: '6',
    },
  });
  api = new ApiClient(fleet);
  server = { url: fleet.api, key: fleet.masterKey };
}, 90_000);
afterAll(async () => {
  await fleet.close();
  rmSync(backups, { recursive: true, force: true });
}, 30_000);

/** What stands in a dump's file, beside its documents. */
const contentsOf = (dump: Buffer): Promise<ArchiveContents> =>
  archiveOf(dump).contents(() => undefined);

async function expectAsInFile(dump: Buffer, prefix = ''): Promise<void> {
  const { indexes, keys } = await contentsOf(dump);
  for (const { uid, settings, primaryKey } of indexes) {
    const path = `/indexes/${prefix}${uid}`;
    expect(await askJson(server, path)).toMatchObject({ primaryKey });
    expect(await askJson(server, `${path}/settings`)).toEqual(settings);
    expect(await documentsOf(server, `${prefix}${uid}`)).toEqual(await documentsIn(dump, uid));
  }
  const present = await keysOf(server);
  for (const key of keys) expect(present).toContainEqual(expect.objectContaining(key));
}

test('a dry run says what would be imported and changes nothing', async () => {
  const started = await importDump(recorded, { dryRun: true });
  const dryRun = { outcome: 'dry-run', plan: { documents: 3_203, keys: 5 } };
  expect(resultOf(await finish(started))).toMatchObject(dryRun);
  expect(await askJson(server, '/indexes')).toMatchObject({ total: 0 });
});

test('a dump of a real Meilisearch comes in as it was', async () => {
  const view = await finish(await importDump(recorded));
  expect(view).toMatchObject({ status: 'succeeded', plan: { documents: 3_203, setAside: 0 } });
  await expectAsInFile(recorded);
});

test('an index that is there is not touched unless it is asked for', async () => {
  const refused = { status: 'failed', error: expect.stringContaining('There is an index') };
  expect(await finish(await importDump(recorded))).toMatchObject(refused);
  const merged = await finish(await importDump(recorded, { existing: 'merge' }));
  expect(merged.status).toBe('succeeded');
  await expectAsInFile(recorded);
});

test("the fleet's own dump is the same again", async () => {
  const { taskUid } = await api.post<{ taskUid: number }>('/dumps');
  await api.waitTask(taskUid, deadlineMs);
  const task = await api.get<{ type: string; details: { dumpUid: string } }>(`/tasks/${taskUid}`);
  expect(task.type).toBe('dumpCreation');
  const { dumpUid } = task.details;
  const body = await api.stream(`/_miroir/dumps/${dumpUid}.dump`);
  const dump = Buffer.from(await new Response(body).arrayBuffer());
  const before = await contentsOf(recorded);
  const after = await contentsOf(dump);
  for (const { uid, settings, primaryKey, createdAt } of before.indexes) {
    const made = after.indexes.find((one) => one.uid === uid);
    expect(made).toMatchObject({ settings, primaryKey, createdAt });
    expect(await documentsIn(dump, uid)).toEqual(await documentsIn(recorded, uid));
  }
  for (const key of before.keys) expect(after.keys).toContainEqual(key);
  expect(dump.includes('_miroir_')).toBe(false);
  await expectSameInRealEngine(dump);
});

/** Where a real Meilisearch is at hand: it loads both files, and answers as the fleet does. */
async function expectSameInRealEngine(ours: Buffer): Promise<void> {
  if (!realEngine) return;
  const directory = mkdtempSync(join(tmpdir(), 'miroir-single-'));
  const file = join(directory, 'ours.dump');
  writeFileSync(file, ours);
  const supervisor = createSupervisor();
  supervisor.removeAtEnd(directory);
  try {
    const context = { supervisor, directory, env: process.env };
    const { masterKey } = fleet;
    const original = await loadDump(context, { id: 'original', masterKey, dump: recordedFile });
    const copy = await loadDump(context, { id: 'copy', masterKey, dump: file });
    for (const uid of ['films', 'notes']) {
      const documents = await documentsOf(original, uid);
      expect(await documentsOf(server, uid)).toEqual(documents);
      expect(await documentsOf(copy, uid)).toEqual(documents);
      const settings = await askJson(original, `/indexes/${uid}/settings`);
      expect(await askJson(copy, `/indexes/${uid}/settings`)).toEqual(settings);
      expect(await askJson(server, `/indexes/${uid}/settings`)).toEqual(settings);
    }
    const keys = await keysOf(original);
    expect(await keysOf(server)).toEqual(expect.arrayContaining(keys));
    expect(await keysOf(copy)).toEqual(expect.arrayContaining(keys));
  } finally {
    await supervisor.close();
  }
}

test('a key of the dump opens what it opened', async () => {
  const key = (await keysOf(server)).find(({ uid }) => uid === filmsKey)?.key ?? '';
  const search = (uid: string): Promise<Response> =>
    fetch(new URL(`/indexes/${uid}/search`, fleet.api), {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: '{}',
    });
  expect((await search('films')).status).toBe(200);
  expect((await search('notes')).status).toBe(403);
});

const lines = (count: number, prefix = 'd'): string =>
  Array.from({ length: count }, (_, at) => `{"id":"${prefix}${at}","n":${at}}\n`).join('');

test('documents that cannot be taken are set aside and can be sent again', async () => {
  const bad = [
    '{"title":"no id"}\n',
    '{"id":"bad id!","n":1}\n',
    '{"id":"r1","_miroir_slot":"x"}\n',
    '{"id":"j1","n":}\n',
    '{"id":"g1","_geo":{"lat":"north","lng":1}}\n',
  ];
  const good = lines(1_200).split('\n').slice(0, -1);
  // One bad document in each of several batches, and two in one.
  const mixed = good.map((line, at) => `${line}\n${at % 300 === 7 ? (bad.pop() ?? '') : ''}`);
  const settings = { filterableAttributes: ['_geo'] };
  const dump = await dumpOf([
    { uid: 'odd', primaryKey: 'id', settings, documents: mixed.join('') + bad.join('') },
  ]);
  const started = await importDump(dump);
  const { id: importId } = started;
  expect(resultOf(await finish(started))).toMatchObject({ documents: 1_200, setAside: 5 });
  expect((await documentsOf(server, 'odd')).length).toBe(1_200);

  const text = await new Response(await api.stream(`/_miroir/imports/${importId}/rejected`)).text();
  const rejected = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { error: { code: string } });
  expect(rejected.map(({ error }) => error.code).sort()).toEqual([
    ...['invalid_document_geo_field', 'invalid_document_id', 'malformed_payload'],
    ...['miroir_reserved_field', 'missing_document_id'],
  ]);

  // Where nothing asks for places, `_geo` is a field like any other.
  const changed = await api.patch<{ taskUid: number }>('/indexes/odd/settings', {
    filterableAttributes: null,
  });
  await api.waitTask(changed.taskUid);
  const retried = await api.post<Started>(`/_miroir/imports/${importId}/retry`);
  expect(resultOf(await finish(retried))).toMatchObject({ documents: 1, setAside: 4 });
  expect((await documentsOf(server, 'odd')).length).toBe(1_201);
});

test('an import with too many of them stops and asks; cancelled, it leaves nothing', async () => {
  const documents = lines(600) + '{"x":1}\n'.repeat(7) + lines(900, 'e');
  const dump = await dumpOf([{ uid: 'asked', primaryKey: 'id', documents }]);
  const started = await importDump(dump);
  const id = started.operation;
  const path = `/_miroir/operations/${encodeURIComponent(id)}`;
  await waitFor(
    async () => ((await operation(api, id)).progress.waitingFor ?? '').includes('set aside'),
    { what: 'the import to ask', deadlineMs },
  );
  await api.post(`${path}/cancel`);
  expect((await finish(started)).status).toBe('canceled');
  const { results } = await askJson<{ results: { uid: string }[] }>(server, '/indexes');
  expect(results.map(({ uid }) => uid)).not.toContain('asked');
});

test('a broken archive is refused before anything is changed', async () => {
  const cut = recorded.subarray(0, recorded.length - 2_000);
  const old = await dumpOf([], [], { dumpVersion: 'V5', dbVersion: '0.30.0', dumpDate: '' });
  for (const [dump, reason] of [
    [cut, 'broken or cut off'],
    [Buffer.from('no archive'), 'broken or cut off'],
    [old, 'only V6 is read'],
  ] as const) {
    const view = await finish(await importDump(dump, { prefix: 'x-' }));
    expect(view.status).toBe('failed');
    expect(String(view.error)).toContain(reason);
  }
});

test('the worker is killed in the middle: nothing twice, nothing lost', async () => {
  const count = killedDocuments;
  const dump = await dumpOf([{ uid: 'killed', primaryKey: 'id', documents: lines(count) }]);
  const started = await importDump(dump, { documentsPerSecond: Math.ceil(count / 2.4) });
  const id = started.operation;
  await waitFor(
    async () => {
      const { progress } = await operation(api, id);
      return (progress.copying ?? 0) > count / 5;
    },
    { what: 'a fifth of the documents', deadlineMs },
  );
  await fleet.killWorker();
  await fleet.startWorker();
  expect(resultOf(await finish(started))).toMatchObject({ documents: count, setAside: 0 });
  const documents = await documentsOf(server, 'killed');
  expect(documents).toEqual(await documentsIn(dump, 'killed'));
  const { results } = await askJson<{ results: { details: { receivedDocuments: number } }[] }>(
    server,
    '/tasks?indexUids=killed&types=documentAdditionOrUpdate&limit=1000',
  );
  // Each document was written by one task, and not by a second one after the kill.
  expect(results.reduce((sum, { details }) => sum + details.receivedDocuments, 0)).toBe(count);
});

describe('backups', () => {
  let backup = '';

  test('are made whole, with their digests', async () => {
    await makeRecords(api);
    const started = await api.post<Started>('/_miroir/backups');
    expect((await finish(started)).status).toBe('succeeded');
    const { results } = await api.get<{ results: { id: string }[] }>('/_miroir/backups');
    backup = results[0]?.id ?? '';
    const manifest = await api.get<{ indexes: { uid: string; documents: number }[] }>(
      `/_miroir/backups/${backup}`,
    );
    expect(manifest.indexes).toContainEqual(
      expect.objectContaining({ uid: 'films', documents: 3_201 }),
    );
    expect(JSON.stringify(manifest)).not.toContain('settings"');
  });

  test('are restored beside what is there', async () => {
    const started = await api.post<Started>(`/_miroir/backups/${backup}/restore`, {
      prefix: 'old-',
      indexes: ['films', 'notes'],
    });
    expect((await finish(started)).status).toBe('succeeded');
    await expectAsInFile(recorded, 'old-');
  });

  test('are restored into a fleet of another shape', async () => {
    const other = await startFleet({
      nodes: 2,
      groups: 2,
      shards: 4,
      settings: { MIROIR_BACKUPS_LOCATION: backups },
    });
    try {
      const client = new ApiClient(other);
      const path = `/_miroir/backups/${backup}/restore`;
      await makeOwnRecord(client);
      const started = await client.post<Started>(path, { indexes: ['films', 'killed'] });
      expect((await finish(started, client)).status).toBe('succeeded');
      const restored = { url: other.api, key: other.masterKey };
      for (const uid of ['films', 'killed']) {
        expect(await documentsOf(restored, uid)).toEqual(await documentsOf(server, uid));
      }
      await expectRecords(client);
    } finally {
      await other.close();
    }
  });

  test('are proven by a drill, which leaves nothing behind', async () => {
    const before = await askJson(server, '/stats?');
    const started = await api.post<Started>('/_miroir/backups/drill');
    expect((await finish(started)).plan).toMatchObject({ backup, ok: true, failures: [] });
    const { results } = await api.get<{ results: { drill: object }[] }>('/_miroir/backups');
    expect(results[0]?.drill).toMatchObject({ ok: true });
    const after = await askJson<{ indexes: object }>(server, '/stats');
    expect(Object.keys(after.indexes)).toEqual(
      Object.keys((before as { indexes: object }).indexes),
    );
  });

  test('that were damaged are found out by a drill', async () => {
    const depot = directoryDepot(backups);
    const [part] = (await depot.list(`${backup}/`)).filter(({ name }) => name.includes('part-'));
    const bytes = await depot.readAll(part?.name ?? '', 10_000_000);
    bytes[bytes.length - 20] = (bytes[bytes.length - 20] ?? 0) ^ 1;
    await depot.write(part?.name ?? '', bytes);
    const started = await api.post<Started>('/_miroir/backups/drill');
    const { plan } = await finish(started);
    expect(plan).toMatchObject({ ok: false });
    expect(JSON.stringify(plan)).toContain('sha256');
    const { results } = await askJson<{ results: { uid: string }[] }>(server, '/indexes?limit=100');
    expect(results.filter(({ uid }) => uid.startsWith('miroir-drill-'))).toEqual([]);
  });
});
