import { IdFinder } from '../documents/identity';
import type { IdSearch } from '../documents/identity';
import { scanArrayItems, scanObject } from '../json/scan';

const decoder = new TextDecoder();

/** The ids as bytes, because a large integer id would not survive being a number. */
export function readHits(bytes: Uint8Array, primaryKey: string): { ids: string[]; total: number } {
  const finder = new IdFinder(primaryKey);
  const ids: string[] = [];
  let total = 0;
  scanObject(bytes, 0, (key, start, end) => {
    if (key === 'estimatedTotalHits' || key === 'totalHits') {
      total = Number(decoder.decode(bytes.subarray(start, end)));
    }
    if (key !== 'hits') return;
    scanArrayItems(bytes, start, (itemStart) => ids.push(idOf(bytes, itemStart, finder)));
  });
  return { ids, total };
}

function idOf(bytes: Uint8Array, at: number, finder: IdFinder): string {
  let search: IdSearch = { kind: 'none' };
  scanObject(bytes, at, (key, start, end) => {
    const level = finder.levelOf(key);
    if (level >= 0) search = finder.join(search, bytes, { level, start, end });
  });
  const found = search as IdSearch;
  return found.kind === 'id' ? found.id : '';
}
