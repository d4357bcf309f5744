import { compareDetails } from './details';
import { HitReader } from './hits';
import type { AnswerParts, Hit } from './hits';

/**
 * The order of two hits of one query: rule by rule, the hidden place in the order of insertion being
 * the last rule. Hits that carry no such place (a recording, a foreign node) fall back to the order of
 * the nodes and their place in the answer.
 */
export function compareHits(a: Hit, b: Hit): number {
  return compareDetails(a.details, b.details) || a.source - b.source || a.position - b.position;
}

/**
 * Merges sorted answers, best hit first, reading each answer only as far as it is asked. The order
 * within one answer is trusted: it was made by the engine. Hits that are not wanted are passed over.
 */
export class HitMerger {
  /** A binary heap of the best unread hit of each answer. */
  private readonly heap: { hit: Hit; reader: HitReader }[] = [];

  constructor(
    answers: readonly AnswerParts[],
    private readonly isWanted: (hit: Hit) => boolean = () => true,
  ) {
    answers.forEach((parts, source) => {
      const reader = new HitReader(parts, source);
      const hit = this.read(reader);
      if (hit !== null) this.heap.push({ hit, reader });
    });
    for (let i = (this.heap.length >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  next(): Hit | null {
    const top = this.heap[0];
    if (top === undefined) return null;
    const { hit } = top;
    const following = this.read(top.reader);
    if (following !== null) top.hit = following;
    else {
      const last = this.heap.pop();
      if (last !== undefined && this.heap.length > 0) this.heap[0] = last;
    }
    this.sink(0);
    return hit;
  }

  private read(reader: HitReader): Hit | null {
    let hit = reader.next();
    while (hit !== null && !this.isWanted(hit)) hit = reader.next();
    return hit;
  }

  private sink(from: number): void {
    const { heap } = this;
    for (let i = from; ;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        const a = heap[child];
        const b = heap[least];
        if (a !== undefined && b !== undefined && compareHits(a.hit, b.hit) < 0) least = child;
      }
      if (least === i) return;
      const swap = heap[i] as { hit: Hit; reader: HitReader };
      heap[i] = heap[least] as { hit: Hit; reader: HitReader };
      heap[least] = swap;
      i = least;
    }
  }
}

/** What was seen while merging that can make the order differ from one Meilisearch's. */
export interface OrderDoubts {
  skipped: boolean;
  geoNear: boolean;
}

/** Distances closer than this may be told apart differently by one node with all documents. */
const geoNearMetres = 2;

export function noteDoubts(previous: Hit | null, hit: Hit, doubts: OrderDoubts): void {
  for (let i = 0; i < hit.details.length; i++) {
    const [rule, details] = hit.details[i] as Hit['details'][number];
    if (rule === 'skipped') doubts.skipped = true;
    if (!rule.startsWith('_geoPoint(') || previous === null) continue;
    if (previous.source === hit.source) continue;
    const before = previous.details[i]?.[1]['distance'];
    const distance = details['distance'];
    if (typeof before !== 'number' || typeof distance !== 'number') continue;
    if (Math.abs(before - distance) <= geoNearMetres) doubts.geoNear = true;
  }
}
