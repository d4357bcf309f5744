/** Goal: queries mean what they mean in Meilisearch. Method: small indexes, one point a test. */
import {
  DEFAULT_ENGINE_SETTINGS,
  type EngineQuery,
  type EngineSettings,
  fromPlain,
  type JsonObject,
  SearchIndex,
  stringifyJson,
} from '../../../../local/embedded-node/engine';

type Fields = Record<string, unknown>;

function indexOf(
  documents: readonly (string | Fields)[],
  settings: Partial<EngineSettings> = {},
): SearchIndex {
  const index = new SearchIndex({ ...DEFAULT_ENGINE_SETTINGS, ...settings });
  documents.forEach((document, docid) => {
    const fields = typeof document === 'string' ? { text: document } : document;
    index.upsert(docid, fromPlain(fields) as JsonObject);
  });
  return index;
}

const EVERYTHING: EngineQuery = {
  q: null,
  candidates: null,
  offset: 0,
  limit: 20,
  exhaustive: false,
  sort: [],
  distinct: null,
  matchingStrategy: 'last',
  attributesToSearchOn: null,
  rankingScoreThreshold: null,
  vector: null,
  hybrid: null,
  locales: null,
};

function find(index: SearchIndex, q: string | null, more: Partial<EngineQuery> = {}): number[] {
  return index.search({ ...EVERYTHING, q, ...more }).hits.map(({ docid }) => docid);
}

describe('words', () => {
  it('match as prefixes only at the end of the query', () => {
    const index = indexOf(['harbor lights', 'harbinger']);
    expect(find(index, 'harb')).toEqual([0, 1]);
    expect(find(index, 'harb ')).toEqual([]);
  });

  it('may be dropped from the end, and all must match where that is asked', () => {
    const index = indexOf(['silent sea', 'silent hill', 'sea']);
    expect(find(index, 'silent sea')).toEqual([0, 1]);
    expect(find(index, 'silent sea', { matchingStrategy: 'all' })).toEqual([0]);
  });

  it('are dropped from the most frequent on, where that is asked', () => {
    const index = indexOf(['rare', 'common', 'common', 'common']);
    expect(find(index, 'common rare ', { matchingStrategy: 'frequency' })).toEqual([0]);
    expect(find(index, 'common rare ')).toEqual([1, 2, 3]);
  });

  it('count up to ten', () => {
    const index = indexOf(['k', 'a b c d e f g h i j']);
    const query = 'a b c d e f g h i j k';
    expect(find(index, query, { matchingStrategy: 'all' })).toEqual([1]);
  });

  it('tolerate one typo from five letters and two from nine', () => {
    const index = indexOf(['house', 'lighthouse']);
    expect(find(index, 'hause ')).toEqual([0]);
    expect(find(index, 'hous ')).toEqual([]);
    expect(find(index, 'lihgthuose ')).toEqual([1]);
    expect(find(index, 'hausse ')).toEqual([]);
  });

  it('count a typo in the first letter twice', () => {
    const index = indexOf(['house', 'lighthouse']);
    expect(find(index, 'mouse ')).toEqual([]);
    expect(find(index, 'mighthouse ')).toEqual([1]);
  });

  it('may be split in two, and two or three may be joined', () => {
    const index = indexOf(['sun flower', 'sunflower', 'sun and flower']);
    expect(find(index, 'sunflower ')).toEqual([1, 0]);
    expect(find(index, 'sun flower ')).toEqual([0, 2, 1]);
    expect(find(indexOf(['sunflowerseed']), 'sun flower seed ')).toEqual([0]);
  });

  it('that are negated exclude', () => {
    const index = indexOf(['quiet sea', 'sea', 'deep blue sea', 'blue deep sea']);
    expect(find(index, 'sea -quiet -"deep blue"')).toEqual([1, 3]);
    expect(find(index, '-sea')).toEqual([]);
  });

  it('have synonyms of one or several words', () => {
    const settings = { synonyms: { nyc: ['new york'], 'big apple': ['nyc'] } };
    const index = indexOf(['new york', 'york new', 'nyc'], settings);
    expect(find(index, 'nyc ')).toEqual([2, 0]);
    expect(find(index, 'big apple ')).toEqual([2]);
  });
});

describe('phrases', () => {
  it('need their words side by side and in order', () => {
    const index = indexOf(['new york city', 'york new', 'new old york', 'new. york']);
    expect(find(index, '"new york"')).toEqual([0]);
  });

  it('leave room for stop words', () => {
    const index = indexOf(['man of war', 'man old big war'], { stopWords: ['of'] });
    expect(find(index, '"man of war"')).toEqual([0]);
  });

  it('left open end with the query', () => {
    expect(find(indexOf(['new york', 'york']), '"new york')).toEqual([0]);
  });
});

describe('order', () => {
  it('prefers near words, then early attributes, then early positions, then exact words', () => {
    const proximity = indexOf(['red old big shoe', 'red shoe', 'shoe red']);
    expect(find(proximity, 'red shoe ')).toEqual([1, 2, 0]);
    const settings = { searchableAttributes: ['title', 'body'] };
    const attribute = indexOf([{ body: 'sea' }, { title: 'sea' }], settings);
    expect(find(attribute, 'sea ')).toEqual([1, 0]);
    expect(find(indexOf(['blue sea', 'sea blue']), 'sea ')).toEqual([1, 0]);
    expect(find(indexOf(['seas', 'sea']), 'sea')).toEqual([1, 0]);
  });

  it('counts words across a hard separator as far apart', () => {
    expect(find(indexOf(['red. shoe', 'red old big shoe']), 'red shoe ')).toEqual([1, 0]);
    const { hits } = indexOf(['red. shoe']).search({ ...EVERYTHING, q: 'red shoe ' });
    expect(stringifyJson(hits[0]?.details.get('proximity') ?? null)).toBe(
      '{"order":2,"score":0.25}',
    );
  });

  it('by a field puts numbers first, then strings by bytes, and nothing last', () => {
    const values = ['b', 10, null, 'É', 9, true, [3, 'a'], 'a', {}, [], 'e'];
    const index = indexOf(values.map((v) => ({ v })));
    expect(find(index, null, { sort: ['v:asc'] })).toEqual([6, 4, 1, 7, 0, 10, 3, 5, 2, 8, 9]);
    expect(find(index, null, { sort: ['v:desc'] })).toEqual([1, 4, 6, 5, 3, 10, 0, 7, 2, 8, 9]);
  });

  it('hides values of fields that are not displayed', () => {
    const index = indexOf([{ v: 1 }], { displayedAttributes: ['id'] });
    const { hits } = index.search({ ...EVERYTHING, sort: ['v:asc'] });
    expect(stringifyJson(hits[0]?.details ?? null)).toBe(
      '{"<hidden-rule-0>":{"order":0,"value":"<hidden>"}}',
    );
  });

  it('by distance gives the distance', () => {
    const index = indexOf([{ _geo: { lat: 0, lng: 2 } }, {}, { _geo: { lat: '0', lng: '1' } }]);
    const { hits } = index.search({ ...EVERYTHING, sort: ['_geoPoint(0, 0):asc'] });
    expect(hits.map(({ docid, geoDistance }) => [docid, geoDistance])).toEqual([
      [2, 111195],
      [0, 222390],
      [1, undefined],
    ]);
  });
});

describe('distinct', () => {
  const documents = [
    { g: 'Red' },
    { g: 'red ' },
    { g: 1 },
    { g: '1' },
    { g: ['red', 'blue'] },
    {},
    {},
  ];

  it('keeps one document of each normalised value and all without a value', () => {
    expect(find(indexOf(documents), null, { distinct: 'g' })).toEqual([0, 2, 3, 5, 6]);
  });

  it('counts exactly in page mode', () => {
    const query = { ...EVERYTHING, distinct: 'g', limit: 1 };
    expect(indexOf(documents).search({ ...query, exhaustive: true }).total).toBe(5);
    expect(indexOf(documents).search(query).total).toBe(5);
  });
});

describe('scope', () => {
  it('is the candidates, and the attributes asked for', () => {
    const index = indexOf([{ a: 'sea' }, { b: 'sea' }, { a: 'sea' }]);
    expect(find(index, 'sea', { candidates: new Set([1, 2]) })).toEqual([1, 2]);
    expect(find(index, 'sea', { attributesToSearchOn: ['b'] })).toEqual([1]);
    expect(find(index, 'sea', { attributesToSearchOn: ['a*'] })).toEqual([0, 2]);
  });

  it('leaves out reserved fields and fields that are not searchable', () => {
    const document = { _geo: { lat: 12, lng: 13 }, _vectors: { e: [14] }, secret: 'x', title: 'y' };
    const index = indexOf([document], { searchableAttributes: ['title'] });
    for (const q of ['12', '13', '14', 'x']) expect(find(index, q)).toEqual([]);
    expect(find(indexOf([document]), '12')).toEqual([]);
    expect(find(index, 'y')).toEqual([0]);
  });

  it('is cut by the score threshold', () => {
    const index = indexOf(['sea', 'the deep sea']);
    expect(find(index, 'sea', { rankingScoreThreshold: 0.99 })).toEqual([0]);
  });
});

describe('vectors', () => {
  const documents = [
    { _vectors: { e: [1, 0] } },
    { _vectors: { e: [0, 1] }, t: 'sea' },
    { t: 'sea' },
  ];
  const settings = { embedders: { e: { source: 'userProvided', dimensions: 2 } as const } };
  const vector = [0, 2];

  it('order all documents, those without a vector last', () => {
    const hybrid = { embedder: 'e', semanticRatio: 1 };
    const result = indexOf(documents, settings).search({ ...EVERYTHING, vector, hybrid });
    expect(result.hits.map(({ docid, rankingScore }) => [docid, rankingScore])).toEqual([
      [1, 1],
      [0, 0.5],
      [2, 0],
    ]);
    expect(result.semanticHitCount).toBe(3);
  });

  it('mix with words by the ratio', () => {
    const hybrid = { embedder: 'e', semanticRatio: 0.5 };
    const query = { ...EVERYTHING, q: 'sea', vector, hybrid };
    const result = indexOf(documents, settings).search(query);
    expect(result.hits.map(({ docid }) => docid)).toEqual([1, 2, 0]);
    expect(result.semanticHitCount).toBe(2);
  });
});

describe('changes', () => {
  it('leave the index as if it had been built anew', () => {
    const seed = Date.now() % 1_000_000;
    let state = seed;
    const random = (limit: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
      return Math.floor((state / 0x80000000) * limit);
    };
    const words = ['sea', 'seal', 'sun', 'flower', 'sunflower', 'red', 'reed', 'rede', 'blue'];
    const text = (): string =>
      Array.from({ length: 1 + random(5) }, () => words[random(9)]).join(' ');
    const make = (): JsonObject =>
      fromPlain({ text: text(), n: random(4), g: words[random(3)] }) as JsonObject;
    const settings = {
      ...DEFAULT_ENGINE_SETTINGS,
      rankingRules: ['words', 'typo', 'sort', 'n:asc'],
    };
    const changed = new SearchIndex(settings);
    const kept = new Map<number, JsonObject>();
    const queries = ['sea', 'sun flower ', 'redd', '"red blue"', null].map((q) => ({
      ...EVERYTHING,
      q,
    }));
    const answers = (index: SearchIndex): unknown =>
      queries.flatMap((query) => [
        index.search(query).hits.map(({ docid, details }) => [docid, stringifyJson(details)]),
        index.search({ ...query, sort: ['g:desc'], distinct: 'n' }).hits.map(({ docid }) => docid),
      ]);
    for (let round = 0; round < 40; round += 1) {
      for (let change = 0; change < 10; change += 1) {
        const docid = random(40);
        if (random(3) === 0) {
          kept.delete(docid);
          changed.remove(docid);
        } else {
          const document = make();
          kept.set(docid, document);
          changed.upsert(docid, document);
        }
      }
      const fresh = new SearchIndex(settings);
      for (const [docid, document] of kept) fresh.upsert(docid, document);
      expect(changed.documentCount).toBe(kept.size);
      expect({ seed, answers: answers(changed) }).toEqual({ seed, answers: answers(fresh) });
    }
  });

  it('of settings index all documents anew', () => {
    const index = indexOf([{ a: 'sea', b: 'sun' }]);
    index.applySettings({ ...DEFAULT_ENGINE_SETTINGS, searchableAttributes: ['a'] });
    expect([find(index, 'sea'), find(index, 'sun')]).toEqual([[0], []]);
  });
});
