import type { Settings } from '../fleet';
import { distinctField, memberOf, strings } from './fields';
import { searchKind } from './kind';
import { keepsWords } from './semantic-half';
import type { ApproximateReason, SearchRequest } from './types';

/**
 * What of a search can differ from one big Meilisearch's answer before anything is asked. Some of it shows
 * in answers, and those that have it say so in `X-Miroir-Approximate`; the rest is in no answer, because a
 * node does not tell which words it thought of.
 */

/** Causes that no answer shows. */
export type UnseenReason =
  'split-words' | 'typo-caps' | 'prefix-caps' | 'word-distance' | 'last-word' | 'score';

export interface MayDiffer {
  readonly reason: UnseenReason | ApproximateReason;
  readonly why: string;
}

const reasons: { readonly [R in UnseenReason | ApproximateReason]?: string } = {
  'split-words':
    'A word is also found split in two, where the words of a node are most often neighbours; another node may split it elsewhere.',
  'typo-caps':
    'Of words with one typo the engine takes the first 150, with two the first 50; a node knows fewer words and gives up later.',
  'prefix-caps':
    'Of words that begin with the last one the engine takes the first 1,000; a node knows fewer words and gives up later.',
  'word-distance':
    'The distance from a beginning of up to 4 bytes is counted otherwise where a node has 100 words with it.',
  'last-word':
    'Whether the last word is whole is asked of every node; with typos in other words it cannot always be told.',
  score:
    'The two halves are compared by score, which divides by what the words of a node made possible.',
  'score-threshold':
    'The threshold is held against scores, which divide by what the words of a node made possible.',
  'frequency-strategy':
    'Words are counted over the fleet where that can be asked; else each node leaves out its own frequent ones.',
  'distinct-array':
    'Of values in lists one engine leaves out greedily over all documents, a node over its own.',
  'distinct-total':
    'Of more than 10,000 matches, or with a threshold or a semantic half, each node counts its own values.',
  'facet-distinct':
    'Of more than 10,000 matches each node counts its own representative of a distinct value.',
  'facet-capped': 'A node lists at most 10,000 values of a facet.',
  'facet-ties': 'The order of values with equal counts depends on the tree of the engine.',
  'facet-spelling': 'Of a value in several spellings the one of the first node is shown.',
  'geo-near': 'The engine groups points within a metre of the first of them.',
  'semantic-negation':
    'The semantic half is asked alone, and a node that is asked so reads no words that are not wanted.',
  'semantic-highlight': 'In hits of the semantic half words are marked as in the keyword half.',
};

interface Words {
  /** Outside of quotes, in order; words that are not wanted are left out. */
  readonly free: readonly string[];
  /** The last of them, when it may be the beginning of a word. */
  readonly beginning: string | null;
  readonly negated: boolean;
}

/** Each possible cause once, in a fixed order. Nothing differs where one node has all documents: ask not then. */
export function mayDiffer(request: SearchRequest, settings: Settings): readonly MayDiffer[] {
  const found = [...ofWords(request, settings), ...ofAnswer(request, settings)];
  return found.map((reason) => ({ reason, why: reasons[reason] ?? reason }));
}

function ofWords(request: SearchRequest, settings: Settings): UnseenReason[] {
  const kind = searchKind(request);
  if (kind === 'semantic') return [];
  const { free, beginning } = wordsOf(request.q ?? '', settings);
  const rules = strings(settings['rankingRules']);
  const several = free.length > 1 && beginning !== null;
  const typos = free.some((word) => mayHaveTypo(word, settings));
  const here: readonly (readonly [UnseenReason, boolean])[] = [
    ['split-words', free.some((word) => [...word].length > 1)],
    ['typo-caps', typos],
    ['prefix-caps', beginning !== null],
    ['word-distance', several && rules.includes('proximity') && bytesOf(beginning) <= 4],
    ['last-word', several && typos && rules.includes('exactness')],
    ['score', kind === 'hybrid'],
  ];
  return here.filter(([, holds]) => holds).map(([reason]) => reason);
}

/** Those that an answer names when it has them. */
function ofAnswer(request: SearchRequest, settings: Settings): ApproximateReason[] {
  const distinct = distinctField(request, settings) !== null;
  const facets = (request.facets ?? []).length > 0;
  const alone = searchKind(request) === 'hybrid' && !keepsWords(request, settings);
  const { free, negated } = wordsOf(request.q ?? '', settings);
  const marks = request.attributesToHighlight !== null || request.attributesToCrop !== null;
  const here: readonly (readonly [ApproximateReason, boolean])[] = [
    ['score-threshold', request.rankingScoreThreshold !== null],
    ['frequency-strategy', request.matchingStrategy === 'frequency' && free.length > 1],
    ['distinct-array', distinct],
    ['distinct-total', distinct],
    ['facet-distinct', distinct && facets],
    ['facet-capped', facets],
    ['facet-ties', facets],
    ['facet-spelling', facets],
    ['geo-near', (request.sort ?? []).some((one) => one.startsWith('_geoPoint('))],
    ['semantic-negation', alone && negated],
    ['semantic-highlight', alone && (marks || request.showMatchesPosition)],
  ];
  return here.filter(([, holds]) => holds).map(([reason]) => reason);
}

function wordsOf(q: string, settings: Settings): Words {
  const pieces = q.split('"').map((text, at) => ({ text, quoted: at % 2 === 1 }));
  let negated = false;
  let last: string | null = null;
  const free: string[] = [];
  for (const [at, { text, quoted }] of pieces.entries()) {
    if (quoted) negated ||= /(?:^|\s)-$/.test(pieces[at - 1]?.text ?? '');
    else {
      for (const [word, sign] of words(text)) {
        if (sign) negated = true;
        else free.push(word);
        last = sign ? null : word;
      }
    }
  }
  const open = settings['prefixSearch'] !== 'disabled' && /[\p{L}\p{N}]$/u.test(q);
  return { free, negated, beginning: open ? last : null };
}

/** Each word, and whether a minus stands before it. */
const words = (text: string): (readonly [string, boolean])[] =>
  [...text.matchAll(/((?:^|\s)-)?([\p{L}\p{N}]+)/gu)].map(
    ([, minus, word = '']) => [word, minus !== undefined] as const,
  );

function mayHaveTypo(word: string, settings: Settings): boolean {
  const tolerance = settings['typoTolerance'];
  if (memberOf(tolerance, 'enabled') === false) return false;
  if (memberOf(tolerance, 'disableOnNumbers') === true && /^\p{N}+$/u.test(word)) return false;
  if (strings(memberOf(tolerance, 'disableOnWords')).includes(word.toLowerCase())) return false;
  const least = memberOf(memberOf(tolerance, 'minWordSizeForTypos'), 'oneTypo');
  return [...word].length >= (typeof least === 'number' ? least : 5);
}

const encoder = new TextEncoder();
const bytesOf = (word: string): number => encoder.encode(word).length;
