import type { Redis } from 'ioredis';
import type { IndexUid } from '../core/ids';
import type { GuardState, PodFigures } from '../core/slo';
import type { Keys } from './keys';
import { parsed, textOf } from './script';
import type { ScriptRunner } from './script';
import { tellOnceScript } from './scripts/tell-once';

/** One step that the guard took, or could not take, with the numbers that made it. */
export interface OperationEvent {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly why: string;
  readonly figures: { readonly [name: string]: number | string };
}

export interface FigureStore {
  publish(figures: PodFigures): Promise<void>;
  /** Those of the last `windowMs`, by the clock of the caller. */
  recent(now: number, windowMs: number): Promise<PodFigures[]>;
  guardState(operation: string): Promise<GuardState | null>;
  setGuardState(operation: string, state: GuardState): Promise<void>;
  addEvent(operation: string, event: OperationEvent): Promise<void>;
  /** Oldest first. */
  events(operation: string): Promise<OperationEvent[]>;
  /** What was told under this name by `tellOnce`; null: nothing. */
  told<A>(name: string): Promise<A | null>;
  /**
   * Tells under a name what an activity found, the first time that it is asked to: a second attempt, of
   * which nobody heard the first, tells nothing more. Returns the answer that was told first. `A` is JSON.
   */
  tellOnce<A>(name: string, telling: Telling<A>): Promise<A>;
  /** Since the store was made; indexes that are gone are named too. */
  sourceChanges(): Promise<{ readonly index: string; readonly count: number }[]>;
}

export interface Telling<A> {
  readonly answer: A;
  /** Whose events get this one. */
  readonly operations: readonly string[];
  readonly event: OperationEvent;
  /** A sync of this index goes on from other copies than before: one more of the counted changes. */
  readonly sourceChange: IndexUid | null;
}

const eventsMax = 200;
/** Events outlive the operation, so that it can be understood later. */
const eventsKeptSeconds = 90 * 24 * 3_600;
const stateKeptSeconds = 24 * 3_600;
/** Longer than an activity is tried by the server without any of its attempts being heard. */
const toldKeptMs = 7 * 24 * 3_600_000;

export interface FigureStoreParts {
  readonly redis: Redis;
  readonly keys: Keys;
  readonly scripts: ScriptRunner;
}

export function createFigureStore({ redis, keys, scripts }: FigureStoreParts): FigureStore {
  return {
    async publish(figures) {
      await redis.hset(keys.podFigures, figures.pod, JSON.stringify(figures));
    },
    async recent(now, windowMs) {
      const all = Object.values(await redis.hgetall(keys.podFigures)).map((text) =>
        parsed<PodFigures>(text),
      );
      const old = all.filter(({ at }) => now - at > windowMs * 10);
      if (old.length > 0) await redis.hdel(keys.podFigures, ...old.map(({ pod }) => pod));
      return all.filter(({ at }) => now - at <= windowMs);
    },
    async guardState(operation) {
      const text = await redis.get(keys.guardState(operation));
      return text === null ? null : parsed<GuardState>(text);
    },
    async setGuardState(operation, state) {
      const text = JSON.stringify(state);
      await redis.set(keys.guardState(operation), text, 'EX', stateKeptSeconds);
    },
    async addEvent(operation, event) {
      const key = keys.operationEvents(operation);
      await redis
        .multi()
        .rpush(key, JSON.stringify(event))
        .ltrim(key, -eventsMax, -1)
        .expire(key, eventsKeptSeconds)
        .exec();
    },
    async events(operation) {
      const texts = await redis.lrange(keys.operationEvents(operation), 0, -1);
      return texts.map((text) => parsed<OperationEvent>(text));
    },
    async told<A>(name: string) {
      const text = await redis.get(keys.told(name));
      return text === null ? null : parsed<A>(text);
    },
    async tellOnce<A>(name: string, { answer, operations, event, sourceChange }: Telling<A>) {
      const events = operations.map((operation) => keys.operationEvents(operation));
      const first = await scripts.run(
        tellOnceScript,
        [keys.told(name), keys.sourceChanges, ...events],
        [
          ...[JSON.stringify(answer), toldKeptMs, JSON.stringify(event)],
          ...[eventsMax, eventsKeptSeconds, sourceChange ?? ''],
        ],
      );
      return parsed<A>(textOf(first));
    },
    async sourceChanges() {
      const counts = await redis.hgetall(keys.sourceChanges);
      return Object.entries(counts).map(([index, count]) => ({ index, count: Number(count) }));
    },
  };
}
