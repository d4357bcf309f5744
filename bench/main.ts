import { parseArgs } from 'node:util';
import { readBaseline, thisMachine, writeBaseline } from './baseline';
import type { Machine } from './baseline';
import { benches } from './benches';
import { tableText } from './row';
import type { Row } from './row';
import { loadWorkloads } from './workload';
import type { Workload } from './workload';

const usage = `npm run bench -- [name …] [--json] [--update] [--tiny]

Runs the workloads of bench/workloads (all, or the named ones) and prints a table.
  --json    one JSON object instead
  --update  write the report to bench/baselines
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

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
      tiny: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  if (values.update && values.tiny) throw new Error('A tiny run makes no baseline.');
  const reports: Report[] = [];
  for (const workload of chosen(positionals)) reports.push(await runOne(workload, values.tiny));
  print(reports, values.json);
  if (!values.update) return;
  for (const { workload, machine, rows } of reports) {
    const command = `npm run bench -- ${workload.name} --update`;
    const measuredAt = new Date().toISOString();
    writeBaseline({ workload: workload.name, command, measuredAt, machine, rows });
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
