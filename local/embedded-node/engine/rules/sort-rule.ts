/** Orders documents by a field: numbers, then strings, then documents without a value. */
import { Bitset } from '../bitset';
import { sortDocuments, type SortSpec } from '../field-order';
import type { QueryGraph } from '../query-graph';
import type { SearchContext } from '../search-context';
import type { Bucket, BucketSource, RankingRule } from './rule';

/** From this share of the index on, reading the kept order beats sorting the documents at hand. */
const KEPT_ORDER_SHARE = 1 / 16;

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
    const valued =
      universe.size >= index.documents.size * KEPT_ORDER_SHARE
        ? index.orderOf(spec).documents
        : sortDocuments(universe, (docid) => index.sortValue(docid, spec), spec.ascending);
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
