import type { JsonValue, Settings } from '../fleet';
import { physicalMaxValuesPerFacet as countOrderMax } from '../limits';

/**
 * `faceting.maxValuesPerFacet` of the nodes. Where every order is alphabetic a node's first N values
 * contain the global first N, so the client's own N does and keeps facets cheap; by count they do
 * not, and the bound of core/limits.ts is used.
 */
export function physicalMaxValuesPerFacet(settings: Settings): number {
  const faceting = settings['faceting'];
  const max = member(faceting, 'maxValuesPerFacet');
  const wanted = typeof max === 'number' ? max : 100;
  const orders = member(faceting, 'sortFacetValuesBy');
  const byCount =
    typeof orders === 'object' && orders !== null && Object.values(orders).includes('count');
  return byCount ? Math.max(wanted, countOrderMax) : wanted;
}

const member = (value: JsonValue | undefined, name: string): JsonValue | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value[name] : undefined;
