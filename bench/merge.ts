import { nodeId } from '../core/ids';
import { encodeSeq } from '../core/hidden-fields';
import { compareDetails, detailsList } from '../core/search/details';
import type { RuleDetails } from '../core/search/details';
import { mergeAnswers } from '../core/search/merge';
import type { JsonObject, MergeInput, NodeAnswer } from '../core/search/types';
import { parseSearchBody } from '../core/search/request';
import { defaultSettings } from '../core/settings/defaults';
import { row } from './row';
import type { Row } from './row';
import { byTurns } from './spread';
import { sizeOf } from './workload';
import type { Size } from './workload';

/** The answers of `nodes` nodes of `hits` hits each, and what a merge needs beside them. */
export function mergeWork(size: Size): MergeInput {
  const hits = sizeOf(size, 'hits');
  const nodes = Array.from({ length: sizeOf(size, 'nodes') }, (_, node) => node);
  const answers = nodes.map((node) => sampleAnswer({ node, nodes: nodes.length, count: hits }));
  return { answers, ...constants(hits) };
}

/**
 * Merges several answers into a window as long as one of them, and does the same the naive way for
 * comparison. A thousand hits are the deepest page that the default settings allow.
 */
export function benchMerge(size: Size, runs: number): Row[] {
  const input = mergeWork(size);
  const { ours, theirs } = byTurns(
    runs,
    () => mergeAnswers(input),
    () => naiveMerge(input.answers, sizeOf(size, 'hits')),
  );
  const against = 'parse all, sort all, stringify';
  return [
    row({ name: 'merge.time/naive', unit: 'cpu-ms', better: 'lower', against, ours, theirs }),
  ];
}

function constants(limit: number): Omit<MergeInput, 'answers'> {
  const parsed = parseSearchBody({ q: 'film', limit });
  if (!parsed.ok) throw parsed.error;
  return {
    request: parsed.request,
    settings: defaultSettings(),
    primaryKey: 'id',
    processingTimeMs: 1,
    requestUid: '0',
  };
}

/** Film-like documents of some 600 bytes, ranked by words and then by insertion. */
function sampleAnswer(part: { node: number; nodes: number; count: number }): NodeAnswer {
  const { node, nodes, count } = part;
  const hits = Array.from({ length: count }, (_, i) => {
    const seq = i * nodes + node;
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
  const answer = { hits, query: 'film', processingTimeMs: 1, limit: count, offset: 0 };
  const bytes = Buffer.from(JSON.stringify({ ...answer, estimatedTotalHits: count }));
  return { node: nodeId(`meili-${String(node)}`), bytes };
}

/** What a proxy would do that parses answers: all hits of all nodes become objects. */
export function naiveMerge(answers: readonly NodeAnswer[], limit: number): Buffer {
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
  const shown = hits.slice(0, limit).map(({ hit }) => {
    const kept = Object.entries(hit).filter(
      ([name]) => !name.startsWith('_miroir_') && name !== '_rankingScoreDetails',
    );
    return Object.fromEntries(kept);
  });
  return Buffer.from(
    JSON.stringify({ hits: shown, query: 'film', estimatedTotalHits: hits.length }),
  );
}
