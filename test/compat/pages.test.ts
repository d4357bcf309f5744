/**
 * Goal: the pages of a query together are its result: no hit twice, none missed, also while nodes come
 * and go.
 * Method: 50 random queries from a printed seed are walked page by page over two groups of three nodes
 * with two copies of each shard in each; before each page one node is taken out, breaks or comes back.
 * The walk must equal the order of one node without Miroir. On embedded nodes, and on real ones when
 * MEILISEARCH_BIN is set, which are only taken out by their health.
 */
import type { NodeId } from '../../core/ids';
import type { Json } from '../api/support';
import { Random } from './random';
import { engines, sidesForTest } from './sides';
import type { Engine, Sides } from './sides';

const seed = Number(process.env['MIROIR_TEST_SEED'] ?? 77_031);
const words = ['lamp', 'chair', 'table', 'shelf', 'mirror', 'carpet', 'clock', 'vase'];
const random = new Random(seed);
const documents = Array.from({ length: 400 }, (_, id) => ({
  id,
  title: random.some(words, 4).join(' '),
  text: random.some(words, 6).join(' '),
  price: random.int(15),
  kind: random.pick(['a', 'b', 'c']),
}));

describe.each(engines)('on %s nodes', (engine: Engine) => {
  let sides: Sides;
  let nodes: NodeId[];

  beforeAll(async () => {
    process.stdout.write(`seed ${String(seed)}\n`);
    sides = await sidesForTest(engine, { nodes: 6, groups: 2, replicationFactor: 2 });
    await sides.both('POST', '/indexes', { uid: 'things', primaryKey: 'id' });
    await sides.both('PATCH', '/indexes/things/settings', {
      filterableAttributes: ['kind', 'price'],
      sortableAttributes: ['price'],
    });
    await sides.both('POST', '/indexes/things/documents', documents);
    nodes = sides.pod.ctx.fleet.current().nodes.map(({ id }) => id);
  }, 180_000);
  afterAll(async () => {
    await sides.close();
  });

  test('the fleet has two groups of three nodes', () => {
    expect(
      sides.pod.ctx.fleet
        .current()
        .nodes.map(({ group }) => group)
        .sort(),
    ).toEqual([0, 0, 0, 1, 1, 1]);
    const entry = sides.pod.ctx.fleet.index('things')?.entry;
    expect(entry?.placement.map(({ shards }) => shards.every((one) => one.length === 2))).toEqual([
      true,
      true,
    ]);
  });

  test('all pages of 50 queries, while replicas go and come', async () => {
    let turns = 0;
    for (let i = 0; i < 50; i += 1) {
      const query = randomQuery();
      const whole = await sides.single.send('POST', '/indexes/things/search', {
        ...query,
        limit: 1000,
      });
      const size = 7 + random.int(40);
      const walk = i % 2 === 0 ? walkOffsets(sides, query, size) : walkPages(sides, query, size);
      const ids: unknown[] = [];
      for await (const page of walk) {
        expect([page.status, page.headers['x-miroir-degraded']]).toEqual([200, undefined]);
        ids.push(...idsOf(page));
        disturb(sides, nodes);
        turns += 1;
      }
      expect({ i, query, size, ids }).toEqual({ i, query, size, ids: idsOf(whole) });
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect(turns).toBeGreaterThan(200);
  }, 180_000);

  test('all pages of the listing, while replicas go and come', async () => {
    const ids: unknown[] = [];
    for (let offset = 0; offset < documents.length; offset += 33) {
      const page = await sides.pod.send(
        'GET',
        `/indexes/things/documents?offset=${String(offset)}&limit=33`,
      );
      expect(page.status).toBe(200);
      ids.push(...(page.body['results'] as { id: number }[]).map(({ id }) => id));
      disturb(sides, nodes);
    }
    expect(ids).toEqual(documents.map(({ id }) => id));
  });
});

async function* walkOffsets(sides: Sides, query: object, limit: number): AsyncGenerator<Json> {
  for (let offset = 0; ; offset += limit) {
    const page = await search(sides, { ...query, offset, limit });
    yield page;
    if (idsOf(page).length < limit) return;
  }
}

async function* walkPages(sides: Sides, query: object, hitsPerPage: number): AsyncGenerator<Json> {
  for (let page = 1; ; page += 1) {
    const answer = await search(sides, { ...query, page, hitsPerPage });
    yield answer;
    if (page >= Number(answer.body['totalPages'])) return;
  }
}

const search = (sides: Sides, body: object): Promise<Json> =>
  sides.pod.send('POST', '/indexes/things/search', body);

const idsOf = (answer: Json): unknown[] =>
  ((answer.body['hits'] ?? []) as { id: unknown }[]).map(({ id }) => id);

function randomQuery(): object {
  const sorted = random.chance(0.5) ? { sort: [random.pick(['price:asc', 'price:desc'])] } : {};
  const filtered = random.chance(0.3) ? { filter: [`kind = ${random.pick(['a', 'b'])}`] } : {};
  const q = random.chance(0.2) ? '' : random.some(words, 2).join(' ');
  return { q, ...sorted, ...filtered };
}

/**
 * Every node comes back, then one is out by its health, or drops connections as a killed process does.
 * One node at a time: each shard keeps a copy in its group.
 */
function disturb(sides: Sides, nodes: readonly NodeId[]): void {
  const { health } = sides.pod.ctx;
  for (const node of sides.fleet.nodes) node.faults.clear();
  for (const node of nodes) for (let i = 0; i < 2; i += 1) health.probePassed(node);
  const chosen = random.int(nodes.length);
  const node = nodes[chosen];
  if (node === undefined) return;
  const roll = random.next();
  if (roll < 0.4) {
    health.failed(node, 'test');
    health.failed(node, 'test');
  } else if (roll < 0.8) {
    const rule = { path: 'search|fetch', action: { kind: 'drop', when: 'before' } } as const;
    sides.fleet.nodes[chosen]?.faults.add(rule);
  }
}
