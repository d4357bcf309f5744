/** A set of docids as bits; docids are small integers, so a search touches few kilobytes. */
export class Bitset {
  readonly words: Uint32Array;

  constructor(words: Uint32Array) {
    this.words = words;
  }

  /** An empty set able to hold the docids 0 … capacity - 1. */
  static empty(capacity: number): Bitset {
    return new Bitset(new Uint32Array((capacity + 31) >>> 5));
  }

  static of(docids: Iterable<number>, capacity: number): Bitset {
    const set = Bitset.empty(capacity);
    for (const docid of docids) set.add(docid);
    return set;
  }

  clone(): Bitset {
    return new Bitset(this.words.slice());
  }

  /** Docids beyond the capacity are left out. */
  add(docid: number): void {
    const at = docid >>> 5;
    if (at < this.words.length) this.words[at] = (this.words[at] ?? 0) | (1 << (docid & 31));
  }

  delete(docid: number): void {
    const at = docid >>> 5;
    if (at < this.words.length) this.words[at] = (this.words[at] ?? 0) & ~(1 << (docid & 31));
  }

  has(docid: number): boolean {
    return ((this.words[docid >>> 5] ?? 0) & (1 << (docid & 31))) !== 0;
  }

  isEmpty(): boolean {
    const { words } = this;
    for (let i = 0; i < words.length; i += 1) if (words[i] !== 0) return false;
    return true;
  }

  get size(): number {
    let count = 0;
    for (let i = 0; i < this.words.length; i += 1) {
      let word = this.words[i] ?? 0;
      word -= (word >>> 1) & 0x55555555;
      word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
      count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
    }
    return count;
  }

  and(other: Bitset): Bitset {
    const result = new Uint32Array(this.words.length);
    for (let i = 0; i < result.length; i += 1) {
      result[i] = (this.words[i] ?? 0) & (other.words[i] ?? 0);
    }
    return new Bitset(result);
  }

  intersects(other: Bitset): boolean {
    for (let i = 0; i < this.words.length; i += 1) {
      if (((this.words[i] ?? 0) & (other.words[i] ?? 0)) !== 0) return true;
    }
    return false;
  }

  addAll(other: Bitset): void {
    const { words } = this;
    for (let i = 0; i < words.length; i += 1) words[i] = (words[i] ?? 0) | (other.words[i] ?? 0);
  }

  removeAll(other: Bitset): void {
    const { words } = this;
    for (let i = 0; i < words.length; i += 1) words[i] = (words[i] ?? 0) & ~(other.words[i] ?? 0);
  }

  clear(): void {
    this.words.fill(0);
  }

  /** Ascending. The set may be changed while it is read; a word already read is not read again. */
  *[Symbol.iterator](): Generator<number> {
    const { words } = this;
    for (let i = 0; i < words.length; i += 1) {
      let word = words[i] ?? 0;
      while (word !== 0) {
        const bit = word & -word;
        yield (i << 5) + (31 - Math.clz32(bit));
        word ^= bit;
      }
    }
  }

  toArray(): number[] {
    const result: number[] = [];
    const { words } = this;
    for (let i = 0; i < words.length; i += 1) {
      let word = words[i] ?? 0;
      while (word !== 0) {
        const bit = word & -word;
        result.push((i << 5) + (31 - Math.clz32(bit)));
        word ^= bit;
      }
    }
    return result;
  }
}
