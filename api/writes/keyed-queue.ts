/**
 * One queue for each key, first come first served. A job with several keys waits for its turn in all
 * of their queues; as it enters all of them at once, two jobs can never wait for each other.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<void>>();
  readonly #lengths = new Map<string, number>();

  /** Jobs of this key that wait or run. */
  length(key: string): number {
    return this.#lengths.get(key) ?? 0;
  }

  async run<T>(keys: readonly string[], job: () => Promise<T>): Promise<T> {
    const distinct = [...new Set(keys)];
    const earlier = distinct.map((key) => this.#tails.get(key));
    let open = (): void => undefined;
    const done = new Promise<void>((resolve) => (open = resolve));
    for (const key of distinct) {
      this.#tails.set(key, done);
      this.#lengths.set(key, this.length(key) + 1);
    }
    try {
      await Promise.all(earlier);
      return await job();
    } finally {
      for (const key of distinct) this.#leave(key, done);
      open();
    }
  }

  #leave(key: string, done: Promise<void>): void {
    const length = this.length(key) - 1;
    if (length > 0) this.#lengths.set(key, length);
    else this.#lengths.delete(key);
    if (this.#tails.get(key) === done) this.#tails.delete(key);
  }
}
