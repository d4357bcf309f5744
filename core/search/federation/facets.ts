import { MeiliError } from '../../errors';
import type { Settings } from '../../fleet';
import { facetOrder } from '../facets';
import { compareUtf8, floatText } from '../rust-text';
import type { Counted } from './count';

/** The facets of one index, in the order in which the engine works through indexes. */
export interface IndexFacets {
  readonly indexUid: string;
  readonly settings: Settings;
  readonly facets: NonNullable<Counted['facets']>;
}

type Distribution = Record<string, Record<string, number>>;
type Stats = Record<string, { min: number; max: number }>;

/** `facetsByIndex` of the answer as JSON text; null when no index has facets. */
export function facetsByIndexText(indexes: readonly IndexFacets[]): string | null {
  if (indexes.length === 0) return null;
  const members = indexes.map(
    ({ indexUid, facets }) =>
      `${JSON.stringify(indexUid)}:{"distribution":${facets.distribution},"stats":${facets.stats}}`,
  );
  return `{${members.join(',')}}`;
}

/**
 * The error of the first index that orders the values of a facet otherwise than an index before it, as
 * they could then not be merged; null when all agree.
 */
export function inconsistentOrder(
  indexes: readonly IndexFacets[],
): { readonly indexUid: string; readonly error: MeiliError } | null {
  const seen = new Map<string, { indexUid: string; order: 'alpha' | 'count' }>();
  for (const { indexUid, settings, facets } of indexes) {
    for (const facet of Object.keys(JSON.parse(facets.distribution) as Distribution)) {
      const order = facetOrder(settings, facet);
      const previous = seen.get(facet);
      if (previous === undefined) seen.set(facet, { indexUid, order });
      else if (previous.order !== order) {
        return {
          indexUid,
          error: new MeiliError(
            'invalid_multi_search_facet_order',
            `Inconsistent order for values in facet \`${facet}\`: index \`${previous.indexUid}\` orders ${orderNames[previous.order]}, but index \`${indexUid}\` orders ${orderNames[order]}.\n - Hint: Remove \`federation.mergeFacets\` or change \`faceting.sortFacetValuesBy\` to be consistent in settings.`,
          ),
        };
      }
    }
  }
  return null;
}

const orderNames = { alpha: 'alphabetically', count: 'by count' } as const;

/**
 * `mergeFacets`: the values of all indexes summed as they are spelled, ordered as text or by count and
 * cut. Null when no index has facets.
 */
export function mergedFacetsText(
  indexes: readonly IndexFacets[],
  maxValuesPerFacet: number | null,
): { readonly distribution: string; readonly stats: string } | null {
  if (indexes.length === 0) return null;
  const facets = new Map<string, { counts: Map<string, number>; order: 'alpha' | 'count' }>();
  const ranges = new Map<string, { min: number; max: number }>();
  for (const index of indexes) {
    const distribution = JSON.parse(index.facets.distribution) as Distribution;
    for (const [facet, counts] of Object.entries(distribution)) {
      const entry = facets.get(facet) ?? {
        counts: new Map<string, number>(),
        order: facetOrder(index.settings, facet),
      };
      facets.set(facet, entry);
      for (const [value, count] of Object.entries(counts)) {
        entry.counts.set(value, (entry.counts.get(value) ?? 0) + count);
      }
    }
    for (const [facet, { min, max }] of Object.entries(JSON.parse(index.facets.stats) as Stats)) {
      const range = ranges.get(facet) ?? { min, max };
      ranges.set(facet, { min: Math.min(range.min, min), max: Math.max(range.max, max) });
    }
  }
  const distribution = sorted(facets).map(([facet, { counts, order }]) => {
    const values = [...counts].sort(
      ([a, m], [b, n]) => (order === 'count' ? n - m : 0) || compareUtf8(a, b),
    );
    const shown = values.slice(0, maxValuesPerFacet ?? values.length);
    return member(facet, `{${shown.map(([v, n]) => member(v, String(n))).join(',')}}`);
  });
  const stats = sorted(ranges).map(([facet, { min, max }]) =>
    member(facet, `{"min":${floatText(min)},"max":${floatText(max)}}`),
  );
  return { distribution: `{${distribution.join(',')}}`, stats: `{${stats.join(',')}}` };
}

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
  [...map].sort(([a], [b]) => compareUtf8(a, b));

const member = (name: string, text: string): string => `${JSON.stringify(name)}:${text}`;
