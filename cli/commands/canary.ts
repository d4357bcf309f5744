import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { readRecord } from '../read-record';
import { finishRun } from '../run-now';
import type { Started } from '../run-now';
import { createScreen } from '../ui';

interface Run {
  readonly at: number;
  readonly ok: boolean;
  readonly failures: readonly string[];
  readonly latencyMs: number;
  readonly observed?: { readonly ids: readonly string[]; readonly total: number };
}

interface Canary {
  readonly id: string;
  readonly index: string;
  readonly enabled: boolean;
  readonly lastRun: Run | null;
}

interface Captured {
  readonly id: string;
  readonly index: string;
  readonly query: object;
  readonly total: number;
  readonly seen: number;
}

const path = '/_miroir/canaries';
const one = (id: string): string => `${path}/${encodeURIComponent(id)}`;
const shown = 10;

/** `miroir canary`: golden queries, their runs, and searches to make them of. */
export function registerCanary(program: Command): void {
  const canary = program
    .command('canary')
    .description('Canaries: list, set, run, look at runs, make one of a captured search.');
  registerRecords(canary);
  registerCaptured(canary);
}

function registerRecords(canary: Command): void {
  withConnection(canary.command('list').description('All canaries with their last runs.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: Canary[] }>(path);
      if (flags.json) return console.log(JSON.stringify(results));
      createScreen(process.stdout).table(
        ['canary', 'index', 'enabled', 'last run', 'failures'],
        results.map(({ id, index, enabled, lastRun }) => [
          id,
          index,
          enabled ? 'yes' : 'no',
          lastRun === null ? 'never' : colour(lastRun),
          lastRun?.failures.join('; ') ?? '',
        ]),
      );
    },
  );

  withConnection(
    canary.command('set <name> <file>').description('Create or replace; JSON or YAML.'),
  ).action(async (name: string, file: string, flags: ConnectFlags) => {
    const record = await connect(flags).put(one(name), readRecord(file));
    console.log(flags.json ? JSON.stringify(record) : `${name} is set.`);
  });

  withConnection(canary.command('run <name>').description('Run it now, beside its schedule.'))
    .option('--wait', 'follow it to its end')
    .action(async (name: string, flags: ConnectFlags & { wait?: true }) => {
      const api = connect(flags);
      const started = await api.post<Started>(`${one(name)}/run`);
      await finishRun(api, started, flags);
    });

  withConnection(
    canary.command('runs <name>').description('Its last runs: what was seen, what failed.'),
  ).action(async (name: string, flags: ConnectFlags) => {
    const { results } = await connect(flags).get<{ results: Run[] }>(`${one(name)}/runs`);
    if (flags.json) return console.log(JSON.stringify(results));
    createScreen(process.stdout).table(
      ['at', '', 'ms', 'hits', 'first hits seen', 'failures'],
      results.map((run) => [
        new Date(run.at).toISOString(),
        colour(run),
        run.latencyMs,
        run.observed?.total ?? '',
        run.observed?.ids.slice(0, shown).join(', ') ?? '',
        run.failures.join('; '),
      ]),
    );
  });

  withConnection(
    canary.command('delete <name>').description('With its schedule and its runs.'),
  ).action(async (name: string, flags: ConnectFlags) => {
    await connect(flags).delete(one(name));
    if (!flags.json) console.log(`${name} is deleted.`);
  });
}

function registerCaptured(canary: Command): void {
  const captured = '/_miroir/captured-queries';

  withConnection(
    canary.command('captured').description('Searches that were kept of the live traffic.'),
  ).action(async (flags: ConnectFlags) => {
    const { results } = await connect(flags).get<{ results: Captured[] }>(captured);
    if (flags.json) return console.log(JSON.stringify(results));
    createScreen(process.stdout).table(
      ['captured', 'index', 'seen', 'hits', 'query'],
      results.map(({ id, index, seen, total, query }) => [
        id,
        index,
        seen,
        total,
        JSON.stringify(query),
      ]),
    );
  });

  withConnection(
    canary
      .command('promote <captured> <name>')
      .description('Make a canary that compares with the kept answer.'),
  )
    .option('--overlap <share>', 'share of the first hits that must still be there', Number, 0.8)
    .action(async (id: string, name: string, flags: ConnectFlags & { overlap: number }) => {
      const body = { canary: name, overlap: flags.overlap };
      const record = await connect(flags).post(
        `${captured}/${encodeURIComponent(id)}/promote`,
        body,
      );
      console.log(flags.json ? JSON.stringify(record) : `${name} is set.`);
    });
}

const colour = ({ ok }: Run): string => (ok ? 'green' : 'red');
