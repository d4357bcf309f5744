import { countRequest, exactCounts, inValues, keptHits } from '../../core/search/distinct-counts';
import { listRequest, listedCounts, listedMax, needsList } from '../../core/search/distinct-list';
import { distinctField } from '../../core/search/fields';
import { splitAnswer } from '../../core/search/hits';
import { nodeTotal } from '../../core/search/merge';
import type { ExactCounts, MergeInput, SearchRequest } from '../../core/search/types';
import type { Gathered } from './types';

type Ask = (counting: SearchRequest) => Promise<Gathered>;

/**
 * Counts a distinct search as one Meilisearch does, whose totals and facets depend on how far it looked;
 * null where they cannot be told, the answers' own are exact, or nothing is distinct. Costs one more round
 * to the nodes, of searches that show no hits; where these do not tell, the matches are listed if they
 * are few.
 */
export async function countDistinct(input: MergeInput, ask: Ask): Promise<ExactCounts | null> {
  const counts = await countKept(input, ask);
  const wanted = (input.request.facets ?? []).length > 0;
  if (counts !== null && !(wanted && counts.facets === null)) return counts;
  return (needsList(input) ? await countListed(input, ask) : null) ?? counts;
}

async function countKept(input: MergeInput, ask: Ask): Promise<ExactCounts | null> {
  const { request, settings } = input;
  const field = distinctField(request, settings);
  const kept = field === null ? null : keptHits(input);
  if (field === null || kept === null) return null;
  const facets = (request.facets ?? []).length > 0 ? request.facets : null;
  const count = async (
    filters: { values: string | null; slots: string | null },
    wanted: readonly string[] | null,
  ): Promise<Gathered['answers'] | null> => {
    const counting = countRequest(request, filters, wanted);
    return counting === null ? null : (await ask(counting)).answers;
  };
  const values = inValues(field, kept.values);
  const { slots } = kept;
  const [all, sharing, shown] = await Promise.all([
    count({ values: null, slots: null }, facets),
    values === null ? null : count({ values, slots: null }, facets),
    slots === null || facets === null ? null : count({ values, slots }, facets),
  ]);
  return all === null ? null : exactCounts(input, kept, { all, sharing, shown });
}

async function countListed(input: MergeInput, ask: Ask): Promise<ExactCounts | null> {
  const counting = countRequest(input.request, { values: null, slots: null }, null);
  if (counting === null) return null;
  const { answers } = await ask(counting);
  // Places in the order of insertion are compared within one index only.
  if (new Set(answers.map(({ physicalUid }) => physicalUid)).size > 1) return null;
  const count = answers.reduce((sum, { bytes }) => sum + nodeTotal(splitAnswer(bytes).rest), 0);
  if (count > listedMax) return null;
  const list = await ask(listRequest(input, count));
  return listedCounts(input, list.answers, count);
}
