import type { Redis } from 'ioredis';
import type { IndexUid } from '../core/ids';
import type { GuardState, PodFigures } from '../core/slo';
import type { Keys } from './keys';
import { parsed } from './script';

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
  /** One more time a sync of this index goes on from other copies than before. */
  countSourceChange(index: IndexUid): Promise<void>;
  /** Since the store was made; indexes that are gone are named too. */
  sourceChanges(): Promise<{ readonly index: string; readonly count: number }[]>;
}

const eventsMax = 200;
/** Events outlive the operation, so that it can be understood later. */
const eventsKeptSeconds = 90 * 24 * 3_600;
const stateKeptSeconds = 24 * 3_600;

export function createFigureStore({ redis, keys }: { redis: Redis; keys: Keys }): FigureStore {
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
    async countSourceChange(index) {
      await redis.hincrby(keys.sourceChanges, index, 1);
    },
    async sourceChanges() {
      const counts = await redis.hgetall(keys.sourceChanges);
      return Object.entries(counts).map(([index, count]) => ({ index, count: Number(count) }));
    },
  };
}
