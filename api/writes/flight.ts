import type { NodeId } from '../../core/ids';
import { KeyedQueue } from './keyed-queue';

/**
 * The writes of one index that have begun and are not committed yet. They were begun one after another,
 * and so each node gets them: one at a time, in that order. Nodes do not wait for each other, or every
 * write would cost the slowest of its nodes while the others do nothing. They commit in their order, too.
 * A node that misses one gets none of those behind it: what it has is always the beginning of the order.
 */
export class Flight {
  readonly #nodes = new KeyedQueue();
  readonly #commits = new KeyedQueue();
  readonly #writes = new Set<Promise<void>>();
  readonly #behind = new Set<NodeId>();

  get size(): number {
    return this.#writes.size;
  }

  /** Carries a write out; must be called in the order in which writes began. */
  async launch<T>(carryOut: () => Promise<T>): Promise<T> {
    const outcome = carryOut();
    const ended = outcome.then(nothing, nothing);
    this.#writes.add(ended);
    try {
      return await outcome;
    } finally {
      this.#writes.delete(ended);
      if (this.#writes.size === 0) this.#behind.clear();
    }
  }

  /** The node did not take a write. It gets no other one until all that are under way have ended. */
  miss(node: NodeId): void {
    this.#behind.add(node);
  }

  isBehind(node: NodeId): boolean {
    return this.#behind.has(node);
  }

  /** Some node is behind: what has not begun yet is better planned when it is known which copies are stale. */
  get disturbed(): boolean {
    return this.#behind.size > 0;
  }

  /** Runs the job when the node has got all that entered before it. Entered at the call, not later. */
  async onNode<T>(node: NodeId, job: () => Promise<T>): Promise<T> {
    return await this.#nodes.run([node], job);
  }

  /** Runs the job when all jobs have ended that entered before it. */
  async inOrder<T>(job: () => Promise<T>): Promise<T> {
    return await this.#commits.run(['all'], job);
  }

  /** Resolves when fewer than so many are under way. */
  async room(max: number): Promise<void> {
    while (this.#writes.size >= max) await Promise.race(this.#writes);
  }

  /** Resolves when none is. */
  async drained(): Promise<void> {
    while (this.#writes.size > 0) await Promise.all(this.#writes);
  }
}

const nothing = (): void => undefined;
