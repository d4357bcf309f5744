/**
 * Goal: nobody gets in without a right key, and no key does more than it was made for.
 * Method: requests of attackers over a socket to a pod before three nodes: odd headers, keys of other
 * indexes, forged internals.
 */
import { rawHttp } from './raw-http';
import { shopForTest } from './shop';
import type { Shop, ShopKey } from './shop';

let shop: Shop;
let fleet: Shop['fleet'];
let pod: Shop['pod'];
let as: Shop['as'];
let newKey: Shop['newKey'];
let url: string;
let scoped: ShopKey;
let admin: ShopKey;

const missing = 'missing_authorization_header';
const invalid = 'invalid_api_key';

beforeAll(async () => {
  shop = await shopForTest();
  ({ fleet, pod, as, newKey, scoped, admin } = shop);
  url = await pod.listen();
}, 60_000);
afterAll(async () => {
  await shop.fleet.close();
});

describe('the header', () => {
  test.each([
    ['nothing', []],
    ['a scheme in lower case', ['authorization: bearer KEY']],
    ['another scheme', ['Authorization: Basic KEY']],
    ['the key alone', ['Authorization: KEY']],
    ['a tab for the blank', ['Authorization: Bearer\tKEY']],
    ['the key in another header', ['X-Api-Key: KEY', 'X-Meili-API-Key: KEY', 'Cookie: key=KEY']],
    ['an empty header', ['Authorization:']],
  ])('%s is 401', async (_, headers) => {
    const answer = await sendRaw('GET /indexes HTTP/1.1', headers);
    expect([answer.status, codeOf(answer.body)]).toEqual([401, missing]);
  });

  test.each([
    ['an empty bearer', ['Authorization: Bearer ']],
    ['a part of the key', ['Authorization: Bearer PART']],
    ['the key and more', ['Authorization: Bearer KEYx']],
    ['the key twice in one', ['Authorization: Bearer KEY, Bearer KEY']],
    ['a blank before the key', ['Authorization: Bearer  KEY']],
  ])('%s is refused', async (_, headers) => {
    const answer = await sendRaw('GET /indexes HTTP/1.1', headers);
    expect([401, 403]).toContain(answer.status);
    expect([missing, invalid]).toContain(codeOf(answer.body));
  });

  test('of two headers no wrong one is outvoted by a later right one', async () => {
    const answer = await sendRaw('GET /indexes HTTP/1.1', [
      'Authorization: Bearer wrong',
      'Authorization: Bearer KEY',
    ]);
    expect([400, 401, 403]).toContain(answer.status);
  });

  test('blanks at the end of the line are no part of a key', async () => {
    const answer = await sendRaw('GET /indexes HTTP/1.1', ['Authorization: Bearer KEY  ']);
    expect(answer.status).toBe(200);
  });

  test('a key in the query is no key', async () => {
    for (const name of ['key', 'apiKey', 'api_key', 'access_token', 'authorization', 'token']) {
      const answer = await sendRaw(`GET /indexes?${name}=KEY HTTP/1.1`, []);
      expect([name, answer.status]).toEqual([name, 401]);
    }
  });

  test('a line break in a header is no second header', async () => {
    const answer = await sendRaw('GET /indexes HTTP/1.1', ['X-A: b\nAuthorization: Bearer KEY']);
    expect([400, 401]).toContain(answer.status);
  });

  test('wrong keys of all lengths get one answer', async () => {
    const texts = new Set<string>();
    for (const bearer of [
      'a',
      'a'.repeat(64),
      fleet.masterKey.slice(1),
      'a.b.c',
      'e30.e30.',
      '😀',
    ]) {
      const answer = await as(encodeURIComponent(bearer), 'GET', '/indexes');
      expect(answer.status).toBe(403);
      texts.add(answer.text);
    }
    expect(texts.size).toBe(1);
  });
});

describe('the keys of operators, of nodes and of clients are apart', () => {
  const { adminKey, nodeKey } = { adminKey: 'MIROIR_ADMIN_KEY', nodeKey: 'MIROIR_NODE_KEY' };

  test('the master key and an admin API key open no route of operators', async () => {
    for (const bearer of [fleet.masterKey, admin.key, scoped.key, fleet.env[nodeKey] ?? '']) {
      for (const [method, path] of operatorRoutes) {
        const answer = await as(bearer, method, path, method === 'GET' ? undefined : {});
        expect([method, path, answer.status]).toEqual([method, path, 401]);
        const named = await pod.send(method, path, undefined, {
          authorization: '',
          'x-admin-key': bearer,
        });
        expect([method, path, named.status]).toEqual([method, path, 401]);
      }
    }
  });

  test('the keys of operators and nodes open no route of clients', async () => {
    for (const name of [adminKey, nodeKey]) {
      for (const path of ['/indexes', '/keys', '/tasks', '/stats', '/indexes/secrets/documents']) {
        const answer = await as(fleet.env[name] ?? '', 'GET', path);
        expect([path, answer.status, answer.body['code']]).toEqual([path, 403, invalid]);
      }
    }
  });

  test('no answer shows the master key, the admin key or the key of the nodes', async () => {
    const secrets = [fleet.masterKey, fleet.env[adminKey] ?? '', fleet.env[nodeKey] ?? ''];
    const operator = { 'x-admin-key': fleet.env[adminKey] ?? '' };
    for (const path of ['/keys', '/stats', '/version', '/health', '/tasks', '/indexes', '/nope']) {
      const { text } = await pod.send('GET', path);
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
    for (const [method, path] of operatorRoutes.filter(([method]) => method === 'GET')) {
      const { text } = await pod.send(method, path, undefined, operator);
      for (const secret of secrets) expect(text).not.toContain(secret);
    }
  });
});

const operatorRoutes: readonly [string, string][] = [
  ['GET', '/_miroir/topology'],
  ['GET', '/_miroir/operations'],
  ['POST', '/_miroir/nodes'],
  ['DELETE', '/_miroir/nodes/meili-0'],
  ['POST', '/_miroir/nodes/meili-0/drain'],
  ['POST', '/_miroir/rebalance'],
  ['GET', '/_miroir/rebalance/status'],
];

describe('the scope of a key', () => {
  const denied = async (method: string, path: string, body?: unknown): Promise<void> => {
    const answer = await as(scoped.key, method, path, body);
    expect([method, path, answer.status, answer.body['code']]).toEqual([
      method,
      path,
      403,
      invalid,
    ]);
    expect(answer.text).not.toMatch(/acme|rival/);
  };

  test('every route of an index outside it is refused, also one that does not exist', async () => {
    for (const uid of ['secrets', 'nowhere', 'Products_v1', 'product']) {
      await denied('GET', `/indexes/${uid}`);
      await denied('DELETE', `/indexes/${uid}`);
      await denied('PATCH', `/indexes/${uid}`, { primaryKey: 'x' });
      await denied('GET', `/indexes/${uid}/stats`);
      await denied('GET', `/indexes/${uid}/settings`);
      await denied('PATCH', `/indexes/${uid}/settings`, {});
      await denied('GET', `/indexes/${uid}/documents`);
      await denied('GET', `/indexes/${uid}/documents/1`);
      await denied('POST', `/indexes/${uid}/documents`, [{ id: 9 }]);
      await denied('DELETE', `/indexes/${uid}/documents`);
      await denied('POST', `/indexes/${uid}/documents/fetch`, {});
      await denied('POST', `/indexes/${uid}/documents/delete-batch`, [1]);
      await denied('POST', `/indexes/${uid}/search`, {});
      await denied('GET', `/indexes/${uid}/search`);
      await denied('POST', `/indexes/${uid}/facet-search`, { facetName: 'color' });
    }
  });

  test('a multi-search with one forbidden index is refused whole', async () => {
    const queries = [{ indexUid: 'products_v1' }, { indexUid: 'secrets' }];
    for (const body of [{ queries }, { queries, federation: {} }]) {
      const answer = await as(scoped.key, 'POST', '/multi-search', body);
      expect([answer.status, answer.body['code']]).toEqual([403, invalid]);
      expect(answer.text).not.toContain('acme');
    }
    const allowed = await as(scoped.key, 'POST', '/multi-search', {
      queries: [{ indexUid: 'products_v1' }, { indexUid: 'products_v2' }],
    });
    expect(allowed.status).toBe(200);
  });

  test('an index outside the scope can be neither created, swapped in nor renamed to', async () => {
    await denied('POST', '/indexes', { uid: 'theirs' });
    for (const body of [
      [{ indexes: ['products_v1', 'secrets'] }],
      [{ indexes: ['secrets', 'products_v1'] }],
      [{ indexes: ['products_v1', 'theirs'], rename: true }],
    ]) {
      await denied('POST', '/swap-indexes', body);
    }
    await denied('PATCH', '/indexes/products_v1', { uid: 'theirs' });
  });

  test('listings show only what is in it', async () => {
    const indexes = await as(scoped.key, 'GET', '/indexes');
    const uids = (indexes.body['results'] as { uid: string }[]).map(({ uid }) => uid).sort();
    expect([uids, indexes.body['total']]).toEqual([['products_v1', 'products_v2'], 2]);
    const stats = await as(scoped.key, 'GET', '/stats');
    expect(Object.keys(stats.body['indexes'] as object).sort()).toEqual([
      'products_v1',
      'products_v2',
    ]);
    const tasks = await as(scoped.key, 'GET', '/tasks?limit=100');
    expect(tasks.text).not.toContain('secrets');
    expect(Number(tasks.body['total'])).toBeGreaterThan(0);
    for (const asked of ['secrets', 'products_v1,secrets']) {
      const answer = await as(scoped.key, 'GET', `/tasks?indexUids=${asked}`);
      expect(answer.text).not.toContain('"indexUid":"secrets"');
    }
  });

  test('a task of another index is not found', async () => {
    const { body } = await pod.send('GET', '/tasks?indexUids=secrets');
    const [task] = body['results'] as { uid: number }[];
    const answer = await as(scoped.key, 'GET', `/tasks/${String(task?.uid)}`);
    expect([answer.status, answer.body['code']]).toEqual([404, 'task_not_found']);
    await as(scoped.key, 'DELETE', `/tasks?uids=${String(task?.uid)}`);
    expect((await pod.send('GET', `/tasks/${String(task?.uid)}`)).status).toBe(200);
  });

  test('a key without an action cannot do it, and cannot make itself a key', async () => {
    const reader = await newKey({ actions: ['search'], indexes: ['*'] });
    for (const [method, path, body] of [
      ['GET', '/keys'],
      ['POST', '/keys', { actions: ['*'], indexes: ['*'], expiresAt: null }],
      ['DELETE', `/keys/${admin.uid}`],
      ['PATCH', `/keys/${reader.uid}`, { name: 'x' }],
      ['POST', '/indexes/secrets/documents', [{ id: 1 }]],
      ['GET', '/indexes/secrets/documents'],
      ['GET', '/indexes'],
      ['GET', '/tasks'],
      ['GET', '/stats'],
      ['GET', '/version'],
      ['POST', '/swap-indexes', []],
    ] as const) {
      const answer = await as(reader.key, method, path, body);
      expect([method, path, answer.status]).toEqual([method, path, 403]);
    }
    expect((await as(reader.key, 'POST', '/indexes/secrets/search', {})).status).toBe(200);
  });

  test('a deleted key is refused at once', async () => {
    const key = await newKey({ actions: ['search'], indexes: ['*'] });
    expect((await as(key.key, 'GET', '/indexes/secrets/search')).status).toBe(200);
    await pod.send('DELETE', `/keys/${key.uid}`);
    expect((await as(key.key, 'GET', '/indexes/secrets/search')).status).toBe(403);
  });
});

describe('forged internals', () => {
  test('headers of inner networks change nothing', async () => {
    const headers = {
      'meili-proxy-search': 'true',
      'meili-remote': 'x',
      'x-miroir-shards': '0',
      'x-miroir-epoch': '999999',
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'evil.example',
      'x-original-url': '/keys',
      'x-rewrite-url': '/keys',
      'x-http-method-override': 'DELETE',
      'x-method-override': 'DELETE',
    };
    for (const path of ['/indexes/secrets/documents', '/indexes/secrets']) {
      const plain = await pod.send('GET', path);
      const forged = await pod.send('GET', path, undefined, headers);
      expect([forged.status, forged.text]).toEqual([plain.status, plain.text]);
      expect(JSON.stringify(forged.headers)).not.toContain('evil');
    }
    const closed = await pod.send('GET', '/indexes', undefined, { ...headers, authorization: '' });
    expect(closed.status).toBe(401);
    const found = await pod.send('POST', '/indexes/secrets/search', {}, headers);
    expect(found.body['estimatedTotalHits']).toBe(3);
  });

  test('a query cannot be sent to a server of the client', async () => {
    const queries = [{ indexUid: 'secrets', federationOptions: { remote: 'http://evil.example' } }];
    const answer = await pod.send('POST', '/multi-search', { queries, federation: {} });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain('hits');
    const network = await pod.send('PATCH', '/network', {
      remotes: { a: { url: 'http://169.254.169.254' } },
    });
    expect(network.status).toBeGreaterThanOrEqual(400);
  });

  test('a document may carry members that answers use, and they change no answer', async () => {
    const task = await pod.write('POST', '/indexes/products_v2/documents', [
      {
        id: 7,
        tenant: 'x',
        _federation: { indexUid: 'secrets' },
        _rankingScore: 9,
        title: 'forger',
      },
    ]);
    expect(task['status']).toBe('succeeded');
    const answer = await pod.send('POST', '/multi-search', {
      queries: [{ indexUid: 'products_v2', q: 'forger' }],
      federation: {},
    });
    const [hit] = answer.body['hits'] as { _federation: { indexUid: string } }[];
    expect(hit?._federation.indexUid).toBe('products_v2');
  });
});

const codeOf = (body: string): unknown => {
  const text = /\{.*\}/s.exec(body)?.[0] ?? '{}';
  return (JSON.parse(text) as { code?: unknown }).code;
};

/** `KEY` stands for the master key. */
async function sendRaw(line: string, headers: readonly string[]): ReturnType<typeof rawHttp> {
  const filled = (text: string): string =>
    text.replaceAll('KEY', fleet.masterKey).replaceAll('PART', fleet.masterKey.slice(0, -1));
  return await rawHttp(url, [filled(line), 'Host: miroir', ...headers.map(filled)]);
}
