/**
 * The documents in the order of one field, kept up to date change by change, so that a search sorted
 * by a field does not sort the whole index.
 */
import { compareSortValues, type SortValue } from './score-details';

export interface SortSpec {
  readonly field: string;
  readonly ascending: boolean;
}

export interface OrderedDocument {
  readonly docid: number;
  readonly value: number | string;
}

export class FieldOrder {
  private readonly order: OrderedDocument[];

  constructor(
    private readonly valueOf: (docid: number) => SortValue,
    private readonly ascending: boolean,
    docids: Iterable<number>,
  ) {
    this.order = sortDocuments(docids, valueOf, ascending);
  }

  /** Best first, equal values by docid. Documents without a value are not in it. */
  get documents(): readonly OrderedDocument[] {
    return this.order;
  }

  add(docid: number): void {
    const value = this.valueOf(docid);
    if (value !== null) this.order.splice(this.find({ docid, value }), 0, { docid, value });
  }

  /** Must be called while `valueOf` still gives the value the document was added with. */
  remove(docid: number): void {
    const value = this.valueOf(docid);
    if (value !== null) this.order.splice(this.find({ docid, value }), 1);
  }

  private find(document: OrderedDocument): number {
    let low = 0;
    let high = this.order.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.order[middle];
      if (other && compareDocuments(other, document, this.ascending) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compareDocuments(a: OrderedDocument, b: OrderedDocument, ascending: boolean): number {
  return compareSortValues(a.value, b.value, ascending) || a.docid - b.docid;
}

/** The documents that have a value, best first. */
export function sortDocuments(
  docids: Iterable<number>,
  valueOf: (docid: number) => SortValue,
  ascending: boolean,
): OrderedDocument[] {
  const valued: OrderedDocument[] = [];
  for (const docid of docids) {
    const value = valueOf(docid);
    if (value !== null) valued.push({ docid, value });
  }
  return valued.sort((a, b) => compareDocuments(a, b, ascending));
}
