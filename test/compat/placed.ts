import type { NodeId } from '../../core/ids';
import { shardOfId } from '../../core/hash';
import type { PodForTest } from '../api/support';

/**
 * Gives ids by the node that will hold them, for tests in which it matters which documents a node has.
 * The index must exist and have one copy of each shard.
 */
export class PlacedIds {
  readonly nodes: readonly NodeId[];
  #next = 1;
  readonly #nodeOf: (id: number) => NodeId | undefined;

  constructor(pod: PodForTest, index: string) {
    const entry = pod.ctx.fleet.index(index)?.entry;
    if (entry === undefined) throw new Error(`There is no index ${index}.`);
    const shards = entry.placement[0]?.shards ?? [];
    this.#nodeOf = (id) => shards[shardOfId(String(id), entry.shardCount)]?.[0]?.node;
    this.nodes = [...new Set(shards.flatMap((copies) => copies.map(({ node }) => node)))].sort();
  }

  /** The next unused id of the node in this place of `nodes`. */
  on(place: number): number {
    for (;;) {
      const id = this.#next;
      this.#next += 1;
      if (this.#nodeOf(id) === this.nodes[place]) return id;
    }
  }
}
