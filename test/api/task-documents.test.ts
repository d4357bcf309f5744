/**
 * Goal: `GET /tasks/{uid}/documents` shows what an open addition brings as the client wrote it: each document
 * once however many copies there are, without hidden fields, to those only who may see the task.
 * Method: pods before three nodes of both engines; the queues of embedded ones are held, real ones get a
 * large write first.
 */
import { engines, sidesForTest } from '../compat/sides';
import type { Engine, Sides } from '../compat/sides';

const documents = Array.from({ length: 40 }, (_, i) => ({ id: `d${String(i)}`, n: i, t: 'é"\\' }));

describe.each(engines)('on %s nodes', (engine: Engine) => {
  let sides: Sides;

  beforeAll(async () => {
    sides = await sidesForTest(engine, { nodes: 3, replicationFactor: 2 });
    await sides.both('POST', '/indexes', { uid: 'books', primaryKey: 'id' });
  }, 120_000);
  afterAll(async () => {
    await sides.close();
  });

  /** Keeps what is written from being worked off at once. */
  const keepBusy = async (): Promise<void> => {
    if (engine === 'embedded') {
      for (const node of sides.fleet.nodes) node.faults.add({ action: { kind: 'holdTasks' } });
      return;
    }
    const long = Array.from({ length: 30_000 }, (_, i) => ({
      id: i,
      t: `word${String(i)} `.repeat(9),
    }));
    await sides.pod.send('POST', '/indexes/long/documents?primaryKey=id', long);
  };

  test('is closed until the feature is on', async () => {
    const answer = await sides.pod.send('GET', '/tasks/0/documents');
    expect([answer.status, answer.body['code']]).toEqual([400, 'feature_not_enabled']);
    await sides.pod.send('PATCH', '/experimental-features', { getTaskDocumentsRoute: true });
  });

  test('shows each document once, as it was sent, and only while the task is open', async () => {
    await keepBusy();
    const sent = await sides.pod.send('POST', '/indexes/books/documents', documents);
    const path = `/tasks/${String(sent.body['taskUid'])}/documents`;
    const answer = await sides.pod.send('GET', path);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    expect(answer.text).not.toContain('_miroir');
    const lines = answer.text.trimEnd().split('\n');
    const shown = lines.map((line) => JSON.parse(line) as { n: number });
    expect(shown.sort((a, b) => a.n - b.n)).toEqual(documents);
    for (const node of sides.fleet.nodes) node.faults.clear();
    expect((await sides.pod.task(sent.body['taskUid']))['status']).toBe('succeeded');
    const over = await sides.pod.send('GET', path);
    expect([over.status, over.body['code']]).toEqual([404, 'task_file_not_found']);
  }, 60_000);

  test('tells of other tasks what one Meilisearch tells, and hides those of other indexes', async () => {
    const key = await sides.pod.send('POST', '/keys', {
      ...{ actions: ['tasks.get'], indexes: ['other'], expiresAt: null },
    });
    const authorization = `Bearer ${String(key.body['key'])}`;
    const { body } = await sides.pod.send('GET', '/tasks?indexUids=books&limit=1');
    const [task] = body['results'] as { uid: number }[];
    const path = `/tasks/${String(task?.uid)}/documents`;
    const hidden = await sides.pod.send('GET', path, undefined, { authorization });
    expect([hidden.status, hidden.body['code']]).toEqual([404, 'task_not_found']);
    for (const [uid, code] of [
      ['x', 'invalid_task_uids'],
      ['99999', 'task_not_found'],
    ] as const) {
      const answer = await sides.pod.send('GET', `/tasks/${uid}/documents`);
      expect([uid, answer.body['code']]).toEqual([uid, code]);
    }
    const creation = await sides.pod.send('GET', '/tasks/0/documents');
    expect([creation.status, creation.body['code']]).toEqual([404, 'task_file_not_found']);
  });
});
