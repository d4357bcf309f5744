/**
 * Goal: a backup goes to S3-compatible storage, comes back into a fleet of another shape and is proven there;
 * storage that refuses, cuts off or hangs costs a clear error or some time, never a backup that is not whole;
 * what is secret stands in no history, view, answer or log.
 *
 * Method: real processes with the vendor's client, and storage in this process that checks signatures, cuts
 * connections and holds requests when it is told to. The worker is killed while storage holds its upload.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import { ApiClient, ApiError } from '../../cli/client';
import { isOver, operation } from '../../cli/operations';
import type { Operation } from '../../cli/operations';
import { startFleet } from '../../local/fleet';
import type { RunningFleet } from '../../local/fleet';
import { builtForTest } from '../support/built';
import { documentsOf } from '../support/meilisearch';
import { s3Credentials, startS3 } from '../support/s3-server';
import type { S3ForTest } from '../support/s3-server';
import { waitFor } from '../support/wait-for';

const deadlineMs = 120_000;
const bucket = 'backups';
/** Stands for what settings may hold, such as the keys of embedders. */
const settingsSecret = 'wordofthesettings';
const secrets = [s3Credentials.secretAccessKey, settingsSecret];

jest.setTimeout(2 * deadlineMs);

interface Started {
  readonly operation: string;
  readonly runId: string;
}

let s3: S3ForTest;
let fleet: RunningFleet;
let api: ApiClient;
/** Every run of this file, for the look into the histories. */
const runs: Started[] = [];

const settings = (): Record<string, string> => ({
  MIROIR_BACKUPS_LOCATION: `s3://${bucket}/fleet-a`,
  MIROIR_S3_ENDPOINT: s3.url,
  MIROIR_S3_PATH_STYLE: 'true',
  AWS_ACCESS_KEY_ID: s3Credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: s3Credentials.secretAccessKey,
  // A drill waits for as long before it takes its scratch from the nodes.
  MIROIR_REQUEST_DEADLINE_MS: '4000',
  MIROIR_NODE_DEADLINE_MS: '3000',
  MIROIR_FENCE_MAX_MS: '2000',
  MIROIR_WORKER_HEARTBEAT_MS: '1000',
  MIROIR_WORKER_STICKY_MS: '1000',
});

beforeAll(async () => {
  process.env['MIROIR_BUILT'] = builtForTest();
  s3 = await startS3([bucket]);
  fleet = await startFleet({ nodes: 2, replicationFactor: 2, shards: 8, settings: settings() });
  api = new ApiClient(fleet);
  const write = async (path: string, body: unknown, method: 'post' | 'patch'): Promise<void> => {
    const { taskUid } = await api[method]<{ taskUid: number }>(path, body);
    await api.waitTask(taskUid, deadlineMs);
  };
  const films = Array.from({ length: 300 }, (_, id) => ({ id, title: `film ${id}`, year: id }));
  await write('/indexes/films/documents?primaryKey=id', films, 'post');
  const notes = Array.from({ length: 40 }, (_, id) => ({ key: `n-${id}`, text: `note ${id}` }));
  await write('/indexes/notes/documents?primaryKey=key', notes, 'post');
  await write('/indexes/films/settings', { filterableAttributes: ['year'] }, 'patch');
  await write('/indexes/notes/settings', { stopWords: [settingsSecret] }, 'patch');
  const { taskUid } = await api.post<{ taskUid: number }>('/indexes', {
    ...{ uid: 'empty', primaryKey: 'id' },
  });
  await api.waitTask(taskUid, deadlineMs);
}, 120_000);
afterAll(async () => {
  await fleet.close();
  await s3.close();
}, 30_000);

async function start(path: string, client = api): Promise<Started> {
  const started = await client.post<Started>(path);
  if (client === api) runs.push(started);
  return started;
}

async function finish({ operation: id, runId }: Started, client = api): Promise<Operation> {
  return await waitFor(
    async () => {
      const view = await operation(client, id);
      if (isOver(view) && view.temporal.runId === runId) return view;
      throw new Error(`${view.phase}: ${view.progress.waitingFor ?? 'working'}`);
    },
    { what: `the end of ${id}`, deadlineMs },
  );
}

const backups = async (client = api): Promise<string[]> =>
  (await client.get<{ results: { id: string }[] }>('/_miroir/backups')).results.map(({ id }) => id);
const prefix = `${bucket}/fleet-a/`;
const filesOf = (id: string): string[] =>
  [...s3.objects.keys()].filter((name) => name.startsWith(`${prefix}${id}/`)).sort();

/** As many files as its manifest names, and nothing that is half there. */
async function expectWhole(id: string): Promise<void> {
  const text = s3.objects.get(`${prefix}${id}/manifest.json`)?.toString() ?? '';
  const { indexes } = JSON.parse(text) as { indexes: { parts: { name: string }[] }[] };
  expect(filesOf(id)).toEqual(
    [
      ...indexes.flatMap(({ parts }) => parts.map(({ name }) => `${bucket}/fleet-a/${name}`)),
      ...indexes.map((_, at) => `${prefix}${id}/index-${String(at).padStart(5, '0')}/index.json`),
      `${prefix}${id}/manifest.json`,
    ].sort(),
  );
  expect(s3.unfinished()).toEqual([]);
}

let first = '';

test('a backup is made, although connections are cut in the middle of uploads', async () => {
  s3.cutNext(/part-000000/, 2);
  const view = await finish(await start('/_miroir/backups'));
  expect(view).toMatchObject({ status: 'succeeded', phase: 'done' });
  [first = ''] = await backups();
  await expectWhole(first);
  const manifest = await api.get<object>(`/_miroir/backups/${first}`);
  expect(manifest).toMatchObject({
    indexes: [
      { uid: 'empty', documents: 0 },
      { uid: 'films', documents: 300 },
      { uid: 'notes', documents: 40 },
    ],
  });
  for (const secret of secrets) expect(JSON.stringify(manifest)).not.toContain(secret);
  // It would be no backup without them; the location is kept as private as the nodes are.
  expect(s3.objects.get(`${prefix}${first}/manifest.json`)?.toString()).toContain(settingsSecret);
});

test('the worker is killed while storage holds its upload: the backup is whole all the same', async () => {
  const held = s3.hang(/part-000000/);
  const started = await start('/_miroir/backups');
  await waitFor(() => held.held > 0, { what: 'the upload', deadlineMs });
  await fleet.killWorker();
  s3.hang(null);
  await fleet.startWorker();
  expect(await finish(started)).toMatchObject({ status: 'succeeded' });
  const [newest = ''] = await backups();
  expect(newest).not.toBe(first);
  await expectWhole(newest);
});

test.each([
  [
    'with other credentials',
    () => s3.demand({ ...s3Credentials, secretAccessKey: 'rotated' }),
    () => s3.demand(s3Credentials),
    'SignatureDoesNotMatch',
  ],
  ['without the bucket', () => s3.removeBucket(bucket), () => s3.addBucket(bucket), 'NoSuchBucket'],
])('storage %s is told at once, and leaves no backup', async (_, spoil, mend, code) => {
  const before = await backups();
  spoil();
  try {
    const view = await finish(await start('/_miroir/backups'));
    expect(view.status).toBe('failed');
    expect(String(view.error)).toContain(code);
    const refusal: unknown = await backups().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ApiError);
    expect(refusal).toMatchObject({ status: 503, code: 'miroir_storage_unavailable' });
    expect((refusal as ApiError).message).toContain(code);
    const drill = await finish(await start('/_miroir/backups/drill'));
    expect(drill.status).not.toBe('running');
    expect(JSON.stringify(drill)).toContain(code);
  } finally {
    mend();
  }
  expect(await backups()).toEqual(before);
  expect(s3.unfinished()).toEqual([]);
});

test('it is restored into a fleet of another shape, and proven there', async () => {
  const other = await startFleet({ nodes: 3, groups: 1, shards: 4, settings: settings() });
  try {
    const client = new ApiClient(other);
    expect((await backups(client)).at(-1)).toBe(first);
    const restored = await finish(await start(`/_miroir/backups/${first}/restore`, client), client);
    expect(restored).toMatchObject({ status: 'succeeded', plan: { documents: 340, setAside: 0 } });
    const here = { url: fleet.api, key: fleet.masterKey };
    const there = { url: other.api, key: other.masterKey };
    for (const uid of ['empty', 'films', 'notes']) {
      expect(await documentsOf(there, uid)).toEqual(await documentsOf(here, uid));
      const path = `/indexes/${uid}/settings`;
      expect(await client.get(path)).toEqual(await api.get(path));
    }
    const drill = await finish(await start('/_miroir/backups/drill', client), client);
    expect(drill.plan).toMatchObject({ ok: true, failures: [], documents: 340 });
    const { results } = await client.get<{ results: { uid: string }[] }>('/indexes');
    expect(results.map(({ uid }) => uid).sort()).toEqual(['empty', 'films', 'notes']);
    expectSilentLogs(other);
  } finally {
    await other.close();
  }
});

test('a file that is missing from storage is found by a drill', async () => {
  const [newest = ''] = await backups();
  const part = filesOf(newest).find((name) => name.includes('part-')) ?? '';
  (s3.objects as Map<string, Buffer>).delete(part);
  const drill = await finish(await start('/_miroir/backups/drill'));
  expect(drill.plan).toMatchObject({ backup: newest, ok: false });
  expect(JSON.stringify(drill.plan)).toContain('is missing');
  await api.delete(`/_miroir/backups/${newest}`);
  expect(filesOf(newest)).toEqual([]);
});

test('what is secret stands in no history, view or log', async () => {
  const connection = await Connection.connect({ address: fleet.temporal });
  try {
    const client = new Client({ connection });
    for (const { operation: id, runId } of runs) {
      const history = await client.workflow.getHandle(id, runId).fetchHistory();
      const bytes = temporal.api.history.v1.History.encode(history).finish();
      const text = Buffer.from(bytes).toString('latin1');
      for (const secret of secrets)
        expect({ id, leaked: text.includes(secret) }).toMatchObject({ leaked: false });
    }
  } finally {
    await connection.close();
  }
  const { results } = await api.get<{ results: object[] }>('/_miroir/operations?limit=100');
  for (const secret of secrets) expect(JSON.stringify(results)).not.toContain(secret);
  expectSilentLogs(fleet);
});

function expectSilentLogs({ directory }: RunningFleet): void {
  const logs = join(directory, 'logs');
  for (const name of readdirSync(logs).filter((file) => /^(api|worker)/.test(file))) {
    const text = readFileSync(join(logs, name), 'utf8');
    for (const secret of secrets) {
      expect({ name, leaked: text.includes(secret) }).toEqual({ name, leaked: false });
    }
  }
}
