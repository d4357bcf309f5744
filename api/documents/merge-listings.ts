import type { IndexEntry } from '../../core/fleet';
import { hiddenField } from '../../core/hidden-fields';
import { stripHiddenMembers } from '../../core/json/members';
import { findMember, scanArrayItems, scanObject } from '../../core/json/scan';

/** One node's page of documents, as bytes. */
export interface Listing {
  readonly documents: readonly ListedDocument[];
  readonly total: number;
}

/** A document as a node returned it; nothing of it is parsed but what is asked for. */
export class ListedDocument {
  readonly sequence: string;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly start: number,
    private readonly end: number,
  ) {
    const span = findMember(bytes, start, hiddenField.seq);
    this.sequence = span === null ? '' : text(bytes, span.start + 1, span.end - 1);
  }

  /** The id in the form in which the node takes it back: without quotes. */
  id(primaryKey: string): string {
    const span = findMember(this.bytes, this.start, primaryKey);
    if (span === null) return '';
    return text(this.bytes, span.start, span.end).replace(/^"|"$/g, '');
  }

  /** The bytes that the client may see: a time of expiry only where the index has them. */
  visible({ ttl }: Pick<IndexEntry, 'ttl'>): Uint8Array {
    return stripHiddenMembers(this.bytes, this.start, this.end, { ttl: ttl !== undefined });
  }
}

/** Reads `{results, offset, limit, total}`. Throws JsonSyntaxError on anything that is not JSON. */
export function listingOf(bytes: Uint8Array): Listing {
  const documents: ListedDocument[] = [];
  let total = 0;
  scanObject(bytes, 0, (key, start, end) => {
    if (key === 'total') total = Number(text(bytes, start, end));
    if (key !== 'results') return;
    scanArrayItems(bytes, start, (from, to) => documents.push(new ListedDocument(bytes, from, to)));
  });
  return { documents, total };
}

/**
 * The window of the union, in the order of the sequence codes: fixed width over ascending code
 * points, so that comparing them as texts compares the numbers.
 */
export function mergeListings(
  listings: readonly Listing[],
  window: { readonly offset: number; readonly limit: number },
): ListedDocument[] {
  return listings
    .flatMap((listing) => listing.documents)
    .sort((a, b) => (a.sequence < b.sequence ? -1 : a.sequence > b.sequence ? 1 : 0))
    .slice(window.offset, window.offset + window.limit);
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
}
