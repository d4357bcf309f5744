/**
 * Goal: a hybrid search over nodes is the engine's hybrid rule applied to the whole index.
 * Method: random keyword and semantic lists with known scores are split over nodes; the merge of the
 * splits must equal the merge of the whole lists, and small cases are worked out by hand.
 */
import fc from 'fast-check';
import type { JsonValue } from '../../../core/fleet';
import { encodeSeq } from '../../../core/hidden-fields';
import { keywordIsEnough, mergeHybrid } from '../../../core/search/hybrid';
import type { JsonObject, NodeAnswer } from '../../../core/search/types';
import { answer, idsOf, mergeInput, textOf } from './answers';

const seqRule = (id: number, order: number): JsonObject => ({
  '_miroir_seq:asc': { order, value: encodeSeq(id) },
});

const keywordHit = (id: number, score: number, sort: JsonObject = {}): JsonObject => ({
  id,
  _rankingScore: score,
  _rankingScoreDetails: { ...sort, proximity: { order: 8, score }, ...seqRule(id, 9) },
});

const semanticHit = (id: number, similarity: number | null, sort: JsonObject = {}): JsonObject => ({
  id,
  _rankingScore: similarity ?? 0,
  _rankingScoreDetails: { ...sort, vectorSort: { order: 8, similarity }, ...seqRule(id, 9) },
});

const body = (semanticRatio: number, more: JsonObject = {}): JsonObject => ({
  q: 'x',
  hybrid: { embedder: 'e', semanticRatio },
  ...more,
});

function run(
  keyword: NodeAnswer[],
  semantic: NodeAnswer[] | null,
  request: JsonObject,
): { ids: unknown[]; count: JsonValue | undefined; answer: JsonObject } {
  const parsed = JSON.parse(
    textOf(mergeHybrid(mergeInput(keyword, request), semantic)),
  ) as JsonObject;
  return { ids: idsOf(parsed), count: parsed['semanticHitCount'], answer: parsed };
}

describe('hybrid searches', () => {
  it('take the better of both weighted scores, the semantic one when equal, each document once', () => {
    const keyword = [answer('a', [keywordHit(1, 0.9), keywordHit(2, 0.4)])];
    const semantic = [answer('a', [semanticHit(3, 0.9), semanticHit(2, 0.5), semanticHit(1, 0.1)])];
    const found = run(keyword, semantic, body(0.5));
    expect(found.ids).toEqual([3, 1, 2]);
    expect(found.count).toBe(2);
  });

  it('take no keyword hits from nodes that were asked for the semantic half with words', () => {
    const vector = [1, 0];
    const more = { q: 'x -y', vector, attributesToHighlight: ['title'] };
    const keyword = [answer('a', [keywordHit(1, 0.9)]), answer('b', [keywordHit(4, 0.2)])];
    const semantic = [
      answer('a', [semanticHit(3, 0.7), keywordHit(1, 0.9), semanticHit(5, null)]),
      answer('b', [semanticHit(2, 0.3), keywordHit(4, 0.2), semanticHit(6, null)]),
    ];
    const merged = mergeHybrid(mergeInput(keyword, body(0.5, more)), semantic);
    expect(idsOf(JSON.parse(textOf(merged)) as JsonObject)).toEqual([1, 3, 2, 4, 5, 6]);
    expect(merged.approximate).toEqual([]);
    const alone = mergeHybrid(mergeInput(keyword, body(0.5, { q: 'x -y' })), semantic);
    expect(alone.approximate).toEqual(['semantic-negation']);
  });

  it('weigh the halves by the ratio', () => {
    const keyword = [answer('a', [keywordHit(1, 0.5)])];
    const semantic = [answer('a', [semanticHit(2, 0.6), semanticHit(1, 0.1)])];
    expect(run(keyword, semantic, body(0.4)).ids).toEqual([1, 2]);
    expect(run(keyword, semantic, body(0.6)).ids).toEqual([2, 1]);
  });

  it('count only the semantic hits of the page, and totals and facets of the semantic half', () => {
    const keyword = [answer('a', [keywordHit(1, 0.9)], { estimatedTotalHits: 1 })];
    const semantic = [
      answer('a', [semanticHit(3, 0.9), semanticHit(1, 0.1)], { estimatedTotalHits: 7 }),
    ];
    const found = run(keyword, semantic, body(0.5, { offset: 1, limit: 1 }));
    expect(found).toMatchObject({ ids: [1], count: 0 });
    expect(found.answer['estimatedTotalHits']).toBe(7);
  });

  it('are keyword searches when every keyword hit is good enough', () => {
    const good = [
      answer('a', [keywordHit(1, 0.95), keywordHit(2, 0.91)], { estimatedTotalHits: 2 }),
    ];
    const poor = [answer('a', [keywordHit(1, 0.95), keywordHit(2, 0.8)])];
    const semantic = [answer('a', [semanticHit(3, 1)])];
    expect(keywordIsEnough(mergeInput(good, body(0.5, { limit: 2 })))).toBe(true);
    expect(keywordIsEnough(mergeInput(good, body(0.5, { limit: 3 })))).toBe(false);
    expect(keywordIsEnough(mergeInput(poor, body(0.5, { limit: 2 })))).toBe(false);
    expect(run(good, semantic, body(0.5, { limit: 2 }))).toMatchObject({ ids: [1, 2], count: 0 });
  });

  it('are keyword searches that count no semantic hit when the query could not be embedded', () => {
    const found = run([answer('a', [keywordHit(1, 0.2)])], null, body(0.5));
    expect(found).toMatchObject({ ids: [1], count: 0 });
  });

  it('say that words are not marked in hits of the semantic half', () => {
    const keyword = [answer('a', [keywordHit(1, 0.2)])];
    const semantic = [answer('a', [semanticHit(2, 0.7)])];
    const reasons = (more: JsonObject): readonly string[] =>
      mergeHybrid(mergeInput(keyword, body(0.5, more)), semantic).approximate;
    expect(reasons({ attributesToHighlight: ['*'] })).toEqual(['semantic-highlight']);
    expect(reasons({})).toEqual([]);
  });

  it('say that excluded words are not excluded from hits of the semantic half', () => {
    const keyword = [answer('a', [keywordHit(1, 0.2)])];
    const semantic = [answer('a', [semanticHit(2, 0.7)])];
    const reasons = (q: string): readonly string[] =>
      mergeHybrid(mergeInput(keyword, body(0.5, { q })), semantic).approximate;
    expect(reasons('red -blue')).toEqual(['semantic-negation']);
    expect(reasons('red -"dark blue"')).toEqual(['semantic-negation']);
    expect(reasons('red-blue - green')).toEqual([]);
  });

  it('obey a sort rule that stands before the scores', () => {
    const by = (value: JsonValue): JsonObject => ({ 'year:asc': { order: 0, value } });
    const keyword = [answer('a', [keywordHit(1, 0.1, by(1990)), keywordHit(2, 0.9, by(2000))])];
    const semantic = [answer('a', [semanticHit(1, 0.1, by(1990)), semanticHit(3, 0.9, by(null))])];
    expect(run(keyword, semantic, body(0.5)).ids).toEqual([1, 2, 3]);
  });

  it('show the score of the half a hit came from, and no hidden rule', () => {
    const keyword = [answer('a', [keywordHit(1, 0.2)])];
    const semantic = [answer('a', [semanticHit(1, 0.7)])];
    const request = body(0.5, { showRankingScore: true, showRankingScoreDetails: true });
    expect(run(keyword, semantic, request).answer['hits']).toEqual([
      {
        id: 1,
        _rankingScore: 0.7,
        _rankingScoreDetails: { vectorSort: { order: 8, similarity: 0.7 } },
      },
    ]);
  });

  it('are the same however the documents are split over nodes', () => {
    const scores = fc.record({
      keyword: fc.option(fc.integer({ min: 0, max: 20 })),
      similarity: fc.option(fc.integer({ min: 0, max: 20 })),
      node: fc.nat({ max: 3 }),
    });
    fc.assert(
      fc.property(
        fc.array(scores, { maxLength: 40 }),
        fc.integer({ min: 1, max: 9 }),
        fc.nat({ max: 12 }),
        fc.nat({ max: 12 }),
        (documents, ratio, offset, limit) => {
          const all = documents.map((one, id) => ({ ...one, id }));
          const half = (kind: 'keyword' | 'similarity', nodes: number): NodeAnswer[] =>
            Array.from({ length: nodes }, (_, at) => {
              const own = all
                .filter(
                  (one) =>
                    (nodes === 1 || one.node === at) &&
                    (kind === 'similarity' || one[kind] !== null),
                )
                .sort((a, b) => (b[kind] ?? -1) - (a[kind] ?? -1) || a.id - b.id);
              const hits = own.map((one) =>
                kind === 'keyword'
                  ? keywordHit(one.id, (one.keyword ?? 0) / 20)
                  : semanticHit(one.id, one.similarity === null ? null : one.similarity / 20),
              );
              return answer(String(at), hits.slice(0, offset + limit), {
                estimatedTotalHits: own.length,
              });
            });
          const request = body(ratio / 10, { offset, limit });
          const whole = run(half('keyword', 1), half('similarity', 1), request);
          const split = run(half('keyword', 4), half('similarity', 4), request);
          expect(split).toEqual(whole);
        },
      ),
      { seed: 11_242_026, numRuns: 200 },
    );
  });
});
