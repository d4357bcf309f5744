import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { finishRun } from '../run-now';
import type { Started } from '../run-now';
import { createScreen } from '../ui';

interface Ttl {
  readonly index: string;
  readonly enabled: boolean;
  readonly defaultTtlMs: number | null;
  readonly expiredNow: number | null;
  readonly lastSweep: { at: string; deleted: number; deletedTotal: number; left: number } | null;
}

interface SetFlags extends ConnectFlags {
  readonly default?: number;
  readonly disabled?: true;
  readonly why: string;
}

const path = (index: string): string => `/_miroir/indexes/${encodeURIComponent(index)}/ttl`;
const units: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `miroir ttl`: indexes whose documents expire. */
export function registerTtl(program: Command): void {
  const ttl = program.command('ttl').description('Documents that expire: list, set, off, sweep.');

  withConnection(ttl.command('list').description('Indexes whose documents expire.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: Ttl[] }>('/_miroir/ttl');
      if (flags.json) return console.log(JSON.stringify(results));
      show(results);
    },
  );

  withConnection(ttl.command('show <index>').description('One index, and what is due.')).action(
    async (index: string, flags: ConnectFlags) => {
      const one = await connect(flags).get<Ttl>(path(index));
      if (flags.json) return console.log(JSON.stringify(one));
      show([one]);
    },
  );

  withConnection(ttl.command('set <index>').description('Let documents of an index expire.'))
    .option(
      '--default <time>',
      'what a new document lives without a time of its own: 30d',
      duration,
    )
    .option('--disabled', 'keep the times, delete nothing')
    .option('--why <reason>', 'stands in the topology log', '')
    .action(async (index: string, flags: SetFlags) => {
      const one = await connect(flags).put<Ttl>(path(index), {
        enabled: flags.disabled !== true,
        defaultTtlMs: flags.default ?? null,
        who: process.env['USER'] ?? 'operator',
        why: flags.why,
      });
      if (flags.json) return console.log(JSON.stringify(one));
      show([one]);
    });

  withConnection(
    ttl.command('off <index>').description('Documents of the index expire no more.'),
  ).action(async (index: string, flags: ConnectFlags) => {
    await connect(flags).delete(path(index));
    if (!flags.json) console.log(`Documents of ${index} expire no more.`);
  });

  withConnection(ttl.command('sweep <index>').description('Delete what has expired now.'))
    .option('--wait', 'follow it to its end')
    .action(async (index: string, flags: ConnectFlags & { wait?: true }) => {
      const api = connect(flags);
      const started = await api.post<Started>(`${path(index)}/sweep`);
      await finishRun(api, started, flags);
    });
}

function show(all: readonly Ttl[]): void {
  createScreen(process.stdout).table(
    ['index', 'expires', 'default', 'expired now', 'last sweep', 'deleted', 'in all'],
    all.map(({ index, enabled, defaultTtlMs, expiredNow, lastSweep }) => [
      index,
      enabled ? 'yes' : 'no',
      defaultTtlMs === null ? 'never' : `${defaultTtlMs / 1_000} s`,
      expiredNow ?? 'unknown',
      lastSweep?.at ?? 'never',
      lastSweep?.deleted ?? 0,
      lastSweep?.deletedTotal ?? 0,
    ]),
  );
}

function duration(text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const ms = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? NaN);
  if (Number.isSafeInteger(ms) && ms > 0) return ms;
  throw new InvalidArgumentError('A time like 45s, 30m, 12h or 30d.');
}
