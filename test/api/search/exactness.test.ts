/**
 * Goal: `exactness` ranks as in one Meilisearch although a word that is still being typed is in the
 * dictionary of some nodes only.
 * Method: the documents of each case are put on chosen nodes of three; ranking details and their order
 * must be those of one node with all of them. On embedded nodes, and on real ones when MEILISEARCH_BIN is
 * set.
 */
import { PlacedIds } from '../../compat/placed';
import { engines, sidesForTest } from '../../compat/sides';
import type { Engine, Sides } from '../../compat/sides';

/** Texts of documents and the node that holds them. */
type Texts = readonly (readonly [node: number, text: string])[];

type Case = readonly [name: string, q: string, texts: Texts, more: object];

const cases: readonly Case[] = [
  [
    'a word that only another node has',
    'red sho',
    [
      [0, 'red shoes'],
      [1, 'sho'],
      [2, 'red shop'],
    ],
    {},
  ],
  [
    'the same, where all words are wanted',
    'red sho',
    [
      [0, 'red shoes'],
      [1, 'sho'],
      [2, 'red shop'],
    ],
    { matchingStrategy: 'all' },
  ],
  [
    'a word that no node has',
    'red sho',
    [
      [0, 'red shoes'],
      [1, 'red shop'],
    ],
    {},
  ],
  [
    'a typo before it',
    'cli bindingu fo',
    [
      [0, 'cli binding foo'],
      [1, 'fo'],
      [2, 'other'],
    ],
    {},
  ],
  [
    'the last word is the typo',
    'thai tlwgtypo',
    [
      [0, 'thai tlwg typo'],
      [1, 'thai tlwgtypo'],
      [2, 'thai'],
    ],
    {},
  ],
  [
    'the keyword half of a hybrid search',
    'red sho',
    [
      [0, 'red shoes'],
      [1, 'sho'],
      [2, 'red shop'],
    ],
    { hybrid: { embedder: 'tiny', semanticRatio: 0.1 }, vector: [0.3, 0.9] },
  ],
];

describe.each(engines)('on %s nodes', (engine: Engine) => {
  let sides: Sides;

  beforeAll(async () => {
    sides = await sidesForTest(engine, { nodes: 3, replicationFactor: 1 });
  }, 60_000);
  afterAll(async () => {
    await sides.close();
  });

  test.each(cases.map((one) => [one[0], one] as const))('%s', async (name, [, q, texts, more]) => {
    const uid = `case${String(cases.findIndex(([one]) => one === name))}`;
    await sides.both('POST', '/indexes', { uid, primaryKey: 'id' });
    await sides.both('PATCH', `/indexes/${uid}/settings`, {
      searchableAttributes: ['text'],
      embedders: { tiny: { source: 'userProvided', dimensions: 2 } },
    });
    const placed = new PlacedIds(sides.pod, uid);
    const documents = texts.map(([node, text], i) => {
      return { id: placed.on(node), text, _vectors: { tiny: [1, i] } };
    });
    await sides.both('POST', `/indexes/${uid}/documents`, documents);
    const body = { q, showRankingScoreDetails: true, ...more };
    const [one, many] = await Promise.all(
      [sides.single, sides.pod].map(async (side) => {
        const answer = await side.send('POST', `/indexes/${uid}/search`, body);
        return (answer.body['hits'] as Record<string, Record<string, unknown>>[]).map((hit) => [
          hit['text'],
          hit['_rankingScoreDetails']?.['exactness'],
        ]);
      }),
    );
    expect(many).toEqual(one);
    expect(many?.length).toBeGreaterThan(0);
  });
});
