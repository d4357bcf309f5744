import { claimsExactness, trailingWord, withoutExactness } from '../../core/search/exactness';
import { splitAnswer } from '../../core/search/hits';
import { nodeTotal } from '../../core/search/merge';
import type { SearchRequest } from '../../core/search/types';
import type { Gathered } from './types';

/**
 * Answers in which a node that lacks the last, perhaps unfinished word of the query no longer says that
 * its hits match exactly, as long as another node has it. The word is asked for, as a phrase of one
 * word, only where some node's hits are said to match exactly. `ask` must ask the same nodes.
 */
export async function remedyExactness(
  request: SearchRequest,
  gathered: Gathered,
  ask: (counting: SearchRequest) => Promise<Gathered>,
): Promise<Gathered> {
  const word = trailingWord(request);
  if (word === null || gathered.answers.length < 2) return gathered;
  if (!gathered.answers.some(claimsExactness)) return gathered;
  const counts = new Map<string, number>();
  const { answers } = await ask(wordRequest(request, word));
  for (const { node, physicalUid, bytes } of answers) {
    const key = `${physicalUid}/${node}`;
    counts.set(key, (counts.get(key) ?? 0) + nodeTotal(splitAnswer(bytes).rest));
  }
  if (![...counts.values()].some((count) => count > 0)) return gathered;
  return {
    ...gathered,
    answers: gathered.answers.map((answer) =>
      counts.get(`${answer.physicalUid}/${answer.node}`) === 0 && claimsExactness(answer)
        ? withoutExactness(answer, request)
        : answer,
    ),
  };
}

const wordRequest = (request: SearchRequest, word: string): SearchRequest => ({
  ...request,
  q: `"${word}"`,
  filter: null,
  sort: null,
  distinct: null,
  facets: null,
  rankingScoreThreshold: null,
  paging: { mode: 'offset', offset: 0, limit: 0 },
  body: { q: `"${word}"`, limit: 0 },
});
