/**
 * Goal: what `displayedAttributes` leaves out is never shown, and filters mean what they mean on one node.
 * Method: 200 random combinations of the parameters that show fields, from a printed seed, asked of a
 * pod and of one node without Miroir; every third field's text is a word that no answer may contain.
 */
import type { JsonValue } from '../../core/fleet';
import type { Json } from '../api/support';
import { Random } from './random';
import { engines, sidesForTest } from './sides';
import type { Sides } from './sides';

const seed = Number(process.env['MIROIR_TEST_SEED'] ?? 20_261);
const fields = ['id', 'title', 'secret', 'desc', 'deep', 'deep.b', 'missing', '*'];
const colors = ['red', 'green', 'blue'];
const documents = Array.from({ length: 90 }, (_, id) => ({
  id,
  title: `lamp ${colors[id % 3] ?? ''} number${String(id % 7)}`,
  secret: `hushed lamp ${String(id % 5)}`,
  desc: `a covert ${colors[id % 2] ?? ''} lamp of a long and winding tale`,
  deep: { a: 'open', b: 'covert lamp' },
  color: colors[id % 3],
  year: 1900 + (id % 12),
}));

describe.each(engines)('%s engine', (engine) => {
  let sides: Sides;

  beforeAll(async () => {
    process.stdout.write(`seed ${String(seed)}\n`);
    sides = await sidesForTest(engine);
    await sides.both('POST', '/indexes', { uid: 'lamps', primaryKey: 'id' });
    await sides.both('PATCH', '/indexes/lamps/settings', {
      displayedAttributes: ['id', 'title'],
      filterableAttributes: ['color', 'year'],
      sortableAttributes: ['year', 'color'],
    });
    await sides.both('POST', '/indexes/lamps/documents', documents);
  }, 60_000);
  afterAll(async () => {
    await sides.close();
  });

  const ask = async (body: object): Promise<[Json, Json]> => [
    await sides.single.send('POST', '/indexes/lamps/search', body),
    await sides.pod.send('POST', '/indexes/lamps/search', body),
  ];

  test('200 random combinations show what one node shows, and nothing hidden', async () => {
    const random = new Random(seed);
    for (let i = 0; i < 200; i += 1) {
      const body = combination(random);
      const [one, many] = await ask(body);
      const counted = countsOf(many) === '';
      // With distinct the counts of the parts do not add up to the ones of one node, and Miroir says so.
      if (!counted) expect(body).toMatchObject({ distinct: 'color' });
      const [left, right] = [comparable(one, counted), comparable(many, counted)];
      expect({ i, body, answer: right }).toEqual({ i, body, answer: left });
      expect(many.text).not.toMatch(/hushed|covert|winding|_miroir/);
    }
  }, 60_000);

  test('one field that is not displayed leaks by no parameter', async () => {
    for (const body of [
      { q: 'hushed', attributesToHighlight: ['*'], showMatchesPosition: true },
      { q: 'hushed', attributesToHighlight: ['secret'], attributesToRetrieve: ['secret'] },
      { q: 'covert', attributesToCrop: ['desc:2', 'deep.b'], cropMarker: '' },
      { q: '', sort: ['year:asc', 'color:desc'], showRankingScoreDetails: true },
      { q: 'lamp', showRankingScoreDetails: true, attributesToRetrieve: ['*', 'secret'] },
    ]) {
      const [one, many] = await ask(body);
      expect(comparable(many)).toEqual(comparable(one));
      expect(many.text).not.toMatch(/"secret"|"desc"|"deep|hushed lamp|covert lamp|winding/);
      const hits = many.body['hits'] as Record<string, unknown>[];
      expect(hits.length).toBeGreaterThan(0);
      for (const hit of hits) {
        const shown = Object.keys(hit).filter((name) => !name.startsWith('_'));
        expect(['id', 'title']).toEqual(expect.arrayContaining(shown));
        const details = hit['_rankingScoreDetails'] as object | undefined;
        expect(Object.keys(details ?? {}).join()).not.toMatch(/year|color/);
      }
    }
  });

  test.each<[JsonValue, string]>([
    [['color = red', 'year > 1905'], 'and'],
    [[['color = red', 'color = blue'], 'year > 1905'], 'or within and'],
    [[['color = red', 'year > 1905']], 'or'],
    ['color = red OR color = blue AND year < 1903', 'as written'],
    [['color = red OR color = blue', 'year < 1903'], 'an OR within an element'],
    [[['color = red OR year = 1901', 'color = blue']], 'an OR within an inner element'],
    [['color != red', 'NOT year IN [1901, 1902]'], 'negations'],
    [[], 'nothing'],
    ['', 'nothing'],
    [null, 'nothing'],
    [[''], 'nothing'],
    [['', 'color = red'], 'one'],
    [[[], 'color = red'], 'one'],
    [[null, 'color = red'], 'an error'],
    [['color = red) OR (year > 0', 'year = 1901'], 'an error'],
    [['color = red', [['year = 1901']]], 'an error'],
    [{ color: 'red' }, 'an error'],
    [7, 'an error'],
  ])('filter %j is %s', async (filter) => {
    for (const limit of [0, 1000]) {
      const [one, many] = await ask({ filter, limit });
      expect(comparable(many)).toEqual(comparable(one));
    }
    const path = '/indexes/lamps/documents/fetch';
    const [one, many] = [
      await sides.single.send('POST', path, { filter, limit: 100 }),
      await sides.pod.send('POST', path, { filter, limit: 100 }),
    ];
    expect([many.status, many.body]).toEqual([one.status, one.body]);
  });
});

function combination(random: Random): object {
  const list = (): string[] => random.some(fields, 3);
  const lengths = (): string[] =>
    list().map((name) => (random.chance(0.3) ? `${name}:${String(1 + random.int(4))}` : name));
  return {
    q: random.pick(['lamp', 'lamp red', 'tale', 'open', '', 'numbr3', '"lamp red"']),
    ...(random.chance(0.6) ? { attributesToRetrieve: list() } : {}),
    ...(random.chance(0.6) ? { attributesToHighlight: list() } : {}),
    ...(random.chance(0.5) ? { attributesToCrop: lengths(), cropLength: 3 } : {}),
    ...(random.chance(0.5) ? { showMatchesPosition: true } : {}),
    ...(random.chance(0.4) ? { showRankingScoreDetails: true } : {}),
    ...(random.chance(0.3) ? { showRankingScore: true } : {}),
    ...(random.chance(0.3) ? { sort: random.some(['year:asc', 'color:desc'], 2) } : {}),
    ...(random.chance(0.2) ? { facets: random.some(['color', 'year', '*'], 2) } : {}),
    ...(random.chance(0.2) ? { filter: ['color = red', 'year > 1903'] } : {}),
    ...(random.chance(0.2) ? { distinct: 'color' } : {}),
    ...(random.chance(0.3) ? { page: 1 + random.int(3), hitsPerPage: 7 } : { limit: 12 }),
  };
}

const countsOf = (answer: Json): string => String(answer.headers['x-miroir-approximate'] ?? '');

/** An answer without its time and its random uid, and where asked without its counts. */
function comparable(answer: Json, counted = true): Record<string, unknown> {
  const { processingTimeMs: _, requestUid: __, ...rest } = answer.body;
  const { estimatedTotalHits: ___, facetDistribution: ____, facetStats: _____, ...shown } = rest;
  return { status: answer.status, ...(counted ? rest : shown) };
}
