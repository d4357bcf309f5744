import type { Settings } from '../fleet';
import { hiddenRankingRule } from '../hidden-fields';
import { keyBytes, spanText } from './answer-bytes';
import { answerOf, changeHit } from './changed-hits';
import { compareDetails } from './details';
import { isExact, typosOf, withExactWords } from './exactness';
import { strings } from './fields';
import { isRelevancy } from './federation/canonical-rules';
import { detailsKey, findLast, scoreKey } from './hits';
import type { Hit } from './hits';
import { searchKind } from './kind';
import { floatText } from './rust-text';
import type { JsonObject, Paging, SearchRequest } from './types';

/**
 * `matchingStrategy: frequency` leaves the most frequent words out first. A node counts in its own
 * documents and so may leave out another word than its neighbour, or than one Meilisearch, and hits are
 * lost. So the words are counted over the fleet, and each way to leave words out is asked as a search
 * for all of the others.
 */

/** The ways to leave out equally many words. The first level leaves out none. */
export interface FrequencyLevel {
  readonly variants: readonly FrequencyVariant[];
  readonly matchingWords: number;
  readonly maxMatchingWords: number;
}

export interface FrequencyVariant {
  /** What is left of the query, each word in its place. */
  readonly q: string;
  /** How many words are left. */
  readonly words: number;
  /** How many of these are neighbours in the query, so that their distance counts. */
  readonly pairs: number;
  /**
   * A word before the last one left is missing, so that nothing matches the query as a whole. `last`:
   * only the last one left stands apart, and a document that has it with a typo does not miss it.
   */
  readonly hole: 'none' | 'last' | 'before';
}

/** With more words there would be too many ways to leave some out. */
const wordsMax = 6;
/** Words that are one token in the engine; other scripts are split by it, other marks too. */
const plainWord = /^(?:\p{Lu}?[\p{Ll}]+|\p{N}+)$/u;
const latin = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{N}]+$/u;

/**
 * The words of a search that is asked level by level; null where it is asked as it stands: other
 * strategies, one word, phrases, negations, scripts without blanks, settings that change what a word
 * is, and rules that rank before `words`.
 */
export function frequencyWords(request: SearchRequest, settings: Settings): string[] | null {
  if (request.matchingStrategy !== 'frequency' || searchKind(request) !== 'keyword') return null;
  if (request.rankingScoreThreshold !== null || !wordsRankFirst(request, settings)) return null;
  const words = (request.q ?? '').trim().split(/\s+/);
  if (words.length < 2 || words.length > wordsMax) return null;
  const stopWords = new Set(strings(settings['stopWords']));
  const plain = words.every(
    (word) => plainWord.test(word) && latin.test(word) && !stopWords.has(word.toLowerCase()),
  );
  const custom = ['dictionary', 'separatorTokens', 'nonSeparatorTokens'].some(
    (name) => strings(settings[name]).length > 0,
  );
  return plain && !custom ? words : null;
}

function wordsRankFirst(request: SearchRequest, settings: Settings): boolean {
  const sorted = (request.sort ?? []).length > 0;
  const first = strings(settings['rankingRules']).find((rule) => rule !== 'sort' || sorted);
  return first !== undefined && isRelevancy(first);
}

/** The last word is a prefix unless a blank follows it. */
const isOpen = (request: SearchRequest): boolean => !/\s$/.test(request.q ?? '');

/** The searches that count each word: without filters, as the engine counts in the whole index. */
export function wordRequests(request: SearchRequest, words: readonly string[]): SearchRequest[] {
  return words.map((word, i) => {
    const last = i === words.length - 1 && isOpen(request);
    const counting = asked(request, last ? word : `${word} `, offsetPaging(0));
    const { attributesToSearchOn, locales } = request.body;
    return {
      ...counting,
      filter: null,
      sort: null,
      distinct: null,
      facets: null,
      // The engine's frequency is of documents, whatever the index leaves out as duplicates.
      countsAll: true,
      body: {
        q: counting.q,
        matchingStrategy: 'all',
        ...(attributesToSearchOn === undefined ? {} : { attributesToSearchOn }),
        ...(locales === undefined ? {} : { locales }),
      },
    };
  });
}

/**
 * The levels, by the number of documents that have each word; a word of no document counts as the most
 * frequent. The rarest words are never left out. The engine walks through the query word by word, and on
 * leaving one out it leaves out all more frequent words that follow, but not those before.
 */
export function frequencyLevels(
  request: SearchRequest,
  words: readonly string[],
  counts: readonly number[],
): FrequencyLevel[] {
  const frequency = words.map((_, i) => (counts[i] === 0 ? Infinity : (counts[i] ?? Infinity)));
  const rarest = Math.min(...frequency);
  const droppable = frequency.filter((one) => one > rarest).length;
  const byDropped = Array.from({ length: droppable + 1 }, (): FrequencyVariant[] => []);
  for (let set = 0; set < 2 ** words.length; set++) {
    const kept = words.map((_, i) => i).filter((i) => ((set >> i) & 1) === 0);
    if (!mayKeep(kept, frequency, rarest)) continue;
    byDropped[words.length - kept.length]?.push({
      q: joinWords(request, words, kept),
      words: kept.length,
      pairs: kept.filter((at, i) => kept[i - 1] === at - 1).length,
      hole: holeOf(kept),
    });
  }
  return byDropped.map((variants, dropped) => ({
    variants,
    matchingWords: 1 + droppable - dropped,
    maxMatchingWords: 1 + droppable,
  }));
}

function holeOf(kept: readonly number[]): FrequencyVariant['hole'] {
  const apart = kept.map((at, i) => at !== i);
  if (!apart.includes(true)) return 'none';
  return kept.length > 1 && !apart.slice(0, -1).includes(true) ? 'last' : 'before';
}

function mayKeep(kept: readonly number[], frequency: readonly number[], rarest: number): boolean {
  return frequency.every((dropped, at) => {
    if (kept.includes(at)) return true;
    return dropped > rarest && kept.every((one) => one < at || (frequency[one] ?? 0) <= dropped);
  });
}

/**
 * Stands for a dropped word before others, so that these keep their places in the query: the engine
 * compares places, and joins only neighbours. No document has it, so nothing is excluded by it.
 */
const droppedWord = '-zqxjvmiroirdroppedwordvjxqz';

function joinWords(
  request: SearchRequest,
  words: readonly string[],
  kept: readonly number[],
): string {
  const last = kept[kept.length - 1] ?? 0;
  const left = words.slice(0, last + 1).map((word, i) => (kept.includes(i) ? word : droppedWord));
  const open = last === words.length - 1 && isOpen(request);
  return open ? left.join(' ') : `${left.join(' ')} `;
}

export const offsetPaging = (limit: number): Paging => ({ mode: 'offset', offset: 0, limit });

/** The search for all words of one variant, from its first hit on. */
export function variantRequest(
  request: SearchRequest,
  variant: FrequencyVariant,
  limit: number,
): SearchRequest {
  const paging: Paging =
    request.paging.mode === 'page'
      ? { mode: 'page', page: 1, hitsPerPage: limit }
      : offsetPaging(limit);
  return asked(request, variant.q, paging);
}

function asked(request: SearchRequest, q: string, paging: Paging): SearchRequest {
  const body: JsonObject = {
    ...request.body,
    q,
    matchingStrategy: 'all',
    showRankingScore: true,
  };
  return { ...request, q, matchingStrategy: 'all', paging, showRankingScore: true, body };
}

/** The hits that one variant found, best first. */
export interface VariantHits {
  readonly variant: FrequencyVariant;
  readonly hits: readonly Hit[];
}

/** Joins the levels' hits, each document in the fullest level that it matches. */
export class LevelJoin {
  readonly #seen = new Set<string>();
  readonly hits: Hit[] = [];

  constructor(private readonly primaryKey: string | null) {}

  add(level: FrequencyLevel, found: readonly VariantHits[]): void {
    const pairsMax = Math.max(0, ...found.map(({ variant }) => variant.pairs));
    const ranked = found.flatMap(({ variant, hits }) =>
      hits.map((hit) => atLevel(asPart(hit, variant), { level, variant, pairsMax })),
    );
    ranked.sort((a, b) => compareDetails(a.details, b.details));
    for (const hit of ranked) {
      const id = documentOf(hit, this.primaryKey);
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      this.hits.push(hit);
    }
  }

  /** As one node would have answered them; `rest` has totals and facets of the last level. */
  answer(rest: JsonObject): Uint8Array {
    return answerOf(this.hits, rest);
  }
}

/** The hidden place in the order of insertion names a document; else its primary key does. */
export function documentOf(hit: Hit, primaryKey: string | null): string {
  const seq = hit.details.find(([rule]) => rule === hiddenRankingRule)?.[1]['value'];
  if (typeof seq === 'string') return seq;
  const key = primaryKey === null ? null : findLast(hit.bytes, hit.members, keyBytes(primaryKey));
  if (key === null) return `${String(hit.source)}/${String(hit.position)}`;
  return spanText(hit.bytes, key.valueStart, key.valueEnd);
}

/** What misses a word before its last matches no document as a whole. */
function asPart(hit: Hit, { hole, words }: FrequencyVariant): Hit {
  const misses = hole === 'before' || (hole === 'last' && typosOf(hit.details) === 0);
  return misses && isExact(hit.details)
    ? withExactWords(hit, { matching: words, max: words })
    : hit;
}

/**
 * A search for all words has no rule `words`: it is put before the other rules. A score of `proximity`
 * is a part of what the pairs of a variant can cost, and is told anew as a part of what those of the
 * level can.
 */
function atLevel(
  hit: Hit,
  at: { level: FrequencyLevel; variant: FrequencyVariant; pairsMax: number },
): Hit {
  const member = findLast(hit.bytes, hit.members, detailsKey);
  if (member === null) return hit;
  const { matchingWords: matching, maxMatchingWords: max } = at.level;
  const words = `"words":{"order":0,"matchingWords":${String(matching)},"maxMatchingWords":${String(max)},"score":${floatText(matching / max)}}`;
  const others = spanText(hit.bytes, member.valueStart, member.valueEnd)
    .slice(1, -1)
    .replace(/"order":(\d+)/g, (_, order: string) => `"order":${String(Number(order) + 1)}`)
    .replace(/("proximity":\{"order":\d+,"score":)([^}]*)/, (_, head: string, text: string) => {
      const cost = Math.round((1 - Number(text)) * placesOf(at.variant.pairs));
      const places = placesOf(at.pairsMax);
      return head + floatText((places - cost) / places);
    });
  const score = findLast(hit.bytes, hit.members, scoreKey);
  const rest = score === null ? 1 : Number(spanText(hit.bytes, score.valueStart, score.valueEnd));
  return changeHit(hit, {
    details: others === '' ? `{${words}}` : `{${words},${others}}`,
    score: floatText((matching - 1 + rest) / max),
  });
}

/** How many costs `proximity` can tell apart. */
const placesOf = (pairs: number): number => 1 + 3 * pairs;
