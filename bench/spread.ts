/** What several runs of one measurement gave. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** Throws for an empty list: a figure that nobody measured is no figure. */
export function spread(values: readonly number[]): Spread {
  return {
    min: percentile(values, 0),
    median: percentile(values, 50),
    max: percentile(values, 100),
  };
}

/** The nearest-rank percentile, so always one of the measured values. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  const value = sorted[rank - 1];
  if (value === undefined) throw new Error('There is no percentile of no values.');
  return value;
}

/** Milliseconds of processor time of each run of two pieces of work. */
export interface PairTimes {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/**
 * Runs two pieces of work by turns; the two of one turn make one ratio. The order changes with each
 * turn, since the second one finds a warmer cache. Processor time is counted and not the clock's:
 * this process does nothing else, and time in which a neighbour had the core says nothing of the work.
 */
export function byTurns(runs: number, ours: () => void, theirs: () => void): PairTimes {
  const times = { ours: [] as number[], theirs: [] as number[] };
  // The compiler wants to have seen the work before it is timed.
  for (let warm = 0; warm < Math.min(runs, 3); warm += 1) {
    ours();
    theirs();
  }
  for (let run = 0; run < runs; run += 1) {
    const turns = [
      (): unknown => times.ours.push(millisecondsOf(ours)),
      (): unknown => times.theirs.push(millisecondsOf(theirs)),
    ];
    for (const turn of run % 2 === 0 ? turns : turns.reverse()) turn();
  }
  return times;
}

function millisecondsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  // Work too short to be counted is taken for the least that can be.
  return Math.max(1, user + system) / 1_000;
}
