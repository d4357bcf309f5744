/**
 * Goal: an alias is a name like any other: with one target for reads and writes, with several for reads
 * that are exact over all of them; flips are counted, remembered and can be taken back.
 *
 * Method: embedded nodes behind the api; an alias of three indexes is compared with one index that has all
 * of their documents.
 */
import { fleetForTest } from './support';
import type { FleetForTest, Json, PodForTest } from './support';
import { waitFor } from '../support/wait-for';

jest.setTimeout(60_000);

let fleet: FleetForTest;
let pod: PodForTest;

const colours = ['red', 'green', 'blue'];
const film = (id: number): object => ({
  id,
  title: `film number ${id % 7}`,
  year: 1950 + (id % 50),
  colour: colours[id % 3],
});
const films = Array.from({ length: 90 }, (_, id) => film(id));
const settings = { filterableAttributes: ['year', 'colour'], sortableAttributes: ['year'] };

beforeAll(async () => {
  fleet = await fleetForTest({
    nodes: 2,
    replicationFactor: 1,
    env: { MIROIR_CANARY_CAPTURE_PER_MILLE: '1000' },
  });
  pod = await fleet.pod();
  for (const [name, from, to] of [
    ['films-1', 0, 30],
    ['films-2', 30, 60],
    ['films-3', 60, 90],
    ['all', 0, 90],
  ] as const) {
    await pod.write('PATCH', `/indexes/${name}/settings`, settings);
    const path = `/indexes/${name}/documents?primaryKey=id`;
    await pod.write('POST', path, films.slice(from, to));
  }
  await put('films', { targets: ['films-1', 'films-2', 'films-3'] });
});
afterAll(() => fleet.close());

const operate = (method: string, path: string, body?: unknown): Promise<Json> =>
  pod.send(method, path, body, { authorization: `Bearer ${fleet.config.api.adminKey}` });
const put = (name: string, body: object): Promise<Json> =>
  operate('PUT', `/_miroir/aliases/${name}`, body);

interface Searched {
  readonly hits: { id: number }[];
}
const ids = (answer: Json): number[] =>
  ((answer.body['hits'] ?? answer.body['results']) as unknown as Searched['hits']).map(
    ({ id }) => id,
  );

describe('an alias with several targets', () => {
  test.each([
    { q: 'film number 3', limit: 100 },
    { q: 'number', filter: 'year > 1970', facets: ['colour', 'year'], limit: 100 },
    { q: '', sort: ['year:desc'], limit: 40 },
    { q: 'film', distinct: 'colour', page: 1, hitsPerPage: 10 },
    { q: 'film', facets: ['*'], page: 2, hitsPerPage: 25 },
  ])('a search %j finds what one index with all documents finds', async (body) => {
    const [many, one] = await Promise.all([
      pod.send('POST', '/indexes/films/search', body),
      pod.send('POST', '/indexes/all/search', body),
    ]);
    expect(many.status).toBe(200);
    for (const name of ['estimatedTotalHits', 'totalHits', 'totalPages', 'facetStats']) {
      expect(many.body[name]).toEqual(one.body[name]);
    }
    expect(many.body['facetDistribution']).toEqual(one.body['facetDistribution']);
    expect(ids(many)).toHaveLength(ids(one).length);
    // Equal hits may stand in another order: their places were given by three indexes.
    if (ids(one).length === one.body['estimatedTotalHits']) {
      expect(ids(many).sort()).toEqual(ids(one).sort());
    }
  });

  test('its pages show every hit once', async () => {
    const seen: number[] = [];
    for (let offset = 0; offset < 90; offset += 13) {
      seen.push(...ids(await pod.send('POST', '/indexes/films/search', { limit: 13, offset })));
    }
    expect(seen.sort((a, b) => a - b)).toEqual(films.map((_, id) => id));
  });

  test('documents are listed, the newest index first, and found by id', async () => {
    const listed = await pod.send('GET', '/indexes/films/documents?offset=25&limit=10');
    expect(listed.body).toMatchObject({ offset: 25, limit: 10, total: 90 });
    expect(ids(listed)).toEqual([85, 86, 87, 88, 89, 30, 31, 32, 33, 34]);
    const filtered = await pod.send('POST', '/indexes/films/documents/fetch', {
      ...{ filter: 'colour = red', fields: ['id'], limit: 100 },
    });
    expect(filtered.body).toMatchObject({ total: 30 });
    const sorted = await pod.send('POST', '/indexes/films/documents/fetch', {
      ...{ sort: ['year:asc'], fields: ['year'], limit: 5 },
    });
    expect((sorted.body['results'] as object[]).map((one) => one)).toEqual(
      [1950, 1950, 1951, 1951, 1952].map((year) => ({ year })),
    );
    const picked = await pod.send('POST', '/indexes/films/documents/fetch', { ids: [3, 45, 88] });
    expect(ids(picked).sort()).toEqual([3, 45, 88]);
    const found = await pod.send('GET', '/indexes/films/documents/12');
    expect(found.body).toEqual(film(12));
    const missing = await pod.send('GET', '/indexes/films/documents/999');
    expect(missing.body).toMatchObject({ code: 'document_not_found' });
  });

  test('facet values are searched over all of its targets', async () => {
    const body = { facetName: 'colour', facetQuery: 're' };
    const many = await pod.send('POST', '/indexes/films/facet-search', body);
    expect(many.body['facetHits']).toEqual([{ value: 'red', count: 30 }]);
  });

  test.each([
    ['POST', '/indexes/films/documents', [{ id: 1 }]],
    ['PUT', '/indexes/films/documents', [{ id: 1 }]],
    ['DELETE', '/indexes/films/documents/1', undefined],
    ['POST', '/indexes/films/documents/delete', { filter: 'year = 1950' }],
    ['PATCH', '/indexes/films/settings', { stopWords: ['a'] }],
  ])('a write %s %s is refused', async (method, path, body) => {
    const answer = await pod.send(method, path, body);
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({ code: 'miroir_multi_alias_not_writable' });
  });

  test('what is a matter of one index is refused in words', async () => {
    for (const path of ['/indexes/films', '/indexes/films/stats', '/indexes/films/settings']) {
      const answer = await pod.send('GET', path);
      expect(answer.body).toMatchObject({ code: 'miroir_not_supported' });
      expect(String(answer.body['message'])).toContain('`films-1`');
    }
  });

  test('targets whose hits cannot be compared are refused, as in a federation', async () => {
    await pod.write('PATCH', '/indexes/odd/settings', { rankingRules: ['year:desc', 'words'] });
    await put('mixed', { targets: ['films-1', 'odd'] });
    const answer = await pod.send('POST', '/indexes/mixed/search', { q: 'film' });
    expect(answer.body).toMatchObject({ code: 'invalid_multi_search_query_ranking_rules' });
  });
});

describe('flips', () => {
  test('are remembered, counted, and taken back', async () => {
    expect((await put('shop', { target: 'films-1' })).status).toBe(201);
    await put('shop', { target: 'films-2', why: 'new schema' });
    const flipped = await put('shop', { target: 'films-3' });
    expect(flipped.body).toMatchObject({
      ...{ targets: ['films-3'], flips: 2 },
      history: [{ targets: ['films-1'] }, { targets: ['films-2'] }],
    });
    const back = await operate('POST', '/_miroir/aliases/shop/rollback');
    expect(back.body).toMatchObject({ targets: ['films-2'], flips: 3 });
    await pod.send('PATCH', '/experimental-features', { metrics: true });
    await pod.send('POST', '/indexes/shop/search', {});
    const { text } = await pod.send('GET', '/metrics');
    expect(text).toContain('miroir_alias_flips_total{alias="shop"} 3');
    expect(text).toMatch(/miroir_alias_resolutions_total\{alias="shop",method="POST"\} [1-9]/);
  });

  test('to an index that is not there are refused unless the operator allows it', async () => {
    const refused = await put('later', { target: 'not-yet' });
    expect(refused.body).toMatchObject({ code: 'index_not_found' });
    const allowed = await put('later', { target: 'not-yet', requireTargetExists: false });
    expect(allowed.status).toBe(201);
    expect((await pod.send('POST', '/indexes/later/search', {})).body).toMatchObject({
      code: 'index_not_found',
    });
  });

  test('never take the name of an index', async () => {
    expect((await put('all', { target: 'films-1' })).body).toMatchObject({
      code: 'miroir_operation_refused',
    });
  });
});

test('searches are kept to make canaries of, without what they were authorised by', async () => {
  await pod.send('POST', '/indexes/films/search', { q: 'film number 4', limit: 3 });
  const kept = await waitFor(
    async () => {
      const { body } = await operate('GET', '/_miroir/captured-queries');
      const all = body['results'] as unknown as { index: string; query: { q?: string } }[];
      return all.find(({ query }) => query.q === 'film number 4') ?? null;
    },
    { what: 'the search to be kept' },
  );
  expect(kept).toMatchObject({
    ...{ index: 'films', query: { q: 'film number 4', limit: 3 }, seen: 1 },
    ids: [expect.any(String), expect.any(String), expect.any(String)],
  });
  expect(JSON.stringify(kept)).not.toContain(fleet.masterKey);
});
