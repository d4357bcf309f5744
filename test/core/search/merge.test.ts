/**
 * Goal: P1 (one big Meilisearch), P4 (each document once), P5 (pages do not shift) and P6 (bytes pass),
 * as far as the merge is concerned.
 * Method: random ranked lists are split over nodes and merged again; answers with known hidden members
 * are merged and the bytes compared.
 */
import fc from 'fast-check';
import { mergeAnswers } from '../../../core/search/merge';
import type { JsonValue } from '../../../core/fleet';
import { nodeId } from '../../../core/ids';
import { answer, hit, hitsOf, idsOf, merged, mergeInput, textOf } from './answers';

const seed = 20261124;

/** A whole index's ranked list, and for each hit the node that holds it. */
const ranked = fc
  .array(fc.record({ words: fc.integer({ min: 1, max: 4 }), node: fc.nat({ max: 4 }) }), {
    maxLength: 60,
  })
  .map((list) => {
    const hits = list
      .map(({ words, node }, seq) => ({ words, node, seq }))
      .sort((a, b) => b.words - a.words || a.seq - b.seq);
    return hits.map(({ words, node, seq }) => ({ node, hit: hit({ id: seq }, words, seq) }));
  });

const split = (
  list: readonly { node: number; hit: ReturnType<typeof hit> }[],
  limit: number,
): ReturnType<typeof answer>[] =>
  [0, 1, 2, 3, 4].map((node) => {
    const own = list.filter((one) => one.node === node).map((one) => one.hit);
    return answer(`meili-${String(node)}`, own.slice(0, limit), { estimatedTotalHits: own.length });
  });

describe('merging', () => {
  it('restores any ranked list that was split over nodes (P1, P4)', () => {
    fc.assert(
      fc.property(ranked, fc.nat({ max: 30 }), fc.nat({ max: 30 }), (list, offset, limit) => {
        const whole = list.map((one) => one.hit['id']);
        const found = merged(split(list, offset + limit), { offset, limit });
        expect(idsOf(found)).toEqual(whole.slice(offset, offset + limit));
        expect(found['estimatedTotalHits']).toBe(whole.length);
      }),
      { seed, numRuns: 200 },
    );
  });

  it('gives the same list whatever the order of the answers and whichever node holds a hit', () => {
    fc.assert(
      fc.property(ranked, fc.infiniteStream(fc.nat({ max: 4 })), (list, nodes) => {
        const moved = list.map((one) => ({ ...one, node: Number(nodes.next().value) }));
        const before = merged(split(list, 20), { limit: 20 });
        const after = merged(split(moved, 20).reverse(), { limit: 20 });
        expect(idsOf(after)).toEqual(idsOf(before));
      }),
      { seed, numRuns: 100 },
    );
  });

  it('shows every hit once over the pages, in both ways of paging (P5)', () => {
    fc.assert(
      fc.property(ranked, fc.integer({ min: 1, max: 13 }), (list, size) => {
        const whole = list.map((one) => one.hit['id']);
        const byOffset: unknown[] = [];
        const byPage: unknown[] = [];
        for (let page = 1; (page - 1) * size < list.length; page++) {
          const answers = split(list, page * size);
          byOffset.push(...idsOf(merged(answers, { offset: (page - 1) * size, limit: size })));
          byPage.push(...idsOf(merged(answers, { page, hitsPerPage: size })));
        }
        expect(byOffset).toEqual(whole);
        expect(byPage).toEqual(whole);
      }),
      { seed, numRuns: 100 },
    );
  });

  it('shows no hit past the maxTotalHits of the client, but counts all', () => {
    const hits = Array.from({ length: 9 }, (_, id) => hit({ id }, 1, id));
    const found = merged(
      [answer('a', hits)],
      { offset: 3, limit: 9 },
      { pagination: { maxTotalHits: 5 } },
    );
    expect(idsOf(found)).toEqual([3, 4]);
    expect(found).toMatchObject({ offset: 3, limit: 9, estimatedTotalHits: 9 });
  });

  it.each([
    [{ page: 2, hitsPerPage: 2 }, { hitsPerPage: 2, page: 2, totalPages: 2, totalHits: 3 }, [2]],
    [{ page: 0 }, { hitsPerPage: 20, page: 0, totalPages: 1, totalHits: 3 }, []],
    [{ hitsPerPage: 0 }, { hitsPerPage: 0, page: 1, totalPages: 0, totalHits: 3 }, []],
  ])('pages %j as Meilisearch does', (body, paging, ids) => {
    const answers = [
      answer('a', [hit({ id: 0 }, 1, 0), hit({ id: 2 }, 1, 2)], { totalHits: 2 }),
      answer('b', [hit({ id: 1 }, 1, 1)], { totalHits: 1 }),
    ];
    const found = merged(answers, body);
    expect(found).toMatchObject(paging);
    expect(idsOf(found)).toEqual(ids);
  });

  it('writes the members in the order of Meilisearch', () => {
    const input = mergeInput(
      [answer('a', [], { estimatedTotalHits: 0, facetDistribution: { g: {} }, facetStats: {} })],
      { q: 'é"x', facets: ['g'] },
      { filterableAttributes: ['g'] },
    );
    expect(textOf(mergeAnswers({ ...input, indexUid: 'books', metadata: { queryUid: 'u' } }))).toBe(
      '{"indexUid":"books","hits":[],"query":"é\\"x","processingTimeMs":3,"limit":20,"offset":0,' +
        '"estimatedTotalHits":0,"facetDistribution":{"g":{}},"facetStats":{},"requestUid":"r",' +
        '"metadata":{"queryUid":"u"}}',
    );
  });

  it('shows the longest time of each phase, as nodes work side by side', () => {
    const timed = (times: Record<string, string>): ReturnType<typeof answer> =>
      answer('a', [], { estimatedTotalHits: 0, performanceDetails: times });
    const found = merged([
      timed({ search: '900.00µs', 'search > rank': '1.20ms' }),
      timed({ search: '1.10ms', 'search > rank': '90.00µs' }),
    ]);
    expect(found['performanceDetails']).toEqual({ search: '1.10ms', 'search > rank': '1.20ms' });
  });

  it('copies documents byte for byte and takes only hidden members out (P6)', () => {
    const bytes = Buffer.from(
      '{"hits":[{"id":9007199254740993,"2":1.0,"1":-0.0,"s":"\\u00e9],\\"query\\":","_miroir_bucket":"⊕⊖",' +
        '"e":1e300,"_miroir_seq":"⊕","_formatted":{"id":"9","_miroir_seq":"⊕","1":"-0.0"},' +
        '"_rankingScore":0.5,"_rankingScoreDetails":{"_miroir_seq:asc":{"order":0,"value":"⊕"}}}],' +
        '"query":"","processingTimeMs":0,"limit":20,"offset":0,"estimatedTotalHits":1}',
    );
    const text = textOf(mergeAnswers(mergeInput([{ node: nodeId('a'), bytes }])));
    expect(text.slice(0, text.indexOf('],"query":"",'))).toBe(
      '{"hits":[{"id":9007199254740993,"2":1.0,"1":-0.0,"s":"\\u00e9],\\"query\\":","e":1e300,' +
        '"_formatted":{"id":"9","1":"-0.0"}}',
    );
  });

  it('shows scores and details only when asked, without the hidden rule', () => {
    const answers = [answer('a', [hit({ id: 1 }, 5, 1)])];
    expect(hitsOf(merged(answers))).toEqual([{ id: 1 }]);
    expect(hitsOf(merged(answers, { showRankingScore: true }))).toEqual([
      { id: 1, _rankingScore: 0.5 },
    ]);
    expect(hitsOf(merged(answers, { showRankingScoreDetails: true }))).toEqual([
      {
        id: 1,
        _rankingScoreDetails: {
          words: { order: 0, matchingWords: 5, maxMatchingWords: 10, score: 0.5 },
        },
      },
    ]);
  });

  it('gives a rule on a field that is not displayed no name and no value', () => {
    const one = {
      id: 1,
      _rankingScoreDetails: {
        'secret:desc': { order: 0, value: 'x' },
        '_geoPoint(1, 2):asc': { order: 1, value: { lat: 1, lng: 2 }, distance: 0 },
        'id:asc': { order: 2, value: 1 },
      },
    };
    const found = merged(
      [answer('a', [one])],
      { showRankingScoreDetails: true },
      { displayedAttributes: ['id'] },
    );
    expect(Object.keys(hitsOf(found)[0]?.['_rankingScoreDetails'] as object)).toEqual([
      '<hidden-rule-0>',
      '_geoPoint(1, 2):asc',
      'id:asc',
    ]);
    expect(hitsOf(found)[0]?.['_rankingScoreDetails']).toMatchObject({
      '<hidden-rule-0>': { order: 0, value: '<hidden>' },
    });
  });

  it('shows match positions of displayed fields only', () => {
    const one = {
      id: 1,
      _matchesPosition: { title: [], 'title.en': [], titles: [], secret: [] },
      _rankingScoreDetails: {},
    };
    const found = merged(
      [answer('a', [one])],
      { showMatchesPosition: true },
      { displayedAttributes: ['id', 'title'] },
    );
    expect(hitsOf(found)[0]?.['_matchesPosition']).toEqual({ title: [], 'title.en': [] });
  });

  it('shows an expiry as the number it was, where the index has a TTL', () => {
    const one = { id: 1, _miroir_expires_at: '⊕⊕⊕⊕⊕⊕⊖⊕', _rankingScoreDetails: {} };
    const input = mergeInput([answer('a', [one])]);
    expect(textOf(mergeAnswers({ ...input, ttl: true }))).toContain('"_miroir_expires_at":64');
    expect(textOf(mergeAnswers(input))).not.toContain('_miroir_');
  });

  it.each([
    '',
    '{"hits":[{"id":1',
    '{"hits":[{"id":"a"}],"query":"x","limit":2',
    '{"hits":[{"id":1]}],"query":"","estimatedTotalHits":1}',
    '{"results":[]}',
  ])('takes no damaged answer for an answer: %s', (text) => {
    const input = mergeInput([{ node: nodeId('a'), bytes: Buffer.from(text) }]);
    expect(() => mergeAnswers(input)).toThrow(expect.objectContaining({ code: 'bad_node_answer' }));
  });
});

describe('distinct', () => {
  const color = (id: number, value: unknown, words: number): ReturnType<typeof hit> =>
    hit({ id, color: value as string }, words, id);

  it('keeps the best hit of each value over all nodes, compared as the engine normalises it', () => {
    const answers = [
      answer('a', [color(1, 'Red', 9), color(2, 1, 5), color(3, null, 4)]),
      answer('b', [color(4, ' red ', 8), color(5, '1', 6), color(6, null, 3)]),
    ];
    expect(idsOf(merged(answers, { distinct: 'color' }))).toEqual([1, 5, 2, 3, 6]);
  });

  it('counts a value that several nodes have once', () => {
    const answers = [
      answer('a', [], {
        totalHits: 3,
        facetDistribution: { color: { Red: 1, blue: 1 } },
        facetStats: {},
      }),
      answer('b', [], { totalHits: 2, facetDistribution: { color: { red: 1 } }, facetStats: {} }),
    ];
    const found = merged(answers, { distinct: 'color', page: 1 });
    expect(found).toMatchObject({ totalHits: 4 });
    expect(found).not.toHaveProperty('facetDistribution');
  });

  it('counts a number and the text of its digits as two values', () => {
    const facet = (range: Record<string, JsonValue>): Record<string, JsonValue> => ({
      totalHits: 1,
      facetDistribution: { color: { '1': 1 } },
      facetStats: range,
    });
    const answers = [
      answer('a', [], facet({ color: { min: 1, max: 1 } })),
      answer('b', [], facet({})),
    ];
    expect(merged(answers, { distinct: 'color', page: 1 })).toMatchObject({ totalHits: 2 });
  });

  it('takes out the field that only the merge needed, also when it is nested', () => {
    const one = hit({ id: 1, a: { b: 'x', c: 2 }, d: [{ b: 1 }] }, 1, 1);
    const body = { distinct: 'a.b', attributesToRetrieve: ['id', 'a.c', 'd'] };
    expect(hitsOf(merged([answer('a', [one])], body))).toEqual([
      { id: 1, a: { c: 2 }, d: [{ b: 1 }] },
    ]);
    const only = hit({ id: 1, a: { b: 'x' } }, 1, 1);
    expect(
      hitsOf(merged([answer('a', [only])], { ...body, attributesToRetrieve: ['id'] })),
    ).toEqual([{ id: 1 }]);
  });

  it('leaves no empty `_formatted` behind where the added field was all that was formatted', () => {
    const one = { id: 1, color: 'x', _formatted: { color: 'x' }, _rankingScoreDetails: {} };
    const body = {
      distinct: 'color',
      attributesToRetrieve: ['id'],
      attributesToHighlight: ['title'],
    };
    expect(hitsOf(merged([answer('a', [one])], body))).toEqual([{ id: 1 }]);
    const shown = { ...body, attributesToHighlight: ['*'] };
    expect(hitsOf(merged([answer('a', [one])], shown))).toEqual([
      { id: 1, _formatted: { color: 'x' } },
    ]);
  });

  it('says that it is not exact for several values in one document', () => {
    const input = mergeInput([answer('a', [color(1, ['x', 'y'], 1)])], {
      distinct: 'color',
      page: 1,
    });
    expect(mergeAnswers(input).approximate).toEqual(['distinct-array']);
  });
});

describe('what cannot be exact', () => {
  const geo = (distance: number): ReturnType<typeof hit> => ({
    id: distance,
    _rankingScoreDetails: { '_geoPoint(1, 2):asc': { order: 0, value: null, distance } },
  });

  it.each([
    ['two nodes within two metres', [geo(10), geo(30)], [geo(11)], ['geo-near']],
    ['two nodes further apart', [geo(10), geo(30)], [geo(20)], []],
    [
      'a rule that was cut off',
      [{ id: 1, _rankingScoreDetails: { skipped: { order: 0 } } }],
      [],
      ['skipped-rule'],
    ],
  ])('%s', (_, a, b, reasons) => {
    const output = mergeAnswers(mergeInput([answer('a', a), answer('b', b)]));
    expect(output.approximate).toEqual(reasons);
  });

  it('is said of strategies that count words per node, and of thresholds, but not for one node', () => {
    const body = { matchingStrategy: 'frequency', rankingScoreThreshold: 0.5 };
    const two = mergeAnswers(mergeInput([answer('a', []), answer('b', [])], body));
    expect([...two.approximate].sort()).toEqual(['frequency-strategy', 'score-threshold']);
    expect(mergeAnswers(mergeInput([answer('a', [])], body)).approximate).toEqual([]);
  });

  it('is said of thresholds by pages only where vectors are searched', () => {
    const body = { rankingScoreThreshold: 0.5, page: 1 };
    const parts = [answer('a', []), answer('b', [])];
    expect(mergeAnswers(mergeInput(parts, body)).approximate).toEqual([]);
    const semantic = { ...body, hybrid: { embedder: 'default', semanticRatio: 1 }, vector: [1] };
    expect(mergeAnswers(mergeInput(parts, semantic)).approximate).toEqual(['score-threshold']);
  });
});
