/**
 * Goal: a client never meets the members that Miroir adds to documents, and ids are the ones that
 * Meilisearch would read.
 * Method: the same requests over HTTP to a pod before three nodes with two copies of each shard, and to
 * one node without Miroir; answers are compared as text, and no answer may contain a hidden name.
 */
import { engines, sidesForTest } from './sides';
import type { Sides } from './sides';
import type { Json } from '../api/support';

const raw = { 'content-type': 'application/json' };

const hiddenText = /_miroir|[\u2295-\u22ab\u22b0-\u22d8]/;
const hiddenNames = ['_miroir_bucket', '_miroir_slot', '_miroir_seq', '_miroir_expires_at'];

/** Documents with numbers that buckets, slots and sequence numbers could be mistaken for. */
const documents = Array.from({ length: 120 }, (_, id) => ({
  id,
  title: ['red shoe', 'blue shoe 777', 'green coat 1234', 'red hat 16000'][id % 4],
  color: ['red', 'blue', 'green'][id % 3],
  price: (id * 37) % 50,
  genres: [`g${String(id % 5)}`, 'all'],
  ...(id % 10 === 0 ? { note: 'bucket of slots' } : {}),
}));

const idsOf = (answer: Json): unknown[] =>
  (answer.body['hits'] as { id: unknown }[]).map(({ id }) => id);

/** An answer without its time and its random uid. */
function comparable(answer: Json): Record<string, unknown> {
  const { processingTimeMs: _, requestUid: __, ...rest } = answer.body;
  return rest;
}

describe.each(engines)('%s engine', (engine) => {
  let sides: Sides;

  beforeAll(async () => {
    sides = await sidesForTest(engine);
    const { both } = sides;
    await both('POST', '/indexes', { uid: 'shop', primaryKey: 'id' });
    await both('PATCH', '/indexes/shop/settings', {
      filterableAttributes: ['color', 'price', 'genres'],
      sortableAttributes: ['price'],
    });
    await both('POST', '/indexes/shop/documents', documents);
  }, 60_000);
  afterAll(async () => {
    await sides.close();
  });

  const ask = async (method: string, path: string, body?: unknown): Promise<Json> => {
    const answer = await sides.pod.send(method, path, body);
    expect(`${method} ${path} ${answer.text}`).not.toMatch(hiddenText);
    expect(JSON.stringify(answer.headers)).not.toMatch(/_miroir_/);
    return answer;
  };
  const askBoth = async (method: string, path: string, body?: unknown): Promise<[Json, Json]> => [
    await sides.single.send(method, path, body),
    await ask(method, path, body),
  ];

  test('large numbers come back with the bytes they had', async () => {
    const bytes = '{"id":9007199254740993,"big":12345678901234567890}';
    await sides.both('POST', '/indexes/big/documents?primaryKey=id', bytes);
    for (const side of [sides.single, sides.pod]) {
      const got = await side.send('GET', '/indexes/big/documents/9007199254740993');
      expect(got.text).toBe(bytes);
      const reads = [
        await side.send('GET', '/indexes/big/documents'),
        await side.send('POST', '/indexes/big/documents/fetch', { ids: ['9007199254740993'] }),
        await side.send('POST', '/indexes/big/documents/fetch', {}),
        await side.send('POST', '/indexes/big/search', {}),
        await side.send('GET', '/indexes/big/search?q=12345678901234567890'),
      ];
      for (const read of reads) expect(read.text).toContain(`[${bytes}]`);
    }
  });

  test('ids are read as Meilisearch reads them', async () => {
    const payload =
      '[{"\\u0069d":"d4","x":1},{"id":"d2","id":"d3"},{"id":1,"v":"number"},{"id":"1","v":"text"}]';
    await sides.both('POST', '/indexes/ids/documents?primaryKey=id', payload);
    for (const id of ['d4', 'd3', 'd2', '1']) {
      const [one, many] = await askBoth('GET', `/indexes/ids/documents/${id}`);
      expect([id, many.status, many.text]).toEqual([id, one.status, one.text]);
    }
    expect((await ask('GET', '/indexes/ids/documents/d4')).body).toEqual({ id: 'd4', x: 1 });
    expect((await ask('GET', '/indexes/ids/documents/d2')).status).toBe(404);
    expect((await ask('GET', '/indexes/ids/documents')).body['total']).toBe(3);
    expect((await ask('GET', '/indexes/ids/documents/1')).body['v']).toBe('text');
    await sides.both('DELETE', '/indexes/ids/documents/1');
    expect((await ask('GET', '/indexes/ids/documents')).body['total']).toBe(2);
  });

  test.each([
    '[{"id":1,"_miroir_bucket":"A"}]',
    '[{"id":1,"_miroir_anything":null}]',
    '[{"id":1},{"id":2,"\\u005fmiroir_seq":1}]',
    '{"id":1,"_miroir_":{}}',
  ])('a document that names a reserved member is refused whole: %s', async (payload) => {
    for (const method of ['POST', 'PUT']) {
      const answer = await sides.pod.send(method, '/indexes/shop/documents', payload, raw);
      expect(answer.body).toMatchObject({ code: 'miroir_reserved_field' });
      expect(answer.status).toBe(400);
    }
    expect((await ask('GET', '/indexes/shop/documents')).body['total']).toBe(documents.length);
  });

  test('a reserved member is refused in every format, and only at the top level', async () => {
    for (const [type, payload] of [
      ['application/x-ndjson', '{"id":1}\n{"id":2,"_miroir_slot":"x"}\n'],
      ['text/csv', 'id,_miroir_slot\n1,x\n'],
    ]) {
      const answer = await sides.pod.send('POST', '/indexes/shop/documents', payload, {
        'content-type': type ?? '',
      });
      expect([type, answer.body['code']]).toEqual([type, 'miroir_reserved_field']);
    }
    const nested = '[{"id":1,"a":{"_miroir_slot":"mine"}}]';
    await sides.both('POST', '/indexes/nested/documents?primaryKey=id', nested);
    expect((await sides.pod.send('GET', '/indexes/nested/documents/1')).text).toBe(
      nested.slice(1, -1),
    );
  });

  test.each(['777', '1234', '16000', '0', 'miroir', 'bucket', 'slot', 'seq', '_'])(
    'a search for %s counts what one node counts',
    async (q) => {
      const [one, many] = await askBoth('POST', '/indexes/shop/search', { q, limit: 1000 });
      expect(idsOf(many)).toEqual(idsOf(one));
      expect(many.body['estimatedTotalHits']).toBe(one.body['estimatedTotalHits']);
    },
  );

  test('no answer of any route names a hidden member', async () => {
    const everything = {
      q: 'red',
      facets: ['*'],
      attributesToHighlight: ['*'],
      attributesToCrop: ['*'],
      cropLength: 3,
      attributesToRetrieve: ['*'],
      showMatchesPosition: true,
      showRankingScore: true,
      showRankingScoreDetails: true,
      sort: ['price:asc'],
    };
    const shown = [
      await ask('POST', '/indexes/shop/search', everything),
      await ask('POST', '/multi-search', { queries: [{ indexUid: 'shop', ...everything }] }),
      await ask('POST', '/indexes/shop/facet-search', { facetName: 'color' }),
      await ask('GET', '/indexes/shop/documents?fields=*'),
      await ask('GET', '/indexes/shop/documents'),
      await ask('POST', '/indexes/shop/documents/fetch', { fields: ['*'], sort: ['price:asc'] }),
      await ask('POST', '/indexes/shop/documents/fetch', { filter: 'color = red' }),
      await ask('GET', '/indexes/shop/documents/3'),
      await ask('GET', '/indexes/shop/settings'),
      await ask('GET', '/indexes/shop/settings/ranking-rules'),
      await ask('GET', '/indexes/shop/settings/filterable-attributes'),
      await ask('GET', '/indexes/shop/settings/sortable-attributes'),
      await ask('GET', '/indexes/shop/settings/displayed-attributes'),
      await ask('GET', '/indexes/shop'),
      await ask('GET', '/indexes'),
      await ask('GET', '/indexes/shop/stats'),
      await ask('GET', '/stats'),
      await ask('GET', '/tasks'),
      await ask('GET', '/keys'),
      await ask('GET', '/version'),
      await ask('GET', '/health'),
    ];
    expect(shown.map((answer) => answer.status)).toEqual(shown.map(() => 200));
  });

  test('the fields of the statistics are the ones of the documents', async () => {
    const [one, many] = await askBoth('GET', '/indexes/shop/stats');
    expect(many.body['fieldDistribution']).toEqual(one.body['fieldDistribution']);
    expect(many.body['numberOfDocuments']).toBe(one.body['numberOfDocuments']);
  });

  test('all settings and each of them read as on one node, also after a reset', async () => {
    const compare = async (): Promise<void> => {
      const [one, many] = await askBoth('GET', '/indexes/shop/settings');
      expect(many.body).toEqual(one.body);
      for (const name of ['ranking-rules', 'filterable-attributes', 'sortable-attributes']) {
        const [left, right] = await askBoth('GET', `/indexes/shop/settings/${name}`);
        expect(right.text).toBe(left.text);
      }
    };
    await compare();
    await sides.both('PUT', '/indexes/shop/settings/ranking-rules', ['words', 'price:desc']);
    await compare();
    await sides.both('DELETE', '/indexes/shop/settings/ranking-rules');
    await compare();
  });

  test.each(hiddenNames)('settings that name %s are refused', async (name) => {
    for (const body of [
      { filterableAttributes: [name] },
      { sortableAttributes: ['price', name] },
      { searchableAttributes: [name] },
      { displayedAttributes: [name] },
      { rankingRules: ['words', `${name}:asc`] },
      { distinctAttribute: name },
      { filterableAttributes: ['_miroir_*'] },
    ]) {
      const answer = await sides.pod.send('PATCH', '/indexes/shop/settings', body);
      expect([body, answer.status]).toEqual([body, 400]);
    }
  });

  test.each(
    hiddenNames.flatMap((name): [string, object][] => [
      ['search', { filter: `${name} = x` }],
      ['search', { filter: `${name} EXISTS` }],
      ['search', { filter: [[`NOT ${name} IN [a]`, 'color = red']] }],
      ['search', { filter: `color = red AND (price > 1 OR "${name}" != x)` }],
      ['search', { sort: [`${name}:asc`] }],
      ['search', { distinct: name }],
      ['search', { facets: [name] }],
      ['search', { facets: ['color', name] }],
      ['search', { attributesToRetrieve: [name] }],
      ['search', { attributesToRetrieve: ['id', name], attributesToHighlight: [name] }],
      ['search', { attributesToCrop: [`${name}:3`], attributesToHighlight: ['color'] }],
      ['facet-search', { facetName: name }],
      ['facet-search', { facetName: 'color', filter: `${name} = x` }],
      ['documents/fetch', { fields: [name] }],
      ['documents/fetch', { filter: `${name} = x` }],
      ['documents/fetch', { filter: ['color = red', [`"${name}" = x`, 'price > 1']] }],
      ['documents/fetch', { filter: `${name} = x`, sort: ['price:asc'] }],
      ['documents/fetch', { sort: [`${name}:desc`] }],
      ['documents/fetch', { fields: ['id', name], sort: ['price:asc'] }],
    ]),
  )('%s %j is answered as for an unknown field', async (route, body) => {
    const path = `/indexes/shop/${route}`;
    const fleet = await sides.pod.send('POST', path, body);
    const one = await sides.single.send('POST', path, body);
    expect({ status: fleet.status, ...comparable(fleet) }).toEqual({
      status: one.status,
      ...comparable(one),
    });
  });

  test.each(hiddenNames)('documents cannot be deleted by %s', async (name) => {
    const path = '/indexes/shop/documents/delete';
    for (const filter of [
      `${name} EXISTS`,
      `color = red OR ${name} EXISTS`,
      [[`NOT ${name} = x`]],
    ]) {
      const [left, right] = [
        await sides.single.send('POST', path, { filter }),
        await sides.pod.send('POST', path, { filter }),
      ];
      expect([filter, right.status]).toEqual([filter, left.status]);
      const [one, many] = [
        await sides.single.write('POST', path, { filter }),
        await sides.pod.write('POST', path, { filter }),
      ];
      expect([many['status'], many['error']]).toEqual([one['status'], one['error']]);
    }
    expect((await ask('GET', '/indexes/shop/documents')).body['total']).toBe(documents.length);
  });

  test.each([
    ['search', { filter: 'brand = x' }],
    ['search', { filter: 'color = ' }],
    ['search', { filter: 'color != red AND brand != x' }],
    ['search', { sort: ['brand:asc'] }],
    ['search', { facets: ['brand'] }],
    ['search', { distinct: 'brand' }],
    ['search', { attributesToSearchOn: ['brand'] }],
    ['search', { q: 'x', filter: ['color = red', ['brand = y']] }],
    ['facet-search', { facetName: 'brand' }],
    ['documents/fetch', { filter: 'brand = x' }],
    ['documents/fetch', { sort: ['brand:asc'] }],
    ['documents/delete', { filter: 'brand = x' }],
  ])('the error of %s %j is the one of one node', async (route, body) => {
    const path = `/indexes/shop/${route}`;
    const [one, many] = await askBoth('POST', path, body);
    if (route !== 'documents/delete') {
      expect([many.status, comparable(many)]).toEqual([one.status, comparable(one)]);
      return;
    }
    const [left, right] = [
      await sides.single.write('POST', path, body),
      await sides.pod.write('POST', path, body),
    ];
    expect(right['error']).toEqual(left['error']);
    expect(JSON.stringify(right)).not.toMatch(hiddenText);
  });
});
