/**
 * Goal: highlights, crops and match positions are those of a real Meilisearch. Method: replay the
 * searches of the recorded API exchanges over the recorded documents, then small texts.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import {
  DEFAULT_ENGINE_SETTINGS,
  type EngineQuery,
  type EngineResult,
  formatHit,
  type FormatOptions,
  fromPlain,
  type Json,
  type JsonObject,
  matchesPosition,
  parseJson,
  SearchIndex,
  stringifyJson,
  toPlain,
} from '../../../../local/embedded-node/engine';
import { asObject } from './recorded-searches';

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

const PLAIN: FormatOptions = {
  attributesToRetrieve: ['*'],
  attributesToHighlight: [],
  highlightPreTag: '<em>',
  highlightPostTag: '</em>',
  attributesToCrop: [],
  cropLength: 10,
  cropMarker: '…',
  displayed: ['*'],
};

interface Exchange {
  readonly body: Record<string, unknown>;
  readonly answer: JsonObject;
}

function readExchanges(): Exchange[] {
  const file = join(__dirname, '../../../recordings/api.ndjson');
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.flatMap((line) => {
    const exchange = asObject(parseJson(line));
    const request = asObject(exchange.get('request'));
    const response = asObject(exchange.get('response'));
    const isSearch = exchange.get('group') === 'search' && request.get('method') === 'POST';
    const isAnswered = response.get('status') === 200;
    if (!isSearch || !isAnswered || request.get('path') !== '/indexes/books/search') return [];
    const body = toPlain(asObject(request.get('body'))) as Record<string, unknown>;
    return [{ body, answer: asObject(response.get('body')) }];
  });
}

const hitsOf = (answer: JsonObject): JsonObject[] => (answer.get('hits') as Json[]).map(asObject);

/** The members of a hit that are not the document's. */
function withoutAdded(hit: JsonObject): JsonObject {
  return new Map([...hit].filter(([name]) => !/^_(formatted|matches|ranking|geoD)/.test(name)));
}

describe('recorded searches', () => {
  const exchanges = readExchanges();
  const documents = hitsOf(exchanges.find(({ body }) => Object.keys(body).length === 0)!.answer);
  const index = new SearchIndex(DEFAULT_ENGINE_SETTINGS);
  documents.forEach((document, docid) => index.upsert(docid, document));
  const replayed = exchanges.filter(
    ({ body }) =>
      !['filter', 'facets', 'page', 'hitsPerPage', 'hybrid'].some((name) => name in body),
  );

  it('are there', () => {
    expect(replayed.length).toBeGreaterThan(12);
    expect(documents.length).toBeGreaterThan(9);
  });

  it.each(
    replayed.map((exchange) => [JSON.stringify(exchange.body).slice(0, 120), exchange] as const),
  )('%s', (_name, { body, answer }) => {
    const result = index.search({ ...EVERYTHING, ...body } as EngineQuery);
    expect(result.total).toBe(answer.get('estimatedTotalHits'));
    const hits = hitsOf(answer);
    const found = result.hits.map(({ docid }) => documents[docid] ?? new Map());
    if (!('attributesToRetrieve' in body)) {
      expect(found.map(stringifyJson)).toEqual(hits.map(withoutAdded).map(stringifyJson));
    }
    const options = { ...PLAIN, ...body } as FormatOptions;
    found.forEach((document, i) => {
      const formatted = formatHit(document, result.matcher, options);
      expect(stringifyJson(formatted)).toBe(stringifyJson(hits[i]?.get('_formatted') ?? null));
      if (!('showMatchesPosition' in body)) return;
      const positions = matchesPosition(document, result.matcher, ['*']);
      expect(stringifyJson(positions)).toBe(
        stringifyJson(hits[i]?.get('_matchesPosition') ?? null),
      );
    });
  });
});

/** The result of a search over one document, and the document. */
function searchOne(q: string, fields: Record<string, unknown>): [JsonObject, EngineResult] {
  const document = fromPlain(fields) as JsonObject;
  const index = new SearchIndex(DEFAULT_ENGINE_SETTINGS);
  index.upsert(0, document);
  return [document, index.search({ ...EVERYTHING, q })];
}

function formatOne(
  q: string,
  fields: Record<string, unknown>,
  more: Partial<FormatOptions>,
): unknown {
  const [document, { matcher }] = searchOne(q, fields);
  const formatted = formatHit(document, matcher, { ...PLAIN, ...more });
  return formatted && toPlain(formatted);
}

const highlight = (q: string, text: string): unknown =>
  (formatOne(q, { text }, { attributesToHighlight: ['text'] }) as { text: string }).text;

const crop = (q: string, text: string, cropLength: number): unknown =>
  (formatOne(q, { text }, { attributesToCrop: ['text'], cropLength }) as { text: string }).text;

describe('highlights', () => {
  it('mark the typed part of a prefix and the whole of other words', () => {
    expect(highlight('harb', 'Harbor')).toBe('<em>Harb</em>or');
    expect(highlight('harbro light', 'Harbor lights')).toBe('<em>Harbor</em> <em>light</em>s');
  });

  it('count characters of the original, not of the folded word', () => {
    expect(highlight('cafe', 'Cafés')).toBe('<em>Café</em>s');
    expect(highlight('oeuv', 'œuvre')).toBe('<em>œuv</em>re');
  });

  it('mark phrases and split words as one', () => {
    expect(highlight('"new york"', 'a new-york b')).toBe('a <em>new-york</em> b');
    expect(highlight('sunflower ', 'a sun flower b')).toBe('a <em>sun flower</em> b');
  });

  it('turn numbers into strings and leave the rest', () => {
    const fields = { n: 2001, f: 1.5, b: true, z: null, a: [1, 'x'], o: { k: 7 } };
    expect(formatOne('2001', fields, { attributesToHighlight: ['*'] })).toEqual({
      n: '<em>2001</em>',
      f: '1.5',
      b: true,
      z: null,
      a: ['1', 'x'],
      o: { k: '7' },
    });
  });

  it('show only what is retrieved or formatted, and nothing when no name applies', () => {
    const fields = { a: 'sea', b: 'sea', c: { d: 'sea', e: 'sea' } };
    const shown = { attributesToRetrieve: ['a'], attributesToHighlight: ['c.d', 'unknown'] };
    expect(formatOne('sea', fields, shown)).toEqual({ a: 'sea', c: { d: '<em>sea</em>' } });
    expect(formatOne('sea', fields, { attributesToHighlight: ['unknown'] })).toBeNull();
    expect(formatOne('sea', fields, { attributesToHighlight: ['b'], displayed: ['a'] })).toBeNull();
  });
});

describe('crops', () => {
  const text = 'one two three four five six seven eight';

  it('keep the words around the match', () => {
    expect(crop('five ', text, 3)).toBe('…four five six…');
    expect(crop('one ', text, 2)).toBe('one two…');
    expect(crop('eight ', text, 2)).toBe('…seven eight');
  });

  it('keep the beginning without a match, and all of a short text', () => {
    expect(crop('nothing', text, 2)).toBe('one two…');
    expect(crop('five ', text, 20)).toBe(text);
  });

  it('choose the window with most of the query', () => {
    expect(crop('two five six ', text, 3)).toBe('…four five six…');
  });

  it('take a length of their own and highlight inside', () => {
    const more = { attributesToCrop: ['text:1'], attributesToHighlight: ['text'] };
    expect(formatOne('five ', { text }, more)).toEqual({ text: '…<em>five</em>…' });
  });
});

describe('match positions', () => {
  it('are bytes, with the indices of array items and the last item of a name winning', () => {
    const fields = { t: 'é sea sea', list: ['sea', 'x', ['y', 'sea']], o: [{ k: 'sea' }] };
    const [document, { matcher }] = searchOne('sea', fields);
    expect(toPlain(matchesPosition(document, matcher, ['*']))).toEqual({
      list: [{ start: 0, length: 3, indices: [2, 1] }],
      'o.k': [{ start: 0, length: 3, indices: [0] }],
      t: [
        { start: 3, length: 3 },
        { start: 7, length: 3 },
      ],
    });
    expect([...matchesPosition(document, matcher, ['o']).keys()]).toEqual(['o.k']);
  });
});
