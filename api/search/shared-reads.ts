/** Equal reads under way that later ones may join; more are not remembered. */
const sharedMax = 1_000;

interface Shared<T> {
  readonly begun: number;
  readonly result: Promise<T>;
}

/**
 * Equal searches that come at the same time ask the nodes once. A search joins another only within
 * `windowMs` of its beginning: what was written and ended in that time it may miss. Each search makes its
 * own answer of what the nodes said, with its own uid and time.
 */
export class SharedReads<T> {
  readonly #underWay = new Map<string, Shared<T>>();

  constructor(
    private readonly windowMs: number,
    private readonly joined: () => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** `key` must name all that the read depends on. An error is shared as well. */
  async run(key: () => string, read: () => Promise<T>): Promise<T> {
    if (this.windowMs === 0) return await read();
    const name = key();
    const other = this.#underWay.get(name);
    if (other !== undefined && this.now() - other.begun <= this.windowMs) {
      this.joined();
      return await other.result;
    }
    const shared = { begun: this.now(), result: read() };
    if (this.#underWay.size < sharedMax) this.#underWay.set(name, shared);
    try {
      return await shared.result;
    } finally {
      if (this.#underWay.get(name) === shared) this.#underWay.delete(name);
    }
  }
}
