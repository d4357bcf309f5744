/** Orders documents by a field: numbers, then strings, then documents without a value. */
import { Bitset } from '../bitset';
import type { InvertedIndex } from '../inverted-index';
import type { QueryGraph } from '../query-graph';
import { compareSortValues, type SortValue } from '../score-details';
import type { SearchContext } from '../search-context';
import type { Bucket, BucketSource, RankingRule } from './rule';

export interface SortSpec {
  readonly field: string;
  readonly ascending: boolean;
}

/** The value a document is ordered by: of several the best, numbers before strings. */
function sortValue(index: InvertedIndex, docid: number, { field, ascending }: SortSpec): SortValue {
  const { numbers, strings } = index.facetValues(docid, field);
  const values: readonly (number | string)[] = numbers.length > 0 ? numbers : strings;
  let best: SortValue = null;
  for (const value of values) {
    if (best === null || compareSortValues(value, best, ascending) < 0) best = value;
  }
  return best;
}

export class SortRule implements RankingRule {
  private readonly isHidden: boolean;

  constructor(
    private readonly context: SearchContext,
    private readonly spec: SortSpec,
  ) {
    const { displayedAttributes } = context.index.settings;
    this.isHidden = !displayedAttributes.some((name) => name === '*' || name === spec.field);
  }

  start(universe: Bitset, graph: QueryGraph | null): BucketSource {
    const { index } = this.context;
    const { spec } = this;
    const valued: { docid: number; value: number | string }[] = [];
    for (const docid of universe) {
      const value = sortValue(index, docid, spec);
      if (value !== null) valued.push({ docid, value });
    }
    valued.sort((a, b) => compareSortValues(a.value, b.value, spec.ascending) || a.docid - b.docid);
    const detail = { rule: 'sort', ...spec, isHidden: this.isHidden } as const;
    let at = 0;
    return {
      next: (left: Bitset): Bucket => {
        for (;;) {
          const first = valued[at];
          if (!first) return { docids: left.clone(), detail: { ...detail, value: null }, graph };
          const docids = Bitset.empty(this.context.capacity);
          while (valued[at]?.value === first.value) {
            const docid = valued[at]?.docid ?? -1;
            if (left.has(docid)) docids.add(docid);
            at += 1;
          }
          if (docids.isEmpty()) continue;
          return { docids, detail: { ...detail, value: first.value }, graph };
        }
      },
    };
  }
}
