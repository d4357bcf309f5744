/**
 * Goal: `frequency` drops the word that is most frequent in the whole index, and its pages are the
 * pieces of one list.
 * Method: a pod before three embedded nodes; another pod before one node, which alone counts the whole
 * index, is asked the same.
 */
import type { JsonValue } from '../../../core/fleet';
import { fleetForTest } from '../support';
import type { FleetForTest, PodForTest } from '../support';

const colours = ['red', 'green', 'blue', 'black', 'white'];
const things = ['boat', 'house', 'river', 'cloud', 'stone', 'horse', 'glass'];

/** `green` is frequent, `glass` is rare; no two nodes hold words in the same numbers. */
const documents = Array.from({ length: 240 }, (_, id) => ({
  id,
  title: [
    colours[(id * 7) % 3],
    things[(id * 5) % (id % 4 === 0 ? 7 : 3)],
    id % 3 === 0 ? 'green' : colours[id % 5],
  ].join(' '),
}));

const queries = [
  'green glass',
  'red green stone',
  'blue river glass',
  'green boat horse red',
  'black boa',
];

let fleets: FleetForTest[];
let pods: PodForTest[];

beforeAll(async () => {
  fleets = [
    await fleetForTest({ nodes: 1, replicationFactor: 1, shards: 1 }),
    await fleetForTest({ nodes: 3, replicationFactor: 1 }),
  ];
  pods = await Promise.all(fleets.map((fleet) => fleet.pod()));
  for (const pod of pods) {
    await pod.write('POST', '/indexes/things/documents?primaryKey=id', documents);
  }
}, 60_000);
afterAll(async () => {
  for (const fleet of fleets) await fleet.close();
});

async function search(
  pod: PodForTest | undefined,
  body: object,
): Promise<Record<string, JsonValue>> {
  const answer = await pod?.send('POST', '/indexes/things/search', {
    matchingStrategy: 'frequency',
    showRankingScoreDetails: true,
    ...body,
  });
  expect(answer?.status).toBe(200);
  const { processingTimeMs: _, requestUid: __, ...rest } = answer?.body ?? {};
  return rest;
}

const ids = (answer: Record<string, JsonValue>): unknown[] =>
  (answer['hits'] as { id: number }[]).map(({ id }) => id);

test.each(queries)('%s: the same hits, totals and facets as one node', async (q) => {
  const one = await search(pods[0], { q, limit: 60 });
  const many = await search(pods[1], { q, limit: 60 });
  expect(ids(many)).toEqual(ids(one));
  expect(many['estimatedTotalHits']).toBe(one['estimatedTotalHits']);
  expect(ids(many).length).toBeGreaterThan(0);
});

test.each(queries)('%s: pages are the pieces of one list', async (q) => {
  const whole = ids(await search(pods[1], { q, limit: 35 }));
  const pages: unknown[] = [];
  for (let page = 1; page <= 5; page++) {
    pages.push(...ids(await search(pods[1], { q, page, hitsPerPage: 7 })));
  }
  const pieces: unknown[] = [];
  for (let offset = 0; offset < 35; offset += 7) {
    pieces.push(...ids(await search(pods[1], { q, offset, limit: 7 })));
  }
  expect(pages).toEqual(whole);
  expect(pieces).toEqual(whole);
});

test('words are counted by documents, also where an index leaves duplicates out', async () => {
  const titles = [
    ...Array.from({ length: 30 }, () => ['green', 'same']),
    ...Array.from({ length: 6 }, (_, i) => ['glass', `kind ${String(i)}`]),
  ];
  for (const pod of pods) {
    await pod.write('POST', '/indexes', { uid: 'kinds', primaryKey: 'id' });
    await pod.write('PATCH', '/indexes/kinds/settings', {
      distinctAttribute: 'kind',
      filterableAttributes: ['kind'],
    });
    const kinds = titles.map(([title, kind], id) => ({ id, title, kind }));
    await pod.write('POST', '/indexes/kinds/documents', kinds);
    const answer = await pod.send('POST', '/indexes/kinds/search', {
      q: 'green glass',
      matchingStrategy: 'frequency',
      page: 1,
    });
    expect((answer.body['hits'] as { title: string }[]).map(({ title }) => title)).toEqual(
      Array.from({ length: 6 }, () => 'glass'),
    );
  }
});
