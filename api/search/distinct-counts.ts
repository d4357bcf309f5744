import { countRequest, exactCounts, inValues, keptHits } from '../../core/search/distinct-counts';
import { distinctField } from '../../core/search/fields';
import type { ExactCounts, MergeInput, SearchRequest } from '../../core/search/types';
import type { Gathered } from './types';

/**
 * Counts a distinct search in offset mode as one Meilisearch does, whose totals and facets depend on how
 * far it looked; null where they cannot be told, or nothing is distinct. Costs one more round to the
 * nodes, of searches that show no hits.
 */
export async function countDistinct(
  input: MergeInput,
  ask: (counting: SearchRequest) => Promise<Gathered>,
): Promise<ExactCounts | null> {
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
