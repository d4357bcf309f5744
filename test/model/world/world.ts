import { Random } from './random';

/** Who a piece of code runs for: one process of the fleet, a node, a client, Temporal. */
export type Owner = string;

interface Event {
  readonly at: number;
  readonly order: number;
  readonly owner: Owner;
  readonly run: () => void;
  cancelled: boolean;
}

const realSetImmediate = globalThis.setImmediate;
/** 2026-01-01: what the clocks of the model show at its start, milliseconds since 1970. */
export const startMs = 1_767_225_600_000;
const traceMax = 200_000;

/**
 * Virtual time and the one list of everything that has not happened yet. The next event is the one
 * with the lowest time, the older of equals; delays are drawn from the seed. After each event all its
 * microtasks run before the next one, and they belong to the event's owner. So a seed gives one run.
 *
 * A process is paused (SIGSTOP) or killed (SIGKILL) by its owner's name: events of a paused one wait,
 * those of a killed one never happen. What it sent before is on its way and belongs to others.
 */
export class World {
  readonly random: Random;
  readonly trace: string[] = [];
  #now = 0;
  #order = 0;
  #owner: Owner = 'world';
  readonly #heap: Event[] = [];
  readonly #dead = new Set<Owner>();
  readonly #paused = new Map<Owner, Event[]>();
  #failure: unknown = null;
  /** Asked after each event: lets go on what waited for it. True: ask again. */
  settle: (owner: Owner) => boolean = () => false;

  constructor(seed: number) {
    this.random = new Random(seed);
  }

  /** Milliseconds since the start of the run. */
  get now(): number {
    return this.#now;
  }

  get owner(): Owner {
    return this.#owner;
  }

  note(text: string): void {
    if (this.trace.length >= traceMax) return;
    this.trace.push(`${this.#now.toFixed(2)} ${this.#owner}: ${text}`);
  }

  /** Runs `run` for the owner in `delay` milliseconds. Returns the way to take it back. */
  after(delay: number, owner: Owner, run: () => void): () => void {
    const event: Event = {
      at: this.#now + Math.max(0, delay),
      order: (this.#order += 1),
      owner,
      run,
      cancelled: false,
    };
    this.#push(event);
    return () => {
      event.cancelled = true;
    };
  }

  /** A promise for the owner that calls it: it goes on as this owner, after the delay. */
  sleep(delay: number, owner: Owner = this.#owner): Promise<void> {
    return new Promise((resolve) => this.after(delay, owner, resolve));
  }

  /** Starts work of another owner, and brings its outcome back to the calling one. */
  async as<T>(owner: Owner, work: () => Promise<T>): Promise<T> {
    const caller = this.#owner;
    return new Promise<T>((resolve, reject) => {
      this.after(0, owner, () => {
        work().then(
          (value) => this.after(0, caller, () => resolve(value)),
          (error: unknown) => this.after(0, caller, () => reject(error as Error)),
        );
      });
    });
  }

  kill(owner: Owner): void {
    this.note(`kill ${owner}`);
    this.#dead.add(owner);
    this.#paused.delete(owner);
  }

  isAlive(owner: Owner): boolean {
    return !this.#dead.has(owner);
  }

  pause(owner: Owner): void {
    if (this.#dead.has(owner) || this.#paused.has(owner)) return;
    this.note(`pause ${owner}`);
    this.#paused.set(owner, []);
  }

  /** What became due while it was paused happens now, in its order. */
  resume(owner: Owner): void {
    const waiting = this.#paused.get(owner);
    if (waiting === undefined) return;
    this.note(`resume ${owner}`);
    this.#paused.delete(owner);
    for (const event of waiting) {
      if (!event.cancelled) this.after(0, owner, event.run);
    }
  }

  isPaused(owner: Owner): boolean {
    return this.#paused.has(owner);
  }

  /** An error that nobody handled ends the run. */
  fail(error: unknown): void {
    this.#failure ??= error;
  }

  /** Lets events happen until `done` says so. Throws when that takes longer than `limitMs`. */
  async runUntil(done: () => boolean, limitMs: number, what: string): Promise<void> {
    const until = this.#now + limitMs;
    while (!done()) {
      if (this.#failure !== null) throw this.#failure as Error;
      const event = this.#pop();
      if (event === null) throw new Error(`Nothing more can happen, and still: ${what}.`);
      if (event.at > until) {
        this.#push(event);
        throw new Deadline(`After ${String(limitMs)} ms of the model: ${what}.`);
      }
      await this.#happen(event);
    }
  }

  async #happen(event: Event): Promise<void> {
    if (event.cancelled || this.#dead.has(event.owner)) return;
    this.#now = Math.max(this.#now, event.at);
    const waiting = this.#paused.get(event.owner);
    if (waiting !== undefined) {
      waiting.push(event);
      return;
    }
    this.#owner = event.owner;
    event.run();
    do {
      await new Promise<void>((resolve) => realSetImmediate(resolve));
    } while (this.settle(event.owner));
    this.#owner = 'world';
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(event, heap[parent] as Event)) break;
      heap[at] = heap[parent] as Event;
      at = parent;
    }
    heap[at] = event;
  }

  #pop(): Event | null {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined) return null;
    if (heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right !== undefined && before(right, heap[child] as Event)) child += 1;
      if (!before(heap[child] as Event, last)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

/** Something did not come to an end within the time that the model gives it. */
export class Deadline extends Error {
  override readonly name = 'Deadline';
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
