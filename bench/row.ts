import type { MemorySample } from './memory';
import { spread } from './spread';
import type { Spread } from './spread';

/** One line of the report: a figure, what it is held against, and the two divided. */
export interface Row {
  /** `api.searches/relay`: the measurement, and after the slash the comparison. */
  readonly name: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly figure: Spread;
  /** What the comparison is, in a few words. */
  readonly against: string;
  readonly comparison: Spread;
  /** Figure over comparison, run by run. */
  readonly ratio: Spread;
  /** How many documents were worked on, where the size may be chosen. */
  readonly documents?: number;
  /** What the first run's memory was over time, where that was watched. */
  readonly samples?: readonly MemorySample[] | undefined;
}

export interface Measured extends Omit<Row, 'figure' | 'comparison' | 'ratio'> {
  /** One value for each run. */
  readonly ours: readonly number[];
  /** One value for each run of the same machine and minute, in the same order. */
  readonly theirs: readonly number[];
}

export function row({ ours, theirs, ...about }: Measured): Row {
  const ratios = ours.map((value, run) => value / (theirs[run] ?? NaN));
  return { ...about, figure: spread(ours), comparison: spread(theirs), ratio: spread(ratios) };
}

const heads = ['name', 'figure (min … max)', 'comparison', 'ratio (min … max)', 'baseline', 'good'];

/** The report as text. `baseline` gives the ratio written down for a row, or null. */
export function tableText(rows: readonly Row[], baseline: (name: string) => number | null): string {
  const lines = rows.map((one) => {
    const before = baseline(one.name);
    return [
      one.name,
      `${text(one.figure.median)} ${one.unit} (${text(one.figure.min)} … ${text(one.figure.max)})`,
      `${text(one.comparison.median)} ${one.unit}, ${one.against}`,
      `${text(one.ratio.median)} (${text(one.ratio.min)} … ${text(one.ratio.max)})`,
      before === null ? 'none' : text(before),
      one.better,
    ];
  });
  const all = [heads, ...lines];
  const widths = heads.map((_, column) =>
    Math.max(...all.map((line) => (line[column] ?? '').length)),
  );
  return all
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Three significant digits; large numbers whole. */
export function text(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
