import type { GroupId, IndexUid, NodeId, PhysicalUid, ShardId } from './ids';

/** One copy of a shard that was compared, with what the record of the writes says of it. */
export interface ComparedCopy {
  readonly node: NodeId;
  /** Equal prints: equal documents in the range. */
  readonly print: string;
  /** Writes that were acknowledged and that this node was to have, but has not: their fleet task uids. */
  readonly missed: readonly number[];
}

export type CopyVerdict =
  | { readonly kind: 'stale'; readonly nodes: readonly NodeId[] }
  | { readonly kind: 'undecided'; readonly why: string };

/**
 * Which of several in-sync copies that differ is wrong. Only the record of the writes says so, in the
 * order of their tasks: a copy that lacks a write is behind one that lacks none, whether that write made
 * a document or deleted it. So a delete that one copy missed is never undone by the other. What the
 * record does not tell is not guessed: neither a majority nor a clock knows which write was meant.
 */
export function judgeCopies(copies: readonly ComparedCopy[]): CopyVerdict {
  const whole = copies.filter(({ missed }) => missed.length === 0);
  const [first] = whole;
  if (first === undefined) {
    return { kind: 'undecided', why: 'every copy lacks a write that the record names' };
  }
  if (whole.some(({ print }) => print !== first.print)) {
    return { kind: 'undecided', why: 'copies that lack no write of the record differ' };
  }
  const nodes = copies.filter(({ print }) => print !== first.print).map(({ node }) => node);
  return { kind: 'stale', nodes };
}

/** Slots `[from, to)` of a shard in which copies differ. */
export interface Difference {
  readonly index: IndexUid;
  readonly physicalUid: PhysicalUid;
  readonly shard: ShardId;
  readonly from: number;
  readonly to: number;
  readonly copies: readonly (ComparedCopy & { readonly documents: number })[];
  /** Documents that are not the same on all of them, and the first few of their ids. */
  readonly documents: number;
  readonly ids: readonly string[];
  readonly verdict: CopyVerdict;
}

/** A copy that was not compared, and why. */
export interface PassedOver {
  readonly index: IndexUid;
  readonly shard: ShardId;
  readonly group: GroupId;
  readonly node: NodeId;
  readonly why: 'stale' | 'syncing' | 'joined' | 'leaving' | 'away' | 'only copy';
}

/** What one run of anti-entropy found. Bounded; `more` counts what did not fit. */
export interface AntiEntropyReport {
  /** The workflow run. */
  readonly id: string;
  readonly who: string;
  readonly why: string;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly finishedAt: string | null;
  readonly outcome: 'running' | 'equal' | 'repaired' | 'differs' | 'canceled' | 'failed';
  readonly indexes: number;
  readonly shards: number;
  readonly ranges: number;
  readonly documents: number;
  /** Ranges compared more than once, because they were written to meanwhile. */
  readonly again: number;
  readonly differences: readonly Difference[];
  readonly passedOver: readonly PassedOver[];
  readonly more: number;
  /** Nodes whose copies were filled again. */
  readonly repaired: readonly NodeId[];
  readonly notRepaired: readonly string[];
}

export const differencesMax = 200;
export const passedOverMax = 1_000;
export const differenceIdsMax = 10;

export interface ComparedIndex {
  readonly shards: number;
  readonly ranges: number;
  readonly documents: number;
  readonly again: number;
  readonly differences: readonly Difference[];
  readonly passedOver: readonly PassedOver[];
}

/** The report with one more index in it. */
export function addToReport(report: AntiEntropyReport, found: ComparedIndex): AntiEntropyReport {
  const differences = [...report.differences, ...found.differences];
  const passedOver = [...report.passedOver, ...found.passedOver];
  return {
    ...report,
    indexes: report.indexes + 1,
    shards: report.shards + found.shards,
    ranges: report.ranges + found.ranges,
    documents: report.documents + found.documents,
    again: report.again + found.again,
    differences: differences.slice(0, differencesMax),
    passedOver: passedOver.slice(0, passedOverMax),
    more:
      report.more +
      Math.max(0, differences.length - differencesMax) +
      Math.max(0, passedOver.length - passedOverMax),
  };
}
