/**
 * Goal: totals and facets of a federated search with `distinct` are those of one Meilisearch, which depend
 * on what each query kept and on what fell to a better hit of another query.
 * Method: the same requests of three nodes and of one with all documents where MEILISEARCH_BIN names a real
 * one; everywhere the counts are those that the real one was seen to answer.
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
  _vectors: { tiny: [Math.cos(id), Math.sin(id)] },
}));

const hybrid = (semanticRatio: number): object => ({
  hybrid: { embedder: 'tiny', semanticRatio },
  vector: [0.6, 0.8],
});

/** What one real Meilisearch answers. */
interface Seen {
  readonly ids: readonly number[];
  readonly total: number;
  readonly tags: Readonly<Record<string, number>>;
}

const requests: readonly (readonly [queries: readonly object[], federation: object, seen: Seen])[] =
  [
    [
      [{ q: 'red' }],
      { distinct: 'maker', limit: 4 },
      {
        ids: [0, 7, 14, 21],
        total: 27,
        tags: { black: 1, blue: 1, brown: 1, grey: 1, red: 22, white: 1 },
      },
    ],
    [
      [{ q: 'red' }, { q: 'blue lamp' }],
      { distinct: 'maker', limit: 4 },
      {
        ids: [9, 44, 79, 114],
        total: 67,
        tags: { black: 4, blue: 5, brown: 4, green: 5, grey: 5, red: 22, white: 22 },
      },
    ],
    [
      [{ q: '' }, { q: 'green' }],
      { distinct: 'maker', limit: 6 },
      {
        ids: [1, 8, 15, 22, 29, 36],
        total: 125,
        tags: { black: 17, blue: 22, brown: 16, green: 17, grey: 18, red: 17, white: 18 },
      },
    ],
    [
      [{ q: 'red', filter: 'price > 10' }, { q: 'lamp' }],
      { distinct: 'tag', limit: 3 },
      {
        ids: [14, 5, 10],
        total: 13,
        tags: { black: 1, blue: 2, brown: 2, green: 2, grey: 2, red: 2, white: 2 },
      },
    ],
    [
      [{ q: 'white lamp', ...hybrid(0.5) }, { q: 'green' }],
      { distinct: 'maker', limit: 5 },
      {
        ids: [18, 53, 88, 123, 3],
        total: 50,
        tags: { black: 3, blue: 22, brown: 4, green: 6, grey: 7, red: 5, white: 3 },
      },
    ],
    [
      [{ q: 'brown', ...hybrid(0.8) }],
      { distinct: 'price', limit: 5 },
      {
        ids: [114, 70, 26, 1, 45],
        total: 137,
        tags: { black: 19, blue: 20, brown: 17, green: 19, grey: 20, red: 22, white: 20 },
      },
    ],
    [
      [{ q: 'brown', ...hybrid(1) }, { q: 'grey' }],
      { distinct: 'tag', limit: 5 },
      {
        ids: [114, 70, 26, 1, 45],
        total: 47,
        tags: { black: 1, blue: 1, brown: 21, green: 21, grey: 1, red: 1, white: 1 },
      },
    ],
  ];
const facets = { facetsByIndex: { things: ['tag', 'price'] } };

describe.each(engines)('on %s nodes', (engine: Engine) => {
  let sides: Sides;

  beforeAll(async () => {
    sides = await sidesForTest(engine, { nodes: 3, replicationFactor: 1 });
    await sides.both('POST', '/indexes', { uid: 'things', primaryKey: 'id' });
    await sides.both('PATCH', '/indexes/things/settings', {
      filterableAttributes: ['maker', 'price', 'tag'],
      searchableAttributes: ['title'],
      embedders: { tiny: { source: 'userProvided', dimensions: 2 } },
    });
    await sides.both('POST', '/indexes/things/documents', documents);
  }, 120_000);
  afterAll(async () => {
    await sides.close();
  });

  test.each(requests)('%j in %j', async (queries, federation, seen) => {
    const body = {
      queries: queries.map((query) => ({ indexUid: 'things', ...query })),
      federation: { ...federation, ...facets },
    };
    const asked = engine === 'real' ? [sides.single, sides.pod] : [sides.pod];
    const answers = await Promise.all(
      asked.map((side) => side.send('POST', '/multi-search', body)),
    );
    const told = answers.map(({ status, body: found }) => {
      expect(status).toBe(200);
      const hits = found['hits'] as { id: number }[];
      const { estimatedTotalHits, facetsByIndex } = found;
      return { ids: hits.map(({ id }) => id), estimatedTotalHits, facetsByIndex };
    });
    expect(answers.at(-1)?.headers['x-miroir-approximate']).toBeUndefined();
    for (const one of told) expect(one).toEqual(told[0]);
    const { ids, total, tags } = seen;
    expect(told[0]).toMatchObject({
      ids,
      estimatedTotalHits: total,
      facetsByIndex: { things: { distribution: { tag: tags } } },
    });
  });

  test('counts by pages are named, as they are of all values', async () => {
    const answer = await sides.pod.send('POST', '/multi-search', {
      queries: [{ indexUid: 'things', q: 'red' }],
      federation: { distinct: 'maker', page: 1, ...facets },
    });
    expect(answer.headers['x-miroir-approximate']).toBe('facet-distinct, distinct-total');
  });
});
