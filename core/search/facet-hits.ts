import { compareUtf8, normalizeFacet } from './rust-text';

export interface FacetHit {
  readonly value: string;
  readonly count: number;
}

/**
 * Joins what several nodes found for one facet query. Values are the same when their normalised form
 * is; the first spelling is shown. Ordered by normalised value, or by count downwards and then by
 * value downwards, as the engine orders them, and cut to `max`.
 */
export function mergeFacetHits(
  lists: readonly (readonly FacetHit[])[],
  how: { readonly order: 'alpha' | 'count'; readonly max: number },
): FacetHit[] {
  const byValue = new Map<string, FacetHit>();
  for (const hit of lists.flat()) {
    const key = normalizeFacet(hit.value);
    const known = byValue.get(key);
    byValue.set(key, { value: known?.value ?? hit.value, count: (known?.count ?? 0) + hit.count });
  }
  const sorted = [...byValue].sort(([a, hitA], [b, hitB]) =>
    how.order === 'alpha' ? compareUtf8(a, b) : hitB.count - hitA.count || compareUtf8(b, a),
  );
  return sorted.slice(0, how.max).map(([, hit]) => hit);
}
