/**
 * Goal: the client speaks the node's real language.
 * Method: the same calls against the embedded node, and against the real Meilisearch whenever
 * MEILISEARCH_BIN names one; both run as processes.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeId, physicalUid } from '../../core/ids';
import { findEngine } from '../../local/engines';
import { startNodeProcess } from '../../local/node-process';
import { createSupervisor } from '../../local/supervisor';
import { createNodes } from '../../meili/nodes';
import type { NodeClient, Nodes } from '../../meili/types';
import { builtForTest } from '../support/built';

const masterKey = 'master-key-of-the-engine-test';
const binary = process.env['MEILISEARCH_BIN'] ?? '';
const engines = binary === '' ? ['embedded'] : ['embedded', 'real'];
const movies = physicalUid('movies');

describe.each(engines)('%s engine', (kind) => {
  const nodeKeyUid = randomUUID();
  let supervisor: ReturnType<typeof createSupervisor>;
  let nodes: Nodes;
  let client: NodeClient;
  let node: { id: ReturnType<typeof nodeId>; url: string };

  beforeAll(async () => {
    process.env['MIROIR_BUILT'] = builtForTest();
    supervisor = createSupervisor();
    const directory = mkdtempSync(join(tmpdir(), 'miroir-engine-'));
    supervisor.removeAtEnd(directory);
    const context = { supervisor, directory, env: process.env };
    const engine = await findEngine(process.env, kind === 'embedded' ? 'embedded' : 'auto');
    const options = { id: 'meili-0', group: 0, masterKey, port: 0 };
    const { url } = await startNodeProcess(context, engine, options);
    node = { id: nodeId('meili-0'), url };
    nodes = createNodes({ masterKey, nodeKeyUid });
    client = nodes.client(node);
    const created = await client.createIndex(movies, 'id');
    expect(await client.waitForTask(created)).toMatchObject({ status: 'succeeded' });
  });

  afterAll(async () => {
    await nodes.close();
    await supervisor.close();
  });

  test('says who it is', async () => {
    await client.health();
    expect((await client.version()).pkgVersion).toBe('1.50.0');
  });

  test('an index that is there and one that is not', async () => {
    expect(await client.getIndex(movies)).toMatchObject({ uid: 'movies', primaryKey: 'id' });
    expect(await client.getIndex(physicalUid('nowhere'))).toBeNull();
  });

  test('documents and settings go in, come out, and are found; metadata is echoed', async () => {
    const settings = await client.updateSettings(movies, { filterableAttributes: ['id', 'genre'] });
    expect(await client.waitForTask(settings)).toMatchObject({ status: 'succeeded' });
    expect((await client.getSettings(movies))['filterableAttributes']).toEqual(['id', 'genre']);
    const payload = Buffer.from('[{"id":1,"genre":"a"},{"id":2,"genre":"b"},{"id":3,"genre":"b"}]');
    const added = await client.addDocuments(movies, 'POST', payload, { customMetadata: 'm1' });
    expect(await client.waitForTask(added)).toMatchObject({
      status: 'succeeded',
      customMetadata: 'm1',
      details: { receivedDocuments: 3, indexedDocuments: 3 },
    });
    const found = await client.search(movies, { q: '', filter: 'genre = b' });
    expect(JSON.parse(found.bytes.toString())).toMatchObject({ hits: [{ id: 2 }, { id: 3 }] });
    const fetched = await client.fetchDocuments(movies, { ids: ['1'] });
    expect(JSON.parse(fetched.bytes.toString())).toMatchObject({
      results: [{ id: 1, genre: 'a' }],
    });
  });

  test('documents are deleted by id, by filter and all', async () => {
    const byId = await client.deleteDocuments(movies, ['1'], { customMetadata: 'sync:r:1' });
    expect(await client.waitForTask(byId)).toMatchObject({ details: { deletedDocuments: 1 } });
    const byFilter = await client.deleteByFilter(movies, ['id = 2'], { customMetadata: 'm2' });
    expect(await client.waitForTask(byFilter)).toMatchObject({ details: { deletedDocuments: 1 } });
    const all = await client.deleteAll(movies);
    expect(await client.waitForTask(all)).toMatchObject({ details: { deletedDocuments: 1 } });
    expect(await client.stats(movies)).toMatchObject({ numberOfDocuments: 0, isIndexing: false });
    expect(Object.keys((await client.allStats()).indexes)).toContain('movies');
  });

  test('tasks are listed newest first and page on', async () => {
    const page = await client.tasks({ indexUids: ['movies'], statuses: ['succeeded'], limit: 2 });
    expect(page.results).toHaveLength(2);
    expect(page.results[0]?.uid).toBeGreaterThan(page.results[1]?.uid ?? Infinity);
    const rest = await client.tasks({ indexUids: ['movies'], from: page.next ?? 0, limit: 1 });
    expect(rest.results[0]?.uid).toBe(page.next);
  });

  test('a refusal carries the words of the node', async () => {
    await expect(client.fetchDocuments(movies, { filter: 'unknown = 1' })).rejects.toMatchObject({
      code: 'node_refused',
      status: 400,
      body: { code: 'invalid_document_filter' },
      outcomeUnknown: false,
    });
  });

  test('a revoked key shuts out, and comes back only for who may', async () => {
    let leased = true;
    const uid = randomUUID();
    const other = createNodes({ masterKey, nodeKeyUid: uid, mayRecreateKey: () => leased });
    try {
      const theirs = other.client(node);
      await theirs.version();
      await nodes.revokeKey(node, uid);
      await theirs.version();
      leased = false;
      await nodes.revokeKey(node, uid);
      await expect(theirs.version()).rejects.toMatchObject({ code: 'node_refused', status: 403 });
      await nodes.revokeKey(node, uid);
    } finally {
      await other.close();
    }
  });

  test('an index can be deleted', async () => {
    expect(await client.waitForTask(await client.deleteIndex(movies))).toMatchObject({
      status: 'succeeded',
    });
    expect(await client.getIndex(movies)).toBeNull();
  });
});
