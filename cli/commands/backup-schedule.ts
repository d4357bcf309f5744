import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { count } from '../run-operation';
import { finishRun } from '../run-now';
import type { Started } from '../run-now';
import { createScreen } from '../ui';

interface Schedule {
  readonly name: string;
  readonly source: 'operator' | 'configuration' | 'none';
  readonly enabled: boolean;
  readonly everyMs: number | null;
  readonly jitterMs: number | null;
  readonly keep: number | null;
  readonly pauseNote: string | null;
  readonly next: string | null;
  readonly lastStarted: string | null;
}

interface SetFlags extends ConnectFlags {
  readonly every?: string;
  readonly jitter?: string;
  readonly catchUp?: string;
  readonly keep?: number;
}

const path = '/_miroir/backups/schedules';
const one = (name: string): string => `${path}/${encodeURIComponent(name)}`;

/** `miroir backup schedule`: when backups are made and proven by themselves. */
export function registerBackupSchedule(backup: Command): void {
  const schedule = backup
    .command('schedule')
    .description('When backups are made (`backup`) and proven (`drill`) by themselves.');

  withConnection(schedule.command('list').description('Both, and when they are due.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: Schedule[] }>(path);
      print(results, flags);
    },
  );

  withConnection(
    schedule.command('set <name>').description('Set all of it; what is left out is as configured.'),
  )
    .option('--every <time>', 'as `12h` or `1d`')
    .option('--jitter <time>', 'runs begin up to so much later')
    .option('--catch-up <time>', 'a run that was missed by less than this is made up for')
    .option('--keep <n>', 'so many backups are kept', count)
    .action(async (name: string, { every, jitter, catchUp, keep, ...flags }: SetFlags) => {
      const body = { every, jitter, catchUp, keep };
      print([await connect(flags).put<Schedule>(one(name), body)], flags);
    });

  withConnection(schedule.command('pause <name>').description('Stop it; runs by hand go on.'))
    .option('--note <text>', 'why, for whoever finds it paused')
    .action(async (name: string, { note, ...flags }: ConnectFlags & { note?: string }) => {
      const body = note === undefined ? {} : { note };
      print([await connect(flags).post<Schedule>(`${one(name)}/pause`, body)], flags);
    });

  withConnection(schedule.command('resume <name>').description('Let it go on.')).action(
    async (name: string, flags: ConnectFlags) => {
      print([await connect(flags).post<Schedule>(`${one(name)}/resume`)], flags);
    },
  );

  withConnection(schedule.command('run <name>').description('Run it now, beside the schedule.'))
    .option('--wait', 'follow it to its end')
    .action(async (name: string, flags: ConnectFlags & { wait?: true }) => {
      const api = connect(flags);
      await finishRun(api, await api.post<Started>(`${one(name)}/run`), flags);
    });

  withConnection(
    schedule.command('delete <name>').description('Let the configuration decide again.'),
  ).action(async (name: string, flags: ConnectFlags) => {
    await connect(flags).delete(one(name));
    if (!flags.json) console.log(`${name} is as the configuration says.`);
  });
}

function print(all: readonly Schedule[], { json }: ConnectFlags): void {
  if (json) return console.log(JSON.stringify(all));
  createScreen(process.stdout).table(
    ['schedule', 'set by', 'state', 'every', 'keep', 'last started', 'next'],
    all.map(({ name, source, enabled, everyMs, keep, pauseNote, lastStarted, next }) => [
      ...[name, source === 'none' ? '' : source],
      source === 'none' ? 'off' : enabled ? 'runs' : `paused ${pauseNote ?? ''}`.trim(),
      everyMs === null ? '' : timeText(everyMs),
      ...[keep ?? '', lastStarted ?? '', next ?? ''],
    ]),
  );
}

function timeText(ms: number): string {
  const units = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'm'],
  ] as const;
  const fitting = units.find(([unit]) => ms % unit === 0);
  return fitting === undefined ? `${ms / 1_000}s` : `${ms / fitting[0]}${fitting[1]}`;
}
