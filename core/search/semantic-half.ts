import type { Settings } from '../fleet';
import { strings } from './fields';
import type { Hit } from './hits';
import type { SearchRequest } from './types';

/**
 * The greatest ratio below 1 that the engine knows: its numbers have 24 bits. A keyword hit weighs 2^-24
 * of its score then, so it comes behind every semantic one, and is never good enough alone.
 */
export const almostSemantic = 1 - 2 ** -24;

/**
 * Whether nodes are asked for the semantic half with the words of the query, as a hybrid search that is
 * almost semantic. One that is semantic alone reads no words: it excludes none, marks none, and holds no
 * keyword hits against a threshold. It costs a node the keyword search once more, so it is only done where
 * words matter; and only with a vector, because a node that embeds the query and fails answers its
 * keyword hits in silence. Where documents are first sorted by value, the halves would be mixed.
 */
export function keepsWords(request: SearchRequest, settings: Settings): boolean {
  if (request.vector === null) return false;
  const [first = ''] = strings(settings['rankingRules']);
  if (/:(?:asc|desc)$/.test(first) || (first === 'sort' && request.sort !== null)) return false;
  return excludesWords(request) || marksWords(request) || request.rankingScoreThreshold !== null;
}

/** Words that a query excludes are excluded from the semantic hits of a hybrid search too. */
export const excludesWords = ({ q }: SearchRequest): boolean =>
  /(?:^|\s)-["\p{L}\p{N}]/u.test(q ?? '');

/** The engine marks the words of the query in semantic hits of a hybrid search too. */
export const marksWords = (request: SearchRequest): boolean =>
  request.showMatchesPosition ||
  (request.attributesToHighlight?.length ?? 0) > 0 ||
  (request.attributesToCrop?.length ?? 0) > 0;

/** A hybrid search of a node that is almost semantic has keyword hits behind the semantic ones. */
export const isSemanticHit = ({ details }: Hit): boolean =>
  details.some(([rule]) => rule === 'vectorSort');
