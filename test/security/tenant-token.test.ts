/**
 * Goal: a tenant token opens the searches that its rules allow, and nothing else.
 * Method: filters that try to break out of the rule, and forged, expired and misshapen tokens, against a
 * pod before three nodes.
 */
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { JsonValue } from '../../core/fleet';
import type { Json } from '../api/support';
import { shopForTest } from './shop';
import type { Shop, ShopKey } from './shop';

let fleet: Shop['fleet'];
let as: Shop['as'];
let scoped: ShopKey;
let admin: ShopKey;

const invalid = 'invalid_api_key';

beforeAll(async () => {
  ({ fleet, as, scoped, admin } = await shopForTest());
}, 60_000);
afterAll(async () => {
  await fleet.close();
});

const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsigned = (header: object, claims: object): string => `${base64(header)}.${base64(claims)}`;

describe('tenant tokens', () => {
  const rule = (filter: JsonValue): object => ({ products_v1: { filter } });
  const search = async (bearer: string, body: object = {}, uid = 'products_v1'): Promise<Json> =>
    await as(bearer, 'POST', `/indexes/${uid}/search`, body);
  const titles = (answer: Json): unknown =>
    (answer.body['hits'] as { title: string }[] | undefined)?.map(({ title }) => title);

  test('a good one sees its part only, whatever the filter tries', async () => {
    const bearer = token({ searchRules: rule('tenant = acme') });
    for (const filter of [
      undefined,
      null,
      '',
      [],
      'tenant = rival',
      'tenant = rival OR tenant = acme',
      ['tenant = rival OR tenant = acme'],
      [['tenant = rival', 'tenant = acme']],
      'color = red OR tenant EXISTS',
      'NOT tenant = acme OR color = red',
      'tenant = acme) OR (tenant = rival',
      'tenant = acme") OR (tenant = "rival',
      ['tenant = acme) OR (tenant = rival'],
      ["color = red' OR tenant = 'rival"],
      '_miroir_bucket EXISTS',
    ]) {
      const answer = await search(bearer, filter === undefined ? {} : { filter });
      expect(answer.text).not.toContain('rival three');
      const multi = await as(bearer, 'POST', '/multi-search', {
        queries: [{ indexUid: 'products_v1', ...(filter === undefined ? {} : { filter }) }],
      });
      expect(multi.text).not.toContain('rival three');
      const facets = await as(bearer, 'POST', '/indexes/products_v1/facet-search', {
        facetName: 'tenant',
        ...(filter === undefined ? {} : { filter }),
      });
      expect(facets.text).not.toContain('"value":"rival"');
    }
    expect(titles(await search(bearer))).toEqual(['acme one', 'acme two']);
    expect(titles(await search(bearer, { filter: 'color = red' }))).toEqual(['acme one']);
  });

  test('a rule of several alternatives stays within itself', async () => {
    for (const filter of [
      'tenant = acme OR tenant = other',
      [['tenant = acme', 'tenant = other']],
      ['tenant = acme OR tenant = other'],
    ]) {
      const bearer = token({ searchRules: rule(filter) });
      expect(titles(await search(bearer, { filter: 'color = red' }))).toEqual(['acme one']);
    }
  });

  test('a rule that is no filter shows nothing', async () => {
    const answer = await search(token({ searchRules: rule('tenant = acme) OR (color = red') }));
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain('three');
  });

  test('the rule of the exact name wins over `*`, and other indexes are refused', async () => {
    const both = token({ searchRules: { '*': {}, products_v1: { filter: 'tenant = acme' } } });
    expect(titles(await search(both))).toEqual(['acme one', 'acme two']);
    const one = token({ searchRules: ['products_v2'] });
    expect((await search(one)).status).toBe(403);
    expect((await search(one, {}, 'products_v2')).status).toBe(200);
    const all = token({ searchRules: ['*'] });
    expect((await search(all, {}, 'secrets')).status).toBe(403);
  });

  test('forged, expired and misshapen ones are refused', async () => {
    const claims = { searchRules: ['*'], apiKeyUid: scoped.uid };
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const signed = unsigned({ alg: 'RS256', typ: 'JWT' }, claims);
    const rsa = sign('sha256', Buffer.from(signed), privateKey).toString('base64url');
    const hmac = (text: string, secret: string): string =>
      createHmac('sha256', secret).update(text).digest('base64url');
    const none = unsigned({ alg: 'none', typ: 'JWT' }, claims);
    const good = token({ searchRules: ['*'] });
    const [head = '', , tail = ''] = good.split('.');
    const forged = [
      `${none}.`,
      `${none}.${hmac(none, scoped.key)}`,
      `${signed}.${rsa}`,
      `${signed}.${hmac(signed, scoped.key)}`,
      `${unsigned({ alg: 'hs256' }, claims)}.x`,
      `${good}x`,
      `${good}.`,
      `${head}.${base64({ ...claims, searchRules: ['secrets'] })}.${tail}`,
      token({ searchRules: ['*'] }, { secret: admin.key }),
      token({ searchRules: ['*'] }, { secret: '' }),
      token({ searchRules: ['*'] }, { secret: fleet.masterKey }),
      token({ searchRules: ['*'], apiKeyUid: admin.uid }),
      token({ searchRules: ['*'], apiKeyUid: '' }),
      token({ searchRules: ['*'], apiKeyUid: '__proto__' }),
      token({ searchRules: ['*'], exp: Math.floor(Date.now() / 1000) - 60 }),
      token({ searchRules: ['*'], aud: 'someone' }),
      token({ searchRules: 'products_v1' }),
      token({ searchRules: { products_v1: 'tenant = acme' } }),
      token({}),
    ];
    for (const [i, bearer] of forged.entries()) {
      const answer = await search(bearer);
      expect([i, answer.status, answer.body['code']]).toEqual([i, 403, invalid]);
    }
  });

  test('a token opens searches only', async () => {
    const bearer = token({ searchRules: ['*'] });
    for (const [method, path, body] of [
      ['GET', '/indexes/products_v1/documents'],
      ['POST', '/indexes/products_v1/documents/fetch', {}],
      ['POST', '/indexes/products_v1/documents', [{ id: 1 }]],
      ['GET', '/indexes/products_v1/settings'],
      ['GET', '/indexes'],
      ['GET', '/keys'],
      ['GET', '/tasks'],
    ] as const) {
      expect((await as(bearer, method, path, body)).status).toBe(403);
    }
  });

  function token(claims: object, options: { secret?: string } = {}): string {
    const text = unsigned({ alg: 'HS256', typ: 'JWT' }, { apiKeyUid: scoped.uid, ...claims });
    const signature = createHmac('sha256', options.secret ?? scoped.key).update(text);
    return `${text}.${signature.digest('base64url')}`;
  }
});
