import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from './project-root';
import type { Row } from './row';
import type { Spread } from './spread';

/** The machine that figures come from. Ratios travel between machines, figures do not. */
export interface Machine {
  readonly cores: number;
  readonly processor: string;
  readonly node: string;
  /** Processes that wanted a core in the minute before: above `cores`, others were at work, too. */
  readonly loadBefore: number;
}

/** One file of bench/baselines: the report of one workload, as it was when it was written down. */
export interface Baseline {
  readonly workload: string;
  readonly command: string;
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

export const baselinesDirectory = (): string => join(projectRoot(), 'bench', 'baselines');

export function thisMachine(): Machine {
  const [load = 0] = loadavg();
  const all = cpus();
  return {
    cores: all.length,
    processor: all[0]?.model ?? 'unknown',
    node: process.version,
    loadBefore: Number(load.toFixed(2)),
  };
}

/** Null: nobody has written one down. */
export function readBaseline(workload: string, directory = baselinesDirectory()): Baseline | null {
  const file = join(directory, `${workload}.json`);
  if (!existsSync(file)) return null;
  return JSON.parse(readFileSync(file, 'utf8')) as Baseline;
}

export function writeBaseline(baseline: Baseline, directory = baselinesDirectory()): void {
  const rows = baseline.rows.map((one) => ({
    ...one,
    figure: rounded(one.figure),
    comparison: rounded(one.comparison),
    ratio: rounded(one.ratio),
  }));
  const file = join(directory, `${baseline.workload}.json`);
  writeFileSync(file, `${JSON.stringify({ ...baseline, rows }, null, 2)}\n`);
}

/** Four digits: more would only make differences between files that mean nothing. */
function rounded({ min, median, max }: Spread): Spread {
  const round = (value: number): number => Number(value.toPrecision(4));
  return { min: round(min), median: round(median), max: round(max) };
}
