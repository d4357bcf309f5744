import type { Random } from './random';
import type { Owner, World } from './world';

/** How one request to a node goes. */
export type Fate =
  /** Arrives, is answered. */
  | 'served'
  /** The connection breaks before the node has read it. */
  | 'lost-before'
  /** The node takes it; the connection breaks before the answer. */
  | 'lost-after'
  /** Nothing is ever heard: not taken. */
  | 'silent-before'
  /** Nothing is ever heard, but it is taken. */
  | 'silent-after'
  /** Admitted in time and enqueued after the caller has given up. */
  | 'late';

export interface Flight {
  readonly fate: Fate;
  /** Milliseconds until the node reads it, works on it, and its answer is back. */
  readonly there: number;
  readonly work: number;
  readonly back: number;
}

/** Chances in a thousand. */
export interface Storm {
  readonly node: Readonly<Record<Exclude<Fate, 'served'>, number>>;
  /** Reads are spared. */
  readonly writesOnly?: boolean;
  readonly redisBreak: number;
  readonly messageLost: number;
}

export const calm: Storm = {
  node: { 'lost-before': 0, 'lost-after': 0, 'silent-before': 0, 'silent-after': 0, late: 0 },
  redisBreak: 0,
  messageLost: 0,
};

/**
 * What the network does to each message, drawn from the seed. A storm makes it worse for a while. The
 * bounds are those that the product relies on: a request that a node has admitted is enqueued within
 * one deadline of a node, and one whose caller has gone within half a second.
 */
export class NetworkWeather {
  readonly #random: Random;
  #storm: Storm = calm;
  #redisAwayUntil = 0;
  readonly #cutOffUntil = new Map<Owner, number>();
  readonly #breaks = new Set<string>();
  readonly #slow = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly nodeDeadlineMs: number,
  ) {
    this.#random = world.random.fork('weather');
  }

  storm(storm: Storm): void {
    this.#storm = storm;
  }

  redisAway(ms: number): void {
    this.#redisAwayUntil = this.world.now + ms;
  }

  /** Redis is away for this owner alone, which reaches the nodes as before. */
  cutOff(owner: Owner, ms: number): void {
    this.#cutOffUntil.set(owner, this.world.now + ms);
  }

  /** The next command of this owner is executed and its answer is lost. */
  breakRedis(owner: string): void {
    this.#breaks.add(owner);
  }

  /** Each answer of the node takes so much longer; 0 ends it. */
  slow(node: string, ms: number): void {
    this.#slow.set(node, ms);
  }

  /** The end of all faults. */
  clear(): void {
    this.#storm = calm;
    this.#redisAwayUntil = 0;
    this.#breaks.clear();
    this.#slow.clear();
  }

  redisDelay(): number {
    const random = this.#random;
    return random.chance(0.01) ? random.between(2, 20) : 0.1 + random.next() * 0.5;
  }

  isRedisAway(owner: Owner): boolean {
    const { now } = this.world;
    return now < this.#redisAwayUntil || now < (this.#cutOffUntil.get(owner) ?? 0);
  }

  redisBreaks(owner: string): 'before' | 'after' | null {
    if (this.#breaks.delete(owner)) return 'after';
    if (!this.#random.chance(this.#storm.redisBreak / 1000)) return null;
    return this.#random.pick(['before', 'after']);
  }

  losesMessage(owner: Owner): boolean {
    if (this.isRedisAway(owner)) return true;
    return this.#random.chance(this.#storm.messageLost / 1000);
  }

  flight(node: string, leftMs: number, isWrite: boolean): Flight {
    const random = this.#random;
    const slow = this.#slow.get(node) ?? 0;
    const there = 0.2 + random.next() * 1.5;
    const back = 0.2 + random.next() * 1.5 + slow * random.next();
    const work = 0.2 + random.next() * 2;
    const fate = isWrite || this.#storm.writesOnly !== true ? this.#fate() : 'served';
    if (fate !== 'late') return { fate, there, work, back };
    // Admission is in time; the enqueueing is not, and still within what the product waits for.
    const admitted = random.next() * leftMs;
    return { fate, there: admitted, work: this.nodeDeadlineMs * 0.95 * random.next(), back };
  }

  #fate(): Fate {
    let at = this.#random.next() * 1000;
    for (const [fate, chance] of Object.entries(this.#storm.node)) {
      at -= chance;
      if (at < 0) return fate as Fate;
    }
    return 'served';
  }
}
