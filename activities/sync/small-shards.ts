import { slotRangeFilter } from '../../core/hidden-fields';
import type { JsonValue } from '../../core/fleet';
import type { ShardId } from '../../core/ids';
import { readSides, slotsOfShard } from './compare-range';
import type { SidesPair, SlotRange } from './compare-range';
import { countDocuments } from './read-documents';
import { ofShard } from './session';
import type { Session, ShardSession } from './session';

/** Filters of more ranges than this cost a node more than the round trips that they save. */
const shardsMax = 16;

/** What both sides have of several whole shards. */
export interface ShardsPair extends SidesPair {
  /** So many shards, from the one that was asked for. */
  readonly count: number;
  /** Slots that hold them all, and perhaps others. */
  readonly span: SlotRange;
}

const anyRangeFilter = (ranges: readonly SlotRange[]): JsonValue => [
  ranges.map(({ from, to }) => slotRangeFilter(from, to)),
];

/**
 * Reads small shards together. A shard costs four requests and a task of the target however small it
 * is, so an index of many small shards would be copied as slowly as one of as many full ranges. How
 * many shards go together is learnt from those before: full ones are soon read one by one again.
 */
export class SmallShards {
  readonly #session: Session;
  readonly #shards: readonly ShardId[];
  readonly #shardCount: number;
  #together = shardsMax;

  /** `shards`: those that are walked through, in order. */
  constructor(session: Session, shards: readonly ShardId[], shardCount: number) {
    this.#session = session;
    this.#shards = shards;
    this.#shardCount = shardCount;
  }

  /** The shards from position `at` with one source, or null: that one alone fills a range, or is the last one. */
  async read(at: number, primaryKey: string): Promise<ShardsPair | null> {
    const [first] = this.#shards.slice(at);
    if (first === undefined) return null;
    const session = ofShard(this.#session, first);
    for (;;) {
      const ranges = this.#rangesFrom(at, session);
      if (ranges.length < 2) return null;
      const pair = await this.#readAll(session, ranges, primaryKey);
      if (pair !== null) return pair;
      this.#together = Math.ceil(ranges.length / 2);
    }
  }

  #rangesFrom(at: number, { source }: ShardSession): SlotRange[] {
    const some = this.#shards.slice(at, at + this.#together);
    const other = some.findIndex((shard) => this.#session.sourceOf(shard) !== source);
    const same = other < 0 ? some : some.slice(0, other);
    return same.map((shard) => slotsOfShard(shard, this.#shardCount));
  }

  /** Null: they are too many documents for one step. */
  async #readAll(
    session: ShardSession,
    ranges: readonly SlotRange[],
    primaryKey: string,
  ): Promise<ShardsPair | null> {
    const { tools, source, target, call } = session;
    const limit = tools.config.rangeDocumentsMax;
    const filter = anyRangeFilter(ranges);
    // Counting costs a node less than giving documents that are too many.
    const counts = await Promise.all(
      [source, target].map((side) => countDocuments(side, filter, call.signal)),
    );
    if (counts.some((count) => count > limit)) return null;
    const pair = await readSides(session, { filter, primaryKey, limit });
    if (pair === null) return null;
    const span = {
      from: Math.min(...ranges.map(({ from }) => from)),
      to: Math.max(...ranges.map(({ to }) => to)),
    };
    return { ...pair, count: ranges.length, span };
  }
}
