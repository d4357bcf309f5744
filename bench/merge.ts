import { nodeId } from '../core/ids';
import { encodeSeq } from '../core/hidden-fields';
import { compareDetails, detailsList } from '../core/search/details';
import type { RuleDetails } from '../core/search/details';
import { mergeAnswers } from '../core/search/merge';
import type { JsonObject, MergeInput, NodeAnswer } from '../core/search/types';
import { parseSearchBody } from '../core/search/request';
import { defaultSettings } from '../core/settings/defaults';

export interface MergeBench {
  /** Median milliseconds of one merge over bytes. */
  readonly mergeMs: number;
  /** Median milliseconds of parsing all, sorting all and writing the window, in the same run. */
  readonly naiveMs: number;
  /** `mergeMs / naiveMs`; below 1 the byte merge is faster. */
  readonly ratio: number;
  readonly bytesIn: number;
}

/**
 * Merges three answers of 1,000 hits each into a window of 1,000 hits, which is the deepest page that
 * the default settings allow, and does the same the naive way for comparison.
 */
export function benchMerge(rounds = 30): MergeBench {
  const answers = [0, 1, 2].map((node) => sampleAnswer(node, 1000));
  const input: MergeInput = { answers, ...constants() };
  const times = { merge: [] as number[], naive: [] as number[] };
  for (let round = 0; round < rounds + 5; round++) {
    const start = performance.now();
    mergeAnswers(input);
    const middle = performance.now();
    naiveMerge(answers);
    // The first rounds warm the compiler up.
    if (round < 5) continue;
    times.merge.push(middle - start);
    times.naive.push(performance.now() - middle);
  }
  const mergeMs = median(times.merge);
  const naiveMs = median(times.naive);
  const bytesIn = answers.reduce((sum, { bytes }) => sum + bytes.length, 0);
  return { mergeMs, naiveMs, ratio: mergeMs / naiveMs, bytesIn };
}

function constants(): Omit<MergeInput, 'answers'> {
  const parsed = parseSearchBody({ q: 'film', limit: 1000 });
  if (!parsed.ok) throw parsed.error;
  return {
    request: parsed.request,
    settings: defaultSettings(),
    primaryKey: 'id',
    processingTimeMs: 1,
    requestUid: '0',
  };
}

const median = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[times.length >> 1] ?? NaN;

/** Film-like documents of some 600 bytes, ranked by words and then by insertion. */
function sampleAnswer(node: number, count: number): NodeAnswer {
  const hits = Array.from({ length: count }, (_, i) => {
    const seq = i * 3 + node;
    const matchingWords = 10 - Math.floor((i * 10) / count);
    return {
      id: seq,
      title: `The film number ${String(seq)}`,
      overview: 'A story of a harbor, a map and a long way home. '.repeat(6),
      genres: ['drama', 'adventure'],
      year: 1950 + (seq % 70),
      rating: 7.5,
      _miroir_bucket: '⊕⊖',
      _miroir_slot: '⊕⊕⊗',
      _miroir_seq: encodeSeq(seq),
      _rankingScoreDetails: {
        words: { order: 0, matchingWords, maxMatchingWords: 10, score: matchingWords / 10 },
        typo: { order: 1, typoCount: 0, maxTypoCount: 3, score: 1 },
        proximity: { order: 2, score: 1 },
        attributeRank: { order: 3, score: 1 },
        wordPosition: { order: 4, score: 0.9 },
        exactness: { order: 5, matchType: 'matchesStart', score: 0.666 },
        '_miroir_seq:asc': { order: 6, value: encodeSeq(seq) },
      },
    };
  });
  const answer = { hits, query: 'film', processingTimeMs: 1, limit: 1000, offset: 0 };
  const bytes = Buffer.from(JSON.stringify({ ...answer, estimatedTotalHits: count }));
  return { node: nodeId(`meili-${String(node)}`), bytes };
}

/** What a proxy would do that parses answers: all hits of all nodes become objects. */
function naiveMerge(answers: readonly NodeAnswer[]): Buffer {
  const all = answers.map(
    ({ bytes }) => JSON.parse(Buffer.from(bytes).toString('utf8')) as { hits: JsonObject[] },
  );
  const hits = all.flatMap((one) =>
    one.hits.map((hit) => ({
      hit,
      details: detailsList(hit['_rankingScoreDetails'] as { [rule: string]: RuleDetails }),
    })),
  );
  hits.sort((a, b) => compareDetails(a.details, b.details));
  const shown = hits.slice(0, 1000).map(({ hit }) => {
    const kept = Object.entries(hit).filter(
      ([name]) => !name.startsWith('_miroir_') && name !== '_rankingScoreDetails',
    );
    return Object.fromEntries(kept);
  });
  return Buffer.from(JSON.stringify({ hits: shown, query: 'film', estimatedTotalHits: 3000 }));
}
