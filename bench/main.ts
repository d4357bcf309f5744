import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readBaseline, thisMachine, writeBaseline } from './baseline';
import type { Machine } from './baseline';
import { benches } from './benches';
import { memoryPlot } from './memory';
import { projectRoot } from './project-root';
import { tableText } from './row';
import type { Row } from './row';
import { loadWorkloads } from './workload';
import type { Workload } from './workload';

const usage = `npm run bench -- [name …] [--json] [--update] [--tiny] [--documents N]

Runs the workloads of bench/workloads (all, or the named ones) and prints a table.
  --json    one JSON object instead
  --update  write the report to bench/baselines
  --documents N  instead of the workload's own number, with one named workload
  --tiny    at the size of a test: whether it runs, not how fast`;

interface Report {
  readonly workload: Workload;
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

async function runOne(workload: Workload, tiny: boolean): Promise<Report> {
  const bench = benches[workload.name];
  if (bench === undefined) throw new Error(`No bench runs the workload \`${workload.name}\`.`);
  const machine = thisMachine();
  const { size, runs } = tiny ? workload.tiny : workload;
  return { workload, machine, rows: await bench(size, runs) };
}

function chosen(names: readonly string[]): Workload[] {
  const all = loadWorkloads();
  const unknown = names.filter((name) => !all.some((workload) => workload.name === name));
  if (unknown.length > 0) {
    const known = all.map(({ name }) => name).join(', ');
    throw new Error(`No workload is named ${unknown.join(', ')}. There are: ${known}.`);
  }
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

function print(reports: readonly Report[], asJson: boolean): void {
  const baselines = new Map<string, number>();
  for (const { workload } of reports) {
    for (const { name, ratio } of readBaseline(workload.name)?.rows ?? []) {
      baselines.set(name, ratio.median);
    }
  }
  const before = (name: string): number | null => baselines.get(name) ?? null;
  const rows = reports.flatMap((report) => report.rows);
  if (!asJson) {
    console.log(tableText(rows, before));
    return;
  }
  const withBaseline = rows.map((one) => ({ ...one, baselineRatio: before(one.name) }));
  console.log(JSON.stringify({ machine: reports[0]?.machine, rows: withBaseline }));
}

/** Throws for a number that is none, and for a workload that has no documents. */
function resize(documents: string | undefined): (workload: Workload) => Workload {
  if (documents === undefined) return (workload) => workload;
  const count = Number(documents);
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new Error('`--documents` must be a whole number above 0.');
  }
  return (workload) => {
    if (workload.size['documents'] === undefined) {
      throw new Error(`The workload \`${workload.name}\` has no number of documents.`);
    }
    return { ...workload, size: { ...workload.size, documents: count } };
  };
}

function writePlot(name: string, rows: readonly Row[]): void {
  for (const { samples } of rows) {
    if (samples === undefined) continue;
    const directory = join(projectRoot(), 'bench', 'plots');
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${name}.svg`), memoryPlot(samples, `Memory of ${name}`));
  }
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
      tiny: { type: 'boolean', default: false },
      documents: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  if (values.update && values.tiny) throw new Error('A tiny run makes no baseline.');
  const reports: Report[] = [];
  for (const workload of chosen(positionals).map(resize(values.documents))) {
    reports.push(await runOne(workload, values.tiny));
  }
  print(reports, values.json);
  if (!values.update) return;
  for (const { workload, machine, rows } of reports) {
    const size = values.documents === undefined ? '' : ` --documents ${values.documents}`;
    const command = `npm run bench -- ${workload.name}${size} --update`;
    const measuredAt = new Date().toISOString();
    writeBaseline({ workload: workload.name, command, measuredAt, machine, rows });
    writePlot(workload.name, rows);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
