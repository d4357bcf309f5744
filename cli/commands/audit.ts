import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { count } from './ops';

interface AuditFlags extends ConnectFlags {
  readonly limit: number;
  readonly who?: string;
  readonly action?: string;
  readonly operation?: string;
  readonly since?: string;
  readonly refused?: true;
}

interface Entry {
  readonly at: string;
  readonly who: string;
  readonly why: string;
  readonly action: string;
  readonly target: Readonly<Record<string, string>>;
  readonly details: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly refused: string | null;
  readonly operation: string | null;
}

/** `miroir audit`: what operators did. */
export function registerAudit(program: Command): void {
  withConnection(program.command('audit').description('What operators did, who and why.'))
    .option('--limit <n>', 'how many', count, 50)
    .option('--who <name>', 'only by this name')
    .option('--action <text>', 'only actions that contain this, as `drain`')
    .option('--operation <id>', 'only what started or steered this operation')
    .option('--since <time>', 'only since then, as 2026-01-31T12:00:00Z')
    .option('--refused', 'only what was refused')
    .action(async (flags: AuditFlags) => {
      const { limit, who, action, operation, since, refused } = flags;
      const given = { who, action, operation, since, refused: refused && 'true' };
      const query = new URLSearchParams({ limit: String(limit) });
      for (const [name, value] of Object.entries(given)) {
        if (value !== undefined) query.set(name, value);
      }
      const { results } = await connect(flags).get<{ results: Entry[] }>(
        `/_miroir/audit?${query.toString()}`,
      );
      if (flags.json) return console.log(JSON.stringify(results));
      for (const entry of results) console.log(lineOf(entry));
    });
}

function lineOf(entry: Entry): string {
  const action = entry.action.replace(/\{(\w+)\}/g, (name, key: string) => {
    return entry.target[key] ?? name;
  });
  const details = Object.keys(entry.details).length === 0 ? [] : [JSON.stringify(entry.details)];
  return [
    ...[entry.at, entry.who, action, String(entry.status)],
    ...(entry.refused === null ? [] : [entry.refused]),
    ...(entry.operation === null ? [] : [`-> ${entry.operation}`]),
    ...details,
    ...(entry.why === '' ? [] : [`(${entry.why})`]),
  ].join('  ');
}
