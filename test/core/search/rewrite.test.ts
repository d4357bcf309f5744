/**
 * Goal: nodes are asked for just what the merge needs, and never for what the client may not see.
 * Method: node bodies are made from client bodies and compared; a random test holds the projection
 * against the rule it follows.
 */
import fc from 'fast-check';
import type { JsonValue } from '../../../core/fleet';
import { refuseHiddenNames } from '../../../core/search/hidden-names';
import { nodeSearchBody, touchedFields } from '../../../core/search/rewrite';
import type { NodeSearchOptions } from '../../../core/search/rewrite';
import { distinctSpare } from '../../../core/search/spare';
import type { JsonObject } from '../../../core/search/types';
import { requestOf, settingsOf } from './answers';

const nodeBody = (
  body: JsonObject,
  patch: JsonObject = {},
  more: Partial<NodeSearchOptions> = {},
): JsonObject =>
  nodeSearchBody(requestOf(body), {
    settings: settingsOf(patch),
    bucketFilter: null,
    tenantFilter: null,
    ...more,
  });

describe('the window', () => {
  it.each<[JsonObject, JsonObject]>([
    [{}, { offset: 0, limit: 20 }],
    [
      { offset: 30, limit: 5 },
      { offset: 0, limit: 35 },
    ],
    [
      { offset: 990, limit: 50 },
      { offset: 0, limit: 1000 },
    ],
    [{ limit: 0 }, { offset: 0, limit: 0 }],
    [
      { page: 3, hitsPerPage: 7 },
      { page: 1, hitsPerPage: 21 },
    ],
    [{ page: 0 }, { page: 1, hitsPerPage: 0 }],
    [{ hitsPerPage: 0 }, { page: 1, hitsPerPage: 0 }],
    [
      { distinct: 'tag', offset: 2, limit: 3 },
      { page: 1, hitsPerPage: 5 + distinctSpare },
    ],
  ])('%j is asked as %j', (body, wanted) => {
    const { offset, limit, page, hitsPerPage } = nodeBody(body);
    expect({ offset, limit, page, hitsPerPage }).toEqual({
      ...{ offset: undefined, limit: undefined, page: undefined, hitsPerPage: undefined },
      ...wanted,
    });
  });
});

describe('the body', () => {
  it('keeps every member that Miroir has no business with', () => {
    const body: JsonObject = {
      q: 'x',
      sort: ['year:desc'],
      matchingStrategy: 'all',
      locales: ['fra'],
      cropMarker: '~',
      showMatchesPosition: true,
      attributesToSearchOn: ['title'],
    };
    const touched = new Set<string>(touchedFields);
    const made = nodeBody(body);
    for (const [name, value] of Object.entries(made)) {
      if (!touched.has(name)) expect(value).toEqual(body[name]);
    }
    expect(made).toMatchObject(body);
    expect(made['showRankingScoreDetails']).toBe(true);
    expect(made['showRankingScore']).toBeUndefined();
  });

  it('joins filters as one flat array, ours first', () => {
    const options = { bucketFilter: '_miroir_bucket IN ["⊕⊕"]', tenantFilter: ['t = 1'] };
    expect(nodeBody({ filter: [['a != 1', 'b = 2'], 'c = 3'] }, {}, options)['filter']).toEqual([
      '_miroir_bucket IN ["⊕⊕"]',
      't = 1',
      ['NOT a = 1', 'b = 2'],
      'c = 3',
    ]);
    expect(nodeBody({ filter: null })).not.toHaveProperty('filter');
    expect(nodeBody({ filter: 'no filter at all =' })['filter']).toBe('no filter at all =');
  });

  it('asks for all facets by the names of the client', () => {
    const filterableAttributes = [
      'genre',
      { attributePatterns: ['meta.*'], features: { filter: { equality: false } } },
      { attributePatterns: ['p*', 'year'] },
    ];
    expect(nodeBody({ facets: ['*'] }, { filterableAttributes })['facets']).toEqual([
      'genre',
      'p*',
      'year',
    ]);
    expect(nodeBody({ facets: ['genre'] }, { filterableAttributes })['facets']).toEqual(['genre']);
    expect(nodeBody({ facets: [] }, { filterableAttributes })['facets']).toEqual([]);
  });

  it('asks for the distinct field as facet and in the document, unless the client has it', () => {
    const body = nodeBody({ distinct: 'tag', attributesToRetrieve: ['id'] });
    expect(body).toMatchObject({ facets: ['tag'], attributesToRetrieve: ['id', 'tag'] });
    const asked = nodeBody({ distinct: 'a.b', facets: ['a'], attributesToRetrieve: ['a'] });
    expect(asked).toMatchObject({ facets: ['a'], attributesToRetrieve: ['a'] });
    expect(nodeBody({}, { distinctAttribute: 'tag' })).toMatchObject({ page: 1, facets: ['tag'] });
    expect(nodeBody({}, { distinctAttribute: 'tag' })).not.toHaveProperty('attributesToRetrieve');
  });

  it('makes two plain searches of a hybrid one', () => {
    const body = { q: 'x', vector: [1, 2], hybrid: { embedder: 'e', semanticRatio: 0.3 } };
    const keyword = nodeBody(body, {}, { half: 'keyword' });
    expect(keyword).not.toHaveProperty('hybrid');
    expect(keyword).not.toHaveProperty('vector');
    expect(keyword['showRankingScore']).toBe(true);
    expect(nodeBody(body, {}, { half: 'semantic' })).toMatchObject({
      hybrid: { embedder: 'e', semanticRatio: 1 },
      vector: [1, 2],
    });
  });

  it('asks for the semantic half with words where they matter, behind no sort', () => {
    const body = { q: 'x -y', vector: [1, 2], hybrid: { embedder: 'e', semanticRatio: 0.3 } };
    const ratio = (more: JsonObject, settings: JsonObject = {}): JsonValue | undefined => {
      const asked = nodeBody({ ...body, ...more }, settings, { half: 'semantic' });
      return (asked['hybrid'] as JsonObject)['semanticRatio'];
    };
    // The greatest number below 1 of the engine's.
    const almost = Math.fround(0.99999994);
    expect(ratio({})).toBe(almost);
    expect(ratio({ q: 'x', rankingScoreThreshold: 0.5 })).toBe(almost);
    expect(ratio({ q: 'x', attributesToHighlight: ['*'] })).toBe(almost);
    expect(ratio({ q: 'x' })).toBe(1);
    // A node that embeds the query and fails would answer its keyword hits.
    expect(ratio({ vector: null })).toBe(1);
    expect(ratio({}, { rankingRules: ['year:desc', 'words'] })).toBe(1);
    expect(ratio({ sort: ['year:asc'] }, { rankingRules: ['sort', 'words'] })).toBe(1);
    expect(ratio({}, { rankingRules: ['sort', 'words'] })).toBe(almost);
  });
});

describe('the projection', () => {
  const displayed = { displayedAttributes: ['id', 'title', 'a'] };

  it.each<[JsonObject, JsonObject]>([
    [{}, { attributesToRetrieve: ['id', 'title', 'a'] }],
    [{ attributesToRetrieve: ['*'] }, { attributesToRetrieve: ['id', 'title', 'a'] }],
    [{ attributesToRetrieve: ['id', 'secret', 'a.b'] }, { attributesToRetrieve: ['id'] }],
    [{ attributesToHighlight: ['*'] }, { attributesToHighlight: ['id', 'title', 'a'] }],
    [{ attributesToHighlight: ['secret', 'title'] }, { attributesToHighlight: ['title'] }],
    [{ attributesToCrop: ['*:5', 'secret:3'] }, { attributesToCrop: ['id:5', 'title:5', 'a:5'] }],
    [{ attributesToCrop: ['title:7', 'secret'] }, { attributesToCrop: ['title:7'] }],
  ])('of %j on displayed attributes', (body, wanted) => {
    expect(nodeBody(body, displayed)).toMatchObject(wanted);
  });

  it('leaves the lists alone where everything is displayed, but for hidden names', () => {
    const body = {
      attributesToRetrieve: ['x', '_miroir_seq'],
      attributesToHighlight: ['*', '_miroir_seq'],
    };
    expect(nodeBody(body)).toMatchObject({
      attributesToRetrieve: ['x'],
      attributesToHighlight: ['*'],
    });
    expect(nodeBody({})).not.toHaveProperty('attributesToRetrieve');
  });

  it('never names a field that is neither displayed nor the distinct one', () => {
    const names = fc.subarray(['*', 'id', 'title', 'secret', 'a', 'a.b', '_miroir_slot']);
    const seed = 7_112_026;
    fc.assert(
      fc.property(names, names, names, names, (shown, retrieve, highlight, crop) => {
        const shownNames = shown.filter((name) => !name.startsWith('_miroir'));
        const body = nodeBody(
          {
            attributesToRetrieve: retrieve,
            attributesToHighlight: highlight,
            attributesToCrop: crop,
          },
          { displayedAttributes: shownNames },
        );
        if (shownNames.includes('*')) return;
        for (const list of ['attributesToRetrieve', 'attributesToHighlight', 'attributesToCrop']) {
          expect(shownNames).toEqual(expect.arrayContaining(body[list] as string[]));
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});

describe('hidden names', () => {
  const patch = {
    filterableAttributes: ['genre', 'year'],
    sortableAttributes: ['year'],
    searchableAttributes: ['title'],
  };
  it.each<[JsonObject, string, string]>([
    [
      { filter: 'genre = a AND _miroir_bucket = b' },
      'invalid_search_filter',
      'Index `books`: Attribute `_miroir_bucket` is not filterable. Available filterable attribute patterns are: `genre`, `year`.\n23:37 ("genre" = "a") AND ("_miroir_bucket" = "b")',
    ],
    [
      { sort: ['_miroir_seq:asc'] },
      'invalid_search_sort',
      'Index `books`: Attribute `_miroir_seq` is not sortable. Available sortable attributes are: `year`.',
    ],
    [
      { distinct: '_miroir_bucket' },
      'invalid_search_distinct',
      'Index `books`: Attribute `_miroir_bucket` is not filterable and thus, cannot be used as distinct attribute. Available filterable attributes patterns are: `genre, year`.',
    ],
    [
      { facets: ['_miroir_slot'] },
      'invalid_search_facets',
      'Invalid facet distribution: Pattern `_miroir_slot` is not filterable. Available filterable attributes patterns are: `genre, year`.',
    ],
    [
      { attributesToSearchOn: ['_miroir_slot'] },
      'invalid_search_attributes_to_search_on',
      'Attribute `_miroir_slot` is not searchable. Available searchable attributes are: `title`.',
    ],
  ])('in %j are refused as unknown ones', (body, code, message) => {
    expect(refuseHiddenNames(requestOf(body), settingsOf(patch), 'books')).toMatchObject({
      code,
      message,
    });
  });

  it('are found in nothing that a client may ask', () => {
    const body = { filter: 'genre = _miroir_bucket', sort: ['year:asc'], facets: ['*'] };
    expect(refuseHiddenNames(requestOf(body), settingsOf(patch), 'books')).toBeNull();
  });

  it('all facets of an index without filterable attributes are refused as by Meilisearch', () => {
    expect(refuseHiddenNames(requestOf({ facets: ['*'] }), settingsOf(), 'books')?.message).toBe(
      'Invalid facet distribution: Pattern `*` is not filterable. This index does not have configured filterable attributes.',
    );
  });
});
