import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './project-root';

/** How large a measurement is: numbers by name, which each bench reads by `sizeOf`. */
export type Size = Readonly<Record<string, number>>;

/** One file of bench/workloads: a measurement as data. */
export interface Workload {
  /** The file's name without `.json`, and the name of the bench that runs it. */
  readonly name: string;
  readonly about: string;
  readonly runs: number;
  readonly size: Size;
  /** The same at a size that a test can wait for; its figures mean nothing. */
  readonly tiny: { readonly runs: number; readonly size: Size };
}

export const workloadsDirectory = (): string => join(projectRoot(), 'bench', 'workloads');

/** All workloads by name, sorted. Throws for a file that is none, naming it. */
export function loadWorkloads(directory = workloadsDirectory()): Workload[] {
  const files = readdirSync(directory).filter((file) => file.endsWith('.json'));
  return files.sort().map((file) => {
    const found = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Partial<Workload>;
    const name = file.slice(0, -'.json'.length);
    const whole = typeof found.about === 'string' && isSized(found) && isSized(found.tiny);
    if (found.name !== name || !whole) throw new Error(`${file} is no workload named \`${name}\`.`);
    return found as Workload;
  });
}

function isSized(value: { runs?: unknown; size?: unknown } | undefined): boolean {
  if (value === undefined || !Number.isInteger(value.runs) || Number(value.runs) < 1) return false;
  const { size } = value;
  if (typeof size !== 'object' || size === null) return false;
  return Object.values(size).every((one) => Number.isInteger(one) && Number(one) > 0);
}

/** A number of the size; throws when the workload does not say it. */
export function sizeOf(size: Size, name: string): number {
  const value = size[name];
  if (value === undefined) throw new Error(`The workload does not say \`${name}\`.`);
  return value;
}
