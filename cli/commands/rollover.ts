import type { Command } from 'commander';
import type { ApiClient } from '../client';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError, exitCodes } from '../exit-codes';
import { watchOperation } from '../operations';
import { readRecord } from '../read-record';
import { reportText } from '../report-text';
import { finishRun } from '../run-now';
import type { Started } from '../run-now';
import { createScreen } from '../ui';

interface Policy {
  readonly name: string;
  readonly version: number;
  readonly enabled: boolean;
  readonly writeAlias: string;
  readonly readAlias: string | null;
  readonly pattern: string;
  readonly pauseNote?: string;
}

const path = '/_miroir/rollover-policies';
const one = (name: string): string => `${path}/${encodeURIComponent(name)}`;

/** `miroir rollover`: policies that replace the index behind an alias by the next one. */
export function registerRollover(program: Command): void {
  const rollover = program
    .command('rollover')
    .description('Rollover policies: list, set, apply a file, run, pause, backfill, delete.');
  registerRecords(rollover);
  registerRuns(rollover);
}

function registerRecords(rollover: Command): void {
  withConnection(rollover.command('list').description('All policies.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: Policy[] }>(path);
      if (flags.json) return console.log(JSON.stringify(results));
      createScreen(process.stdout).table(
        ['policy', 'version', 'state', 'write alias', 'read alias', 'pattern'],
        results.map((policy) => [
          policy.name,
          policy.version,
          policy.enabled ? 'runs' : `paused ${policy.pauseNote ?? ''}`.trim(),
          policy.writeAlias,
          policy.readAlias ?? '',
          policy.pattern,
        ]),
      );
    },
  );

  withConnection(
    rollover.command('show <name>').description('One policy, as it is stored.'),
  ).action(async (name: string, flags: ConnectFlags) => {
    console.log(JSON.stringify(await connect(flags).get<Policy>(one(name)), null, 2));
  });

  withConnection(
    rollover.command('set <name> <file>').description('Create or replace; JSON or YAML.'),
  ).action(async (name: string, file: string, flags: ConnectFlags) => {
    const policy = await connect(flags).put<Policy>(one(name), readRecord(file));
    console.log(flags.json ? JSON.stringify(policy) : `${name} is at version ${policy.version}.`);
  });

  withConnection(
    rollover
      .command('apply <file>')
      .description(
        'Set all policies of a file, a map of names; the same file again changes nothing.',
      ),
  ).action(async (file: string, flags: ConnectFlags) => {
    const api = connect(flags);
    const applied: Policy[] = [];
    for (const [name, policy] of Object.entries(policiesOf(file))) {
      applied.push(await api.put<Policy>(one(name), policy));
    }
    if (flags.json) return console.log(JSON.stringify(applied));
    for (const { name, version } of applied) console.log(`${name} is at version ${version}.`);
  });

  withConnection(
    rollover.command('delete <name>').description('The indexes and aliases stay.'),
  ).action(async (name: string, flags: ConnectFlags) => {
    await connect(flags).delete(one(name));
    if (!flags.json) console.log(`${name} is deleted.`);
  });
}

function registerRuns(rollover: Command): void {
  withConnection(
    rollover.command('run <name>').description('Look now whether it is due, and roll over.'),
  )
    .option('--dry-run', 'only say what would be done')
    .option('--force', 'roll over although no trigger is met')
    .option('--wait', 'follow it to its end')
    .option('--why <reason>', 'stands in the topology log', '')
    .action(
      async (
        name: string,
        flags: ConnectFlags & { dryRun?: true; force?: true; wait?: true; why: string },
      ) => {
        const api = connect(flags);
        const started = await api.post<Started>(`${one(name)}/run`, {
          dryRun: flags.dryRun === true,
          force: flags.force === true,
          who: process.env['USER'] ?? 'operator',
          why: flags.why,
        });
        if (flags.dryRun) await showReport(api, started, flags);
        else await finishRun(api, started, flags);
      },
    );

  withConnection(rollover.command('pause <name>').description('Stop its schedule.'))
    .option('--note <text>', 'why, for whoever finds it paused')
    .action(async (name: string, flags: ConnectFlags & { note?: string }) => {
      const body = flags.note === undefined ? {} : { note: flags.note };
      const policy = await connect(flags).post<Policy>(`${one(name)}/pause`, body);
      console.log(flags.json ? JSON.stringify(policy) : `${name} is paused.`);
    });

  withConnection(rollover.command('resume <name>').description('Let its schedule go on.')).action(
    async (name: string, flags: ConnectFlags) => {
      const policy = await connect(flags).post<Policy>(`${one(name)}/resume`);
      console.log(flags.json ? JSON.stringify(policy) : `${name} runs.`);
    },
  );

  withConnection(
    rollover
      .command('backfill <name>')
      .description('The runs that a time without Temporal missed.'),
  )
    .requiredOption('--from <time>', 'RFC 3339')
    .requiredOption('--to <time>', 'RFC 3339')
    .action(async (name: string, flags: ConnectFlags & { from: string; to: string }) => {
      const { from, to } = flags;
      const answer = await connect(flags).post<{ runs: number }>(`${one(name)}/backfill`, {
        ...{ from, to },
      });
      console.log(flags.json ? JSON.stringify(answer) : `${answer.runs} runs are started in turn.`);
    });
}

async function showReport(api: ApiClient, started: Started, flags: ConnectFlags): Promise<void> {
  const { operation: id, runId } = started;
  const watching = runId === undefined ? {} : { runId };
  const last = await watchOperation(api, id, createScreen(process.stderr), watching);
  const report = (last.progress as unknown as { report?: object }).report;
  if (report === undefined) throw new CommandError(`${id} ended as ${last.status}.`);
  if (flags.json) return console.log(JSON.stringify(report));
  for (const line of reportText(last)) console.log(line);
}

function policiesOf(file: string): { readonly [name: string]: unknown } {
  const read = readRecord(file);
  if (typeof read === 'object' && read !== null && !Array.isArray(read)) {
    return read as { readonly [name: string]: unknown };
  }
  throw new CommandError(`${file} must be a map of names and policies.`, exitCodes.usage);
}
