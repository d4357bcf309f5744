/**
 * Goal: indexes are made, renamed, swapped and deleted at one instant for every pod, settings reach
 * every node, and what fails leaves things as they were.
 * Method: two pods before three embedded nodes with two copies of each shard.
 */
import { fleetForTest } from './support';
import type { FleetForTest, PodForTest } from './support';
import { waitFor } from '../support/wait-for';

let fleet: FleetForTest;
let one: PodForTest;
let two: PodForTest;

beforeAll(async () => {
  fleet = await fleetForTest();
  one = await fleet.pod();
  two = await fleet.pod();
});
afterAll(async () => {
  await fleet.close();
});

const physicalOf = (uid: string): string => one.ctx.fleet.index(uid)?.entry.physicalUid ?? '';

test('a swap is seen by every pod, moves nothing, and writes go where the names point now', async () => {
  await one.write('POST', '/indexes/left/documents?primaryKey=id', [{ id: 'l' }]);
  await one.write('POST', '/indexes/right/documents?primaryKey=id', [{ id: 'r' }]);
  const [left, right] = [physicalOf('left'), physicalOf('right')];
  await one.write('POST', '/swap-indexes', [{ indexes: ['left', 'right'] }]);
  expect([physicalOf('left'), physicalOf('right')]).toEqual([right, left]);
  await two.write('POST', '/indexes/left/documents', [{ id: 'after' }]);
  const { body } = await two.send('GET', '/indexes/left/documents?fields=id');
  const ids = (body['results'] as { id: string }[]).map(({ id }) => id).sort();
  expect(ids).toEqual(['after', 'r']);
});

test('a renamed index keeps its documents, and its old name is free', async () => {
  await one.write('POST', '/indexes/old/documents?primaryKey=id', [{ id: 1 }]);
  const task = await one.write('PATCH', '/indexes/old', { uid: 'new' });
  expect(task).toMatchObject({
    status: 'succeeded',
    details: { oldIndexUid: 'old', newIndexUid: 'new' },
  });
  expect((await one.send('GET', '/indexes/old')).status).toBe(404);
  expect((await one.send('GET', '/indexes/new/documents/1')).status).toBe(200);
  const taken = await one.write('PATCH', '/indexes/new', { uid: 'left' });
  expect(taken).toMatchObject({ status: 'failed', error: { code: 'index_already_exists' } });
});

test('the primary key changes only while there is no document in any shard', async () => {
  await one.write('POST', '/indexes', { uid: 'keyed', primaryKey: 'id' });
  expect(await one.write('PATCH', '/indexes/keyed', { primaryKey: 'sku' })).toMatchObject({
    status: 'succeeded',
  });
  await two.write('POST', '/indexes/keyed/documents', [{ sku: 'a', id: 1 }]);
  expect(await two.write('PATCH', '/indexes/keyed', { primaryKey: 'id' })).toMatchObject({
    status: 'failed',
    error: { code: 'index_primary_key_already_exists' },
  });
  expect((await one.send('GET', '/indexes/keyed/documents/a')).body).toEqual({ sku: 'a', id: 1 });
});

test('a deleted index is gone on every node, and its name makes a new one', async () => {
  await one.write('POST', '/indexes/brief/documents?primaryKey=id', [{ id: 1 }, { id: 2 }]);
  const before = physicalOf('brief');
  const task = await one.write('DELETE', '/indexes/brief');
  expect(task).toMatchObject({ status: 'succeeded', details: { deletedDocuments: 2 } });
  for (const node of fleet.nodes.keys()) {
    expect(await fleet.askNode(node, `/indexes/${before}`)).toMatchObject({
      code: 'index_not_found',
    });
  }
  await two.write('POST', '/indexes/brief/documents?primaryKey=id', [{ id: 3 }]);
  expect(physicalOf('brief')).not.toBe(before);
  const { body } = await one.send('GET', '/indexes/brief/documents');
  expect(body['total']).toBe(1);
});

test('settings reach every node, what is only ours does not cost them a task', async () => {
  await one.write('POST', '/indexes/set/documents?primaryKey=id', [{ id: 1, t: 'x' }]);
  await one.write('PUT', '/indexes/set/settings/sortable-attributes', ['t']);
  const physical = physicalOf('set');
  const tasksBefore: unknown[] = [];
  for (const node of fleet.nodes.keys()) {
    const settings = await fleet.askNode(node, `/indexes/${physical}/settings`);
    expect(settings['sortableAttributes']).toEqual(['_miroir_seq', 't']);
    tasksBefore.push((await fleet.askNode(node, `/tasks?indexUids=${physical}`))['total']);
  }
  await one.write('PUT', '/indexes/set/settings/displayed-attributes', ['id']);
  for (const node of fleet.nodes.keys()) {
    const settings = await fleet.askNode(node, `/indexes/${physical}/settings`);
    expect(settings['displayedAttributes']).toEqual(['*']);
    expect((await fleet.askNode(node, `/tasks?indexUids=${physical}`))['total']).toBe(
      tasksBefore[node],
    );
  }
  expect((await two.send('GET', '/indexes/set/settings/displayed-attributes')).text).toBe('["id"]');
});

test('settings that name a hidden field are refused', async () => {
  for (const [sub, value] of [
    ['sortable-attributes', ['_miroir_seq']],
    ['filterable-attributes', ['_miroir_*']],
    ['distinct-attribute', '_miroir_bucket'],
  ] as const) {
    const answer = await one.send('PUT', `/indexes/set/settings/${sub}`, JSON.stringify(value));
    expect([sub, answer.status, answer.body['code']]).toEqual([sub, 400, 'miroir_reserved_field']);
  }
});

test('settings that the nodes cannot apply are not shown as if they were', async () => {
  await one.write('POST', '/indexes/vectors/documents?primaryKey=id', [{ id: 1 }, { id: 2 }]);
  const embedders = { tiny: { source: 'userProvided', dimensions: 3 } };
  const task = await one.write('PATCH', '/indexes/vectors/settings/embedders', embedders);
  expect(task).toMatchObject({ status: 'failed', error: { code: 'vector_embedding_error' } });
  expect(String((task['error'] as { message: string }).message)).toContain('Index `vectors`: ');
  await waitFor(
    async () => (await two.send('GET', '/indexes/vectors/settings/embedders')).text === '{}',
    { what: 'the settings of before' },
  );
});

test('a provider key is shown by its beginning only, in settings and tasks', async () => {
  const apiKey = 'sk-0123456789abcdefghij';
  const embedders = { remote: { source: 'openAi', apiKey, model: 'text-embedding-3-small' } };
  const answer = await one.send('PATCH', '/indexes/provider/settings', { embedders });
  const task = await one.task(answer.body['taskUid']);
  const settings = await one.send('GET', '/indexes/provider/settings');
  expect(JSON.stringify(task)).not.toContain(apiKey);
  expect(settings.text).not.toContain(apiKey);
  expect(settings.text).toContain('sk-XXXXX...');
});

test('a name that is an alias writes to its target; with several targets it does not', async () => {
  await one.write('POST', '/indexes/target/documents?primaryKey=id', [{ id: 1 }]);
  const audit = { who: 'test', why: 'alias', what: 'set alias' };
  const targets = [one.ctx.fleet.index('target')!.entry.uid, one.ctx.fleet.index('set')!.entry.uid];
  const name = 'alias-1' as (typeof targets)[number];
  for (const count of [1, 2]) {
    await one.ctx.store.fleet.update(audit, () => [
      { op: 'set-alias', alias: { name, targets: targets.slice(0, count), history: [] } },
    ]);
    await one.ctx.fleet.reload();
    const answer = await one.send('POST', '/indexes/alias-1/documents', [{ id: 2 }]);
    expect(answer.status).toBe(count === 1 ? 202 : 409);
    if (count === 1)
      expect(await one.task(answer.body['taskUid'])).toMatchObject({ indexUid: 'target' });
  }
  expect((await one.send('GET', '/indexes/target/documents/2')).status).toBe(200);
});
