import { countRequest } from '../../core/search/distinct-counts';
import { facetsWithNumbers, numbersWanted, takeNumbers } from '../../core/search/numeric-facets';
import type { NumbersWanted } from '../../core/search/numeric-facets';
import { facetNumberText } from '../../core/search/rust-text';
import type { ExactCounts, JsonObject, MergeInput, SearchRequest } from '../../core/search/types';
import type { Gathered } from './types';

type Ask = (counting: SearchRequest) => Promise<Gathered>;

/** Each round leaves about the hundredth part of the values, so that few are ever needed. */
const roundsMax = 6;

/**
 * The facets of a search in which nodes cut their lists of numbers in another order than one Meilisearch
 * has; null where no list was. Costs rounds of searches that show no hits, for such searches alone.
 */
export async function countNumbers(input: MergeInput, ask: Ask): Promise<ExactCounts | null> {
  const wanted = numbersWanted(input);
  if (wanted.length === 0) return null;
  const lists = new Map<string, readonly JsonObject[]>();
  await Promise.all(
    wanted.map(async (one) => {
      const found = await listNumbers(input, one, ask);
      if (found !== null) lists.set(one.field, found);
    }),
  );
  if (lists.size === 0) return null;
  const { total, facets } = facetsWithNumbers(input, lists);
  return { total, facets, approximate: facets.approximate };
}

async function listNumbers(
  input: MergeInput,
  wanted: NumbersWanted,
  ask: Ask,
): Promise<readonly JsonObject[] | null> {
  let next = wanted;
  for (let round = 0; round < roundsMax; round += 1) {
    const { field } = next;
    const list = async (operator: '<' | '='): Promise<Gathered['answers'] | null> => {
      const values = `${JSON.stringify(field)} ${operator} ${facetNumberText(next.bound)}`;
      const counting = countRequest(input.request, { values, slots: null }, [field]);
      return counting === null ? null : (await ask(counting)).answers;
    };
    const [below, equal] = await Promise.all([list('<'), list('=')]);
    const taken =
      below === null || equal === null ? null : takeNumbers(input, next, { below, equal });
    if (taken === null) return null;
    if (taken.next === null) return taken.lists;
    next = taken.next;
  }
  return null;
}
