import type { Settings } from '../fleet';
import { hiddenRankingRule } from '../hidden-fields';
import { keyBytes, spanText } from './answer-bytes';
import { answerOf, changeHit } from './changed-hits';
import { compareDetails } from './details';
import { isExact, withExactWords } from './exactness';
import { strings } from './fields';
import { isRelevancy } from './federation/canonical-rules';
import { detailsKey, findLast, scoreKey } from './hits';
import type { Hit } from './hits';
import { searchKind } from './kind';
import { floatText } from './rust-text';
import type { JsonObject, Paging, SearchRequest } from './types';

/**
 * `matchingStrategy: frequency` drops the most frequent word first. A node counts in its own documents
 * and so may drop another word than its neighbour, or than one Meilisearch, and hits are lost. So the words
 * are counted over the fleet, and each level - all words, all but the most frequent, … - is asked as
 * a search for all of its words.
 */

/** One level of dropping, the fullest first. */
export interface FrequencyLevel {
  /** What is left of the query, each word in its place. */
  readonly q: string;
  /** How many words are left. */
  readonly words: number;
  readonly matchingWords: number;
  readonly maxMatchingWords: number;
  /** A word before the last one left is missing, so that nothing matches the query as a whole. */
  readonly hole: boolean;
}

const wordsMax = 10;
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
 * The levels, by the number of documents that have each word. A word of no document is dropped first.
 * Words of equal numbers are dropped together.
 */
export function frequencyLevels(
  request: SearchRequest,
  words: readonly string[],
  counts: readonly number[],
): FrequencyLevel[] {
  const frequency = words.map((_, i) => (counts[i] === 0 ? Infinity : (counts[i] ?? Infinity)));
  const steps = [...new Set(frequency)].sort((a, b) => b - a);
  const rarest = steps[steps.length - 1] ?? 0;
  const maxMatchingWords = 1 + frequency.filter((one) => one > rarest).length;
  return steps.map((step) => {
    const kept = words.map((_, i) => i).filter((i) => (frequency[i] ?? 0) <= step);
    const dropped = words.length - kept.length;
    return {
      q: joinWords(request, words, kept),
      words: kept.length,
      matchingWords: maxMatchingWords - dropped,
      maxMatchingWords,
      hole: kept.some((at, i) => at !== i),
    };
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

/** Whether two words of equal, non-zero numbers are dropped: the engine then also drops either alone. */
export const hasEqualCounts = (counts: readonly number[]): boolean => {
  const found = counts.filter((count) => count > 0);
  return new Set(found).size < found.length;
};

export const offsetPaging = (limit: number): Paging => ({ mode: 'offset', offset: 0, limit });

/** The search for all words of one level, from its first hit on. */
export function levelRequest(
  request: SearchRequest,
  level: FrequencyLevel,
  limit: number,
): SearchRequest {
  return asked(
    request,
    level.q,
    request.paging.mode === 'page'
      ? { mode: 'page', page: 1, hitsPerPage: limit }
      : offsetPaging(limit),
  );
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

/** Joins the levels' hits, each document in the fullest level that it matches. */
export class LevelJoin {
  readonly #seen = new Set<string>();
  readonly hits: Hit[] = [];

  add(level: FrequencyLevel, found: readonly Hit[], primaryKey: string | null): void {
    const ranked = found
      .filter((hit) => this.#isNew(hit, primaryKey))
      .map((hit) => atLevel(level.hole ? asPart(hit, level) : hit, level));
    if (level.hole) ranked.sort((a, b) => compareDetails(a.details, b.details));
    this.hits.push(...ranked);
  }

  #isNew(hit: Hit, primaryKey: string | null): boolean {
    const seq = hit.details.find(([rule]) => rule === hiddenRankingRule)?.[1]['value'];
    const key = primaryKey === null ? null : findLast(hit.bytes, hit.members, keyBytes(primaryKey));
    const id =
      typeof seq === 'string'
        ? seq
        : key === null
          ? `${String(hit.source)}/${String(hit.start)}`
          : spanText(hit.bytes, key.valueStart, key.valueEnd);
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    return true;
  }

  /** As one node would have answered them; `rest` has totals and facets of the last level. */
  answer(rest: JsonObject): Uint8Array {
    return answerOf(this.hits, rest);
  }
}

/** What misses a word before its last matches no document as a whole. */
const asPart = (hit: Hit, { words }: FrequencyLevel): Hit =>
  isExact(hit.details) ? withExactWords(hit, { matching: words, max: words }) : hit;

/** A search for all words has no rule `words`: it is put before the other rules. */
function atLevel(hit: Hit, level: FrequencyLevel): Hit {
  const member = findLast(hit.bytes, hit.members, detailsKey);
  if (member === null) return hit;
  const { matchingWords: matching, maxMatchingWords: max } = level;
  const words = `"words":{"order":0,"matchingWords":${String(matching)},"maxMatchingWords":${String(max)},"score":${floatText(matching / max)}}`;
  const others = spanText(hit.bytes, member.valueStart, member.valueEnd)
    .slice(1, -1)
    .replace(/"order":(\d+)/g, (_, order: string) => `"order":${String(Number(order) + 1)}`);
  const score = findLast(hit.bytes, hit.members, scoreKey);
  const rest = score === null ? 1 : Number(spanText(hit.bytes, score.valueStart, score.valueEnd));
  return changeHit(hit, {
    details: others === '' ? `{${words}}` : `{${words},${others}}`,
    score: floatText((matching - 1 + rest) / max),
  });
}
