/**
 * Goal: an alias stands wherever an index uid stands, and opens nothing that its name does not open.
 * Method: every family of routes by the name of an alias, with a key for that name only and with tenant
 * tokens that have rules for the alias, for its target, or for both; writes that would make an index of
 * that name; aliases of two targets. A pod before three nodes.
 */
import { createHmac } from 'node:crypto';
import type { JsonValue } from '../../core/fleet';
import type { Json } from '../api/support';
import { shopForTest } from './shop';
import type { Shop, ShopKey } from './shop';

let fleet: Shop['fleet'];
let pod: Shop['pod'];
let as: Shop['as'];
let storefront: ShopKey;

beforeAll(async () => {
  const shop = await shopForTest();
  ({ fleet, pod, as } = shop);
  storefront = await shop.newKey({ actions: ['*'], indexes: ['storefront'] });
  await point('storefront', ['secrets']);
  await point('everything', ['products_v1', 'secrets']);
}, 60_000);
afterAll(async () => {
  await fleet.close();
});

async function point(name: string, targets: readonly string[]): Promise<Json> {
  const headers = { 'x-admin-key': fleet.config.api.adminKey };
  return await pod.send('PUT', `/_miroir/aliases/${name}`, { targets }, headers);
}

const own = async (method: string, path: string, body?: unknown): Promise<Json> =>
  await as(storefront.key, method, path, body);

async function ownTask(method: string, path: string, body?: unknown): Promise<Json['body']> {
  const answer = await own(method, path, body);
  expect([path, answer.status]).toEqual([path, 202]);
  return await pod.task(answer.body['taskUid']);
}

describe('reads by the name of an alias, with a key for that name only', () => {
  test.each<[string, string, unknown, (body: Json['body']) => unknown, unknown]>([
    ['GET', '/indexes/storefront', undefined, (body) => body['primaryKey'], 'id'],
    ['GET', '/indexes/storefront/stats', undefined, (body) => body['numberOfDocuments'], 3],
    [
      'GET',
      '/indexes/storefront/settings',
      undefined,
      (body) => body['filterableAttributes'],
      ['tenant', 'color'],
    ],
    [
      'GET',
      '/indexes/storefront/settings/ranking-rules',
      undefined,
      (body) => (body as unknown as string[]).length,
      7,
    ],
    ['GET', '/indexes/storefront/documents', undefined, (body) => body['total'], 3],
    ['GET', '/indexes/storefront/documents/1', undefined, (body) => body['title'], 'acme one'],
    [
      'POST',
      '/indexes/storefront/documents/fetch',
      { filter: 'color = red' },
      (body) => body['total'],
      2,
    ],
    ['POST', '/indexes/storefront/fields', {}, (body) => body['limit'], 20],
    ['POST', '/indexes/storefront/search', { q: 'acme' }, (body) => body['estimatedTotalHits'], 2],
    [
      'GET',
      '/indexes/storefront/search?q=rival',
      undefined,
      (body) => body['estimatedTotalHits'],
      1,
    ],
    [
      'POST',
      '/indexes/storefront/facet-search',
      { facetName: 'color' },
      (body) => body['facetHits'],
      [
        { value: 'blue', count: 1 },
        { value: 'red', count: 2 },
      ],
    ],
    [
      'POST',
      '/multi-search',
      { queries: [{ indexUid: 'storefront', q: 'acme' }] },
      (body) =>
        (body['results'] as { indexUid: string; estimatedTotalHits: number }[]).map(
          ({ indexUid, estimatedTotalHits }) => [indexUid, estimatedTotalHits],
        ),
      [['storefront', 2]],
    ],
    [
      'POST',
      '/multi-search',
      {
        federation: { facetsByIndex: { storefront: ['color'] } },
        queries: [{ indexUid: 'storefront', q: 'acme' }],
      },
      (body) => [body['estimatedTotalHits'], Object.keys(body['facetsByIndex'] as object)],
      [2, ['storefront']],
    ],
  ])('%s %s', async (...[method, path, body, pick, expected]) => {
    const answer = await own(method, path, body);
    expect([answer.status, answer.status === 200 ? pick(answer.body) : answer.text]).toEqual([
      200,
      expected,
    ]);
    // The name behind it is the operators' affair.
    expect(answer.text).not.toContain('secrets');
  });

  test('`similar` looks the document up behind the alias', async () => {
    const answer = await own('POST', '/indexes/storefront/similar', { id: 1, embedder: 'none' });
    expect([answer.status, answer.body['code']]).toEqual([400, 'invalid_similar_embedder']);
  });

  test('the target itself stays closed to that key', async () => {
    for (const path of [
      '/indexes/secrets',
      '/indexes/secrets/documents',
      '/indexes/secrets/search',
    ]) {
      expect((await own('GET', path)).status).toBe(403);
    }
  });

  test('a key for the target does not open the alias', async () => {
    const made = await pod.send('POST', '/keys', {
      actions: ['*'],
      indexes: ['secrets'],
      expiresAt: null,
    });
    const answer = await as(String(made.body['key']), 'GET', '/indexes/storefront/search');
    expect(answer.status).toBe(403);
  });
});

describe('writes by the name of an alias', () => {
  test('documents, settings and deletions go to the target, and no index is made', async () => {
    const added = await ownTask('POST', '/indexes/storefront/documents', [
      { id: 50, tenant: 'acme' },
    ]);
    expect(added['status']).toBe('succeeded');
    expect((await pod.send('GET', '/indexes/secrets/documents/50')).status).toBe(200);
    const settings = { stopWords: ['the'] };
    expect((await ownTask('PATCH', '/indexes/storefront/settings', settings))['status']).toBe(
      'succeeded',
    );
    const stopWords = await pod.send('GET', '/indexes/secrets/settings/stop-words');
    expect(stopWords.text).toBe('["the"]');
    const put = await ownTask('PUT', '/indexes/storefront/settings/dictionary', ['a.b']);
    expect(put['status']).toBe('succeeded');
    expect(
      (await ownTask('PUT', '/indexes/storefront/documents', [{ id: 50, color: 'x' }]))['status'],
    ).toBe('succeeded');
    expect((await ownTask('DELETE', '/indexes/storefront/documents/50'))['status']).toBe(
      'succeeded',
    );
    await ownTask('POST', '/indexes/storefront/documents/delete-batch', [99]);
    await ownTask('POST', '/indexes/storefront/documents/delete', { filter: 'color = none' });
    const uids = (await pod.send('GET', '/indexes')).body['results'] as { uid: string }[];
    expect(uids.map(({ uid }) => uid)).not.toContain('storefront');
    expect((await pod.send('GET', '/indexes/secrets/stats')).body['numberOfDocuments']).toBe(3);
  });

  test('an index of that name cannot be created', async () => {
    const task = await pod.write('POST', '/indexes', { uid: 'storefront' });
    expect(task['error']).toMatchObject({ code: 'index_already_exists' });
  });

  test('with two targets it is for reading', async () => {
    const found = await pod.send('POST', '/indexes/everything/search', {});
    expect(found.body['estimatedTotalHits']).toBe(6);
    const refused = await pod.send('POST', '/indexes/everything/documents', [{ id: 1 }]);
    expect([refused.status, refused.body['code']]).toEqual([
      409,
      'miroir_multi_alias_not_writable',
    ]);
  });
});

describe('tenant tokens and aliases', () => {
  const token = (searchRules: JsonValue, key: ShopKey): string => {
    const part = (value: object): string =>
      Buffer.from(JSON.stringify(value)).toString('base64url');
    const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ apiKeyUid: key.uid, searchRules })}`;
    return `${text}.${createHmac('sha256', key.key).update(text).digest('base64url')}`;
  };
  const seen = async (rules: JsonValue): Promise<Record<string, number | string>> => {
    const bearer = token(rules, storefront);
    const search = await as(bearer, 'POST', '/indexes/storefront/search', {});
    const multi = await as(bearer, 'POST', '/multi-search', {
      queries: [{ indexUid: 'storefront' }],
    });
    const federated = await as(bearer, 'POST', '/multi-search', {
      federation: {},
      queries: [{ indexUid: 'storefront' }, { indexUid: 'storefront', q: 'rival' }],
    });
    const facets = await as(bearer, 'POST', '/indexes/storefront/facet-search', {
      facetName: 'tenant',
    });
    const results = multi.body['results'] as { estimatedTotalHits: number }[] | undefined;
    return {
      search: Number(search.body['estimatedTotalHits'] ?? search.status),
      multi: results?.[0]?.estimatedTotalHits ?? multi.status,
      federated: Number(federated.body['estimatedTotalHits'] ?? federated.status),
      facets: ((facets.body['facetHits'] ?? []) as { value: string; count: number }[])
        .map(({ value, count }) => `${value} ${String(count)}`)
        .join(),
    };
  };

  test.each<[string, JsonValue, object]>([
    [
      'a rule for the alias',
      { storefront: { filter: 'tenant = acme' } },
      { search: 2, multi: 2, federated: 2, facets: 'acme 2' },
    ],
    [
      'rules for both',
      { storefront: { filter: 'tenant = acme' }, secrets: { filter: 'color = red' } },
      { search: 1, multi: 1, federated: 1, facets: 'acme 1' },
    ],
    [
      'a free rule for the alias and one for the target',
      { storefront: null, secrets: { filter: 'tenant = rival' } },
      { search: 1, multi: 1, federated: 1, facets: 'rival 1' },
    ],
    [
      'alternatives in both',
      {
        storefront: { filter: [['tenant = acme', 'tenant = rival']] },
        secrets: { filter: [['color = blue', 'color = green']] },
      },
      { search: 1, multi: 1, federated: 1, facets: 'acme 1' },
    ],
    [
      'a pattern that covers both',
      { '*': { filter: 'color = blue' } },
      { search: 1, multi: 1, federated: 1, facets: 'acme 1' },
    ],
    [
      'a rule for the target alone',
      { secrets: { filter: 'tenant = acme' } },
      { search: 403, multi: 403, federated: 403, facets: '' },
    ],
  ])('%s', async (_, rules, expected) => {
    expect(await seen(rules)).toEqual(expected);
  });
});

describe('tasks by the name of an alias', () => {
  test('a key for the alias waits for its own writes and lists them by that name', async () => {
    const { body } = await own('POST', '/indexes/storefront/documents', [{ id: 51 }]);
    const uid = String(body['taskUid']);
    await pod.task(body['taskUid']);
    expect((await own('GET', `/tasks/${uid}`)).body['status']).toBe('succeeded');
    expect((await own('GET', `/batches/${uid}`)).status).toBe(200);
    for (const filter of ['', `&indexUids=storefront`, `&uids=${uid}`]) {
      const listed = await own('GET', `/tasks?limit=1${filter}`);
      expect((listed.body['results'] as { uid: number }[]).map((task) => task.uid)).toEqual([
        body['taskUid'],
      ]);
    }
    await ownTask('DELETE', '/indexes/storefront/documents/51');
  });

  test('it neither sees nor deletes those of other indexes, nor finds any by the name of the target', async () => {
    const theirs = await own('GET', '/tasks?indexUids=secrets&limit=100');
    expect([theirs.status, theirs.body['results']]).toEqual([200, []]);
    const listed = await own('GET', '/tasks?limit=100');
    expect(listed.text).not.toContain('products_v');
    const { body } = await pod.send('GET', '/tasks?indexUids=products_v1&limit=1');
    const [other] = body['results'] as { uid: number }[];
    expect((await own('GET', `/tasks/${String(other?.uid)}`)).status).toBe(404);
    await own('DELETE', `/tasks?uids=${String(other?.uid)}`);
    expect((await pod.send('GET', `/tasks/${String(other?.uid)}`)).status).toBe(200);
  });
});
