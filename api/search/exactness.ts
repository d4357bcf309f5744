import {
  claimsExactness,
  claimsWithTypos,
  trailingWord,
  withoutExactness,
  wordsOf,
} from '../../core/search/exactness';
import { splitAnswer } from '../../core/search/hits';
import { nodeTotal } from '../../core/search/merge';
import type { SearchRequest } from '../../core/search/types';
import type { Gathered, Half } from './types';

/** Nodes are named with the index, since an alias can read several indexes of one node. */
type Counts = ReadonlyMap<string, number>;

/** The engine takes no more words of a query. */
const wordsMax = 10;

/**
 * Answers in which a node that lacks the last, perhaps unfinished word of the query no longer says that
 * its hits match exactly, as long as another node has it. The word is asked for, as a phrase of one
 * word, only where some node's hits are said to match exactly; the words before it only where such hits
 * have typos. `ask` must ask the same nodes.
 */
export async function remedyExactness(
  request: SearchRequest,
  gathered: Gathered,
  how: {
    readonly half: Half | undefined;
    readonly ask: (counting: SearchRequest) => Promise<Gathered>;
  },
): Promise<Gathered> {
  const word = trailingWord(request, how.half);
  if (word === null || gathered.answers.length < 2) return gathered;
  if (!gathered.answers.some(claimsExactness)) return gathered;
  const count = async (one: string): Promise<Counts> =>
    countsOf(await how.ask(wordRequest(request, one)));
  const last = await count(word);
  if (![...last.values()].some((known) => known > 0)) return gathered;
  const lacking = gathered.answers.filter(
    (answer) => last.get(keyOf(answer)) === 0 && claimsExactness(answer),
  );
  if (lacking.length === 0) return gathered;
  const before = wordsOf(request.q ?? '').slice(0, -1);
  const others =
    lacking.some(claimsWithTypos) && before.length < wordsMax
      ? await Promise.all(before.map(count))
      : null;
  const nowhere = (others ?? []).filter((counts) =>
    [...counts.values()].every((known) => known === 0),
  ).length;
  return {
    ...gathered,
    answers: gathered.answers.map((answer) => {
      if (!lacking.includes(answer)) return answer;
      const key = keyOf(answer);
      const onNode =
        others === null
          ? before.length
          : others.filter((counts) => (counts.get(key) ?? 0) > 0).length;
      return withoutExactness(answer, request, { onNode, nowhere });
    }),
  };
}

const keyOf = ({ node, physicalUid }: { node: string; physicalUid: string }): string =>
  `${physicalUid}/${node}`;

function countsOf({ answers }: Gathered): Counts {
  const counts = new Map<string, number>();
  for (const answer of answers) {
    const total = nodeTotal(splitAnswer(answer.bytes).rest);
    counts.set(keyOf(answer), (counts.get(keyOf(answer)) ?? 0) + total);
  }
  return counts;
}

const wordRequest = (request: SearchRequest, word: string): SearchRequest => ({
  ...request,
  q: `"${word}"`,
  filter: null,
  sort: null,
  distinct: null,
  facets: null,
  hybrid: null,
  vector: null,
  rankingScoreThreshold: null,
  paging: { mode: 'offset', offset: 0, limit: 0 },
  body: { q: `"${word}"`, limit: 0 },
});
