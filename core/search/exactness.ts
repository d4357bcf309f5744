import { spanText } from './answer-bytes';
import { answerOf, changeHit } from './changed-hits';
import { compareDetails } from './details';
import type { RuleDetails } from './details';
import { HitReader, detailsKey, findLast, splitAnswer } from './hits';
import type { Hit } from './hits';
import { searchKind } from './kind';
import { floatText } from './rust-text';
import type { NodeAnswer, SearchRequest } from './types';

/**
 * A word that is still being typed counts for `exactness` only where it is a word of the index as it
 * stands. A node whose documents do not have it leaves it out, so that `red sho` seems to begin a document
 * "red shoes"; one Meilisearch, where some other document has the word "sho", does not say so.
 */

/**
 * The last word of a query of several, when it may be unfinished; else null. `half` tells which half of a
 * hybrid search is meant: its keyword half is an ordinary search.
 */
export function trailingWord(
  request: SearchRequest,
  half: 'keyword' | 'semantic' | undefined = undefined,
): string | null {
  if (half === 'semantic') return null;
  if (half === undefined && searchKind(request) !== 'keyword') return null;
  const q = request.q ?? '';
  const match = /[^\p{L}\p{N}"]([\p{L}\p{N}]+)$/u.exec(q);
  const before = match === null ? '' : q.slice(0, match.index);
  const word = match?.[1];
  // In quotes a word is a part of a phrase, and after a minus it is not wanted.
  const quotes = before.split('"').length - 1;
  if (word === undefined || quotes % 2 === 1 || /(?:^|\s)-$/.test(q.slice(0, -word.length))) {
    return null;
  }
  return /[\p{L}\p{N}]/u.test(before) ? word : null;
}

/**
 * Whether an answer has hits for all words that its node thinks are matched as a whole, or at their
 * start. Where words are left out, the last one is the first to go.
 */
export const claimsExactness = (answer: NodeAnswer): boolean =>
  readAll(answer).some(({ details }) => isExact(details) && matchesAll(details));

const ruleOf = (details: Hit['details'], name: string): RuleDetails | undefined =>
  details.find(([rule]) => rule === name)?.[1];

export function isExact(details: Hit['details']): boolean {
  const kind = ruleOf(details, 'exactness')?.['matchType'];
  return kind === 'exactMatch' || kind === 'matchesStart';
}

/** A search for all words has no rule `words`. */
function matchesAll(details: Hit['details']): boolean {
  const words = ruleOf(details, 'words');
  return words === undefined || words['matchingWords'] === words['maxMatchingWords'];
}

function readAll(answer: NodeAnswer): Hit[] {
  const reader = new HitReader(splitAnswer(answer.bytes), 0);
  const hits: Hit[] = [];
  for (let hit = reader.next(); hit !== null; hit = reader.next()) hits.push(hit);
  return hits;
}

/** Whether some hit that claims exactness has typos, so that it must be told in which words. */
export const claimsWithTypos = (answer: NodeAnswer): boolean =>
  readAll(answer).some(
    ({ details }) => isExact(details) && matchesAll(details) && typosOf(details) > 0,
  );

export const typosOf = (details: Hit['details']): number =>
  Number(ruleOf(details, 'typo')?.['typoCount'] ?? 0);

/** What is known of the query's words where the last one is missing on a node. */
export interface MissingWords {
  /** Words of the query that are on the node as they stand. */
  readonly onNode: number;
  /** Words but the last one that are on no node as they stand, so that each of them is a typo. */
  readonly nowhere: number;
}

/**
 * The answer of a node that does not have the trailing word, as if it had it: no hit matches it
 * exactly, the words that the node has do. A hit with more typos than the words that are nowhere is left
 * as it is: the last word is one of its typos, and the engine then does not miss it either. The order is
 * that of the new details.
 */
export function withoutExactness<Answer extends NodeAnswer>(
  answer: Answer,
  request: SearchRequest,
  words: MissingWords,
): Answer {
  const { rest } = splitAnswer(answer.bytes);
  const max = wordsOf(request.q ?? '').length;
  const hits = readAll(answer).map((hit) =>
    isExact(hit.details) && matchesAll(hit.details) && typosOf(hit.details) === words.nowhere
      ? withExactWords(hit, { matching: words.onNode, max })
      : hit,
  );
  hits.sort((a, b) => compareDetails(a.details, b.details));
  return { ...answer, bytes: answerOf(hits, rest) };
}

export const wordsOf = (q: string): readonly string[] => q.match(/[\p{L}\p{N}]+/gu) ?? [];

/** The hit as one that does not match exactly as a whole, with so many of its words matched exactly. */
export function withExactWords(hit: Hit, words: { matching: number; max: number }): Hit {
  const member = findLast(hit.bytes, hit.members, detailsKey);
  if (member === null) return hit;
  const { matching, max } = words;
  const text = spanText(hit.bytes, member.valueStart, member.valueEnd);
  const details = text.replace(
    /"exactness":\{"order":(\d+),[^{}]*\}/,
    (_, order: string) =>
      `"exactness":{"order":${order},"matchType":"noExactMatch","matchingWords":${String(matching)}` +
      `,"maxMatchingWords":${String(max)},"score":${floatText((matching + 1) / (3 * (max + 1)))}}`,
  );
  return changeHit(hit, { details, score: null });
}
