import type { SearchConfig } from '../../config/config';
import type { NodeId } from '../../core/ids';

/** Of more answers the last so many count. */
const samplesMax = 200;
/** Fewer say nothing of how long a node takes. */
const samplesMin = 20;
/** Hedges that a quiet time saves up, so that the first slow parts after it need not wait. */
const savedMax = 10;

/** What came of asking again: the hedge was faster, the node was, or nobody else had the shards. */
export type HedgeOutcome = 'won' | 'lost' | 'impossible' | 'over-budget';

/**
 * When a part of a read is asked of other replicas, too: after the time in which the node answers 95 of
 * 100 parts. Each part that is asked saves up a share of one hedge and each hedge spends one, so that a
 * fleet whose every node is slow gets a bounded share of extra requests, and no avalanche.
 */
export class Hedges {
  readonly #took = new Map<NodeId, { readonly ms: number[]; next: number; p95: number | null }>();
  #saved = savedMax;

  constructor(
    private readonly config: Pick<SearchConfig, 'hedge' | 'hedgePercent' | 'hedgeMinMs'>,
    private readonly count: (outcome: HedgeOutcome) => void,
  ) {}

  /** A node answered a part after `ms` milliseconds; a hedged one that lost counts with the time it had. */
  answered(node: NodeId, ms: number): void {
    const took = this.#took.get(node) ?? { ms: [], next: 0, p95: null };
    this.#took.set(node, took);
    took.ms[took.next] = ms;
    took.next = (took.next + 1) % samplesMax;
    took.p95 = null;
  }

  /** Milliseconds after which the node's part is to be asked again; null: never. */
  delayOf(node: NodeId): number | null {
    const took = this.#took.get(node);
    if (!this.config.hedge || took === undefined || took.ms.length < samplesMin) return null;
    if (took.p95 === null) {
      const sorted = [...took.ms].sort((a, b) => a - b);
      took.p95 = sorted[Math.floor(sorted.length * 0.95)] ?? 0;
    }
    return Math.max(took.p95, this.config.hedgeMinMs);
  }

  /** A part is asked: it earns its share of a hedge. */
  earn(): void {
    this.#saved = Math.min(savedMax, this.#saved + this.config.hedgePercent / 100);
  }

  /** Whether one more hedge is within the budget, which it then spends. */
  spend(): boolean {
    if (this.#saved < 1) {
      this.count('over-budget');
      return false;
    }
    this.#saved -= 1;
    return true;
  }

  ended(outcome: HedgeOutcome): void {
    this.count(outcome);
  }
}
