/**
 * Goal: totals and facets of a distinct search are those of one Meilisearch, which in offset mode depend on
 * how far it had to look.
 * Method: the same searches of three nodes and of one with all documents. On embedded nodes, and on real
 * ones when MEILISEARCH_BIN is set.
 */
import { engines, sidesForTest } from '../../compat/sides';
import type { Engine, Sides } from '../../compat/sides';

const words = ['red', 'green', 'blue', 'black', 'white', 'brown', 'grey'];
const documents = Array.from({ length: 150 }, (_, id) => ({
  id,
  title: `${words[id % 7] ?? ''} ${words[(id * 3) % 5] ?? ''} lamp`,
  maker: id % 11 === 0 ? null : `Maker ${String((id * 5) % 23)}`,
  price: (id * 7) % 40,
  tag: words[(id * 2) % 7],
  many: [words[id % 3], words[id % 5]],
}));

const searches: readonly object[] = [
  { q: '', distinct: 'maker', limit: 5 },
  { q: '', distinct: 'maker', limit: 0 },
  { q: '', distinct: 'maker', limit: 100, facets: ['tag', 'price'] },
  { q: 'red', distinct: 'maker', limit: 3 },
  { q: 'red', distinct: 'maker', limit: 3, facets: ['tag', 'price', 'maker'] },
  { q: 'red lamp', distinct: 'price', offset: 4, limit: 5, facets: ['price'] },
  { q: 'lamp', distinct: 'tag', limit: 2 },
  { q: 'green', distinct: 'maker', limit: 2, filter: 'price > 10', facets: ['tag'] },
  { q: '', distinct: 'maker', limit: 4, sort: ['price:asc'], facets: ['tag'] },
  { q: 'brown grey', distinct: 'price', limit: 4, sort: ['price:desc'] },
  { q: '', distinct: 'maker', page: 1, hitsPerPage: 4, facets: ['tag', 'price', 'maker'] },
  { q: '', distinct: 'tag', page: 3, hitsPerPage: 3, facets: ['maker', 'price'] },
  { q: 'red lamp', distinct: 'maker', page: 2, hitsPerPage: 3, facets: ['tag', 'many'] },
  { q: 'green', distinct: 'tag', page: 1, hitsPerPage: 2, filter: 'price > 10', facets: ['price'] },
  { q: 'lamp', distinct: 'price', page: 1, hitsPerPage: 0, facets: ['tag'] },
  { q: 'lamp', distinct: 'id', page: 2, hitsPerPage: 5 },
];

describe.each(engines)('on %s nodes', (engine: Engine) => {
  let sides: Sides;

  beforeAll(async () => {
    sides = await sidesForTest(engine, { nodes: 3, replicationFactor: 1 });
    for (const [uid, settings] of [
      ['things', {}],
      ['makers', { distinctAttribute: 'maker' }],
    ] as const) {
      await sides.both('POST', '/indexes', { uid, primaryKey: 'id' });
      await sides.both('PATCH', `/indexes/${uid}/settings`, {
        filterableAttributes: ['id', 'maker', 'price', 'tag', 'many'],
        sortableAttributes: ['price'],
        searchableAttributes: ['title'],
        ...settings,
      });
      await sides.both('POST', `/indexes/${uid}/documents`, documents);
    }
  }, 120_000);
  afterAll(async () => {
    await sides.close();
  });

  const counts = async (uid: string, body: object): Promise<unknown[]> =>
    await Promise.all(
      [sides.single, sides.pod].map(async (side) => {
        const answer = await side.send('POST', `/indexes/${uid}/search`, body);
        const { estimatedTotalHits, totalHits, facetDistribution, facetStats } = answer.body;
        if (side === sides.pod) expect(answer.headers['x-miroir-approximate']).toBeUndefined();
        expect(answer.status).toBe(200);
        return {
          hits: (answer.body['hits'] as { id: number }[]).map(({ id }) => id),
          estimatedTotalHits,
          totalHits,
          facetDistribution,
          facetStats,
        };
      }),
    );

  test.each(searches)('%j', async (body) => {
    const [one, many] = await counts('things', body);
    expect(many).toEqual(one);
  });

  test.each([
    { q: 'red', limit: 3 },
    { q: '', limit: 6, facets: ['tag'] },
    { q: 'lamp', page: 2, hitsPerPage: 4, facets: ['tag', 'price'] },
  ])('by the setting: %j', async (body) => {
    const [one, many] = await counts('makers', body);
    expect(many).toEqual(one);
  });

  test('what cannot be told is named', async () => {
    const body = { q: 'red', distinct: 'many', limit: 2 };
    const answer = await sides.pod.send('POST', '/indexes/things/search', body);
    expect(answer.headers['x-miroir-approximate']).toContain('distinct-array');
    const told = { ...body, distinct: 'maker' };
    const exact = await sides.pod.send('POST', '/indexes/things/search', told);
    expect(exact.headers['x-miroir-approximate']).toBeUndefined();
  });
});
