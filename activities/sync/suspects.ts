import type { SidesPair } from './compare-range';
import { differenceOf } from './compare-range';
import type { ReadDocument } from './read-documents';

type Side = ReadonlyMap<string, Pick<ReadDocument, 'digest'>>;

interface Suspect {
  /** Every digest that was seen on a side since the first look. */
  readonly source: Set<string>;
  readonly target: Set<string>;
  how: string;
  times: number;
}

const absent = '';

/**
 * Documents that were not yet seen equal on both sides of a sync. Both sides get all writes in one
 * order, but two reads are never at the same instant: a document is right as soon as one side shows
 * what the other has shown, and wrong when it keeps differing in the same way.
 */
export class Suspects {
  readonly #open = new Map<string, Suspect>();

  get size(): number {
    return this.#open.size;
  }

  get ids(): readonly string[] {
    return [...this.#open.keys()];
  }

  /** Takes in what differs in a range that was read for the first time. */
  add(pair: SidesPair): void {
    const { differing, extra } = differenceOf(pair);
    for (const id of [...differing.map((document) => document.id), ...extra]) {
      this.#open.set(id, { source: new Set(), target: new Set(), how: absent, times: 0 });
      this.#look(id, pair.source.documents, pair.target.documents);
    }
  }

  /** Another look at some of the open ids; what was not found is not there. */
  lookAgain(ids: readonly string[], source: Side, target: Side): void {
    for (const id of ids) this.#look(id, source, target);
  }

  /** How many have differed in the same way in at least so many looks, one after the other. */
  stuck(times: number): number {
    return [...this.#open.values()].filter((suspect) => suspect.times >= times).length;
  }

  #look(id: string, source: Side, target: Side): void {
    const suspect = this.#open.get(id);
    if (suspect === undefined) return;
    const ours = source.get(id)?.digest ?? absent;
    const theirs = target.get(id)?.digest ?? absent;
    suspect.source.add(ours);
    suspect.target.add(theirs);
    if (suspect.target.has(ours) || suspect.source.has(theirs)) {
      this.#open.delete(id);
      return;
    }
    const how = `${ours}|${theirs}`;
    suspect.times = how === suspect.how ? suspect.times + 1 : 1;
    suspect.how = how;
  }
}
