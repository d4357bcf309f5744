import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { ApiClient } from './client';
import type { ConnectFlags } from './connect';
import { connect, withConnection } from './connect';
import { CommandError } from './exit-codes';
import { awaitOver, awaitPlan, isOver, planText, watchOperation } from './operations';
import type { Operation } from './operations';
import { createScreen } from './ui';

export interface RunFlags extends ConnectFlags {
  readonly dryRun?: true;
  readonly yes?: true;
  readonly wait?: true;
  readonly why?: string;
  readonly documentsPerSecond?: number;
  readonly parallelSyncs?: number;
  readonly graceMs?: number;
}

/** What the api answers to a start. */
export interface StartedRun {
  readonly operation: string;
  readonly runId?: string;
}

type Start = (api: ApiClient, options: object) => Promise<StartedRun>;

/** The options of every command that starts an operation. */
export function withRun(command: Command): Command {
  return withConnection(command)
    .option('--dry-run', 'print the plan and change nothing')
    .option('--yes', 'approve the plan without asking')
    .option('--wait', 'follow it to its end')
    .option('--why <reason>', 'stands in the topology log', '')
    .option('--documents-per-second <n>', 'throttle of the copies', count)
    .option('--parallel-syncs <n>', 'pairs of nodes that copy at once', count)
    .option('--grace-ms <n>', 'how long `reverse` stays possible after the cut over', whole);
}

/**
 * Starts an operation whose dry run is the same run, cancelled when it has shown its plan: those that
 * the planner of changes does not know.
 */
export async function runOperation(flags: RunFlags, start: Start): Promise<void> {
  const api = connect(flags);
  const { operation: id, runId } = await start(api, optionsOf(flags));
  const planned = await awaitPlan(api, id, runId);
  showPlan(planned, flags);
  if (isOver(planned)) return finish(planned);
  if (flags.dryRun) {
    await api.post(`${pathOf(id)}/cancel`, { why: 'dry run' });
    return;
  }
  await approveAndFollow(api, id, flags);
}

/** Starts a change of placement, whose dry run is a run of its own that only plans. */
export async function runChange(flags: RunFlags, start: Start): Promise<void> {
  const api = connect(flags);
  const options = { ...optionsOf(flags), ...(flags.dryRun ? { dryRun: true } : {}) };
  const { operation: id, runId } = await start(api, options);
  const planned = flags.dryRun ? await awaitOver(api, id, runId) : await awaitPlan(api, id, runId);
  showPlan(planned, flags);
  if (flags.dryRun || isOver(planned)) return finish(planned);
  await approveAndFollow(api, id, flags);
}

function optionsOf({ why, documentsPerSecond, parallelSyncs, graceMs }: RunFlags): object {
  return {
    who: process.env['USER'] ?? 'operator',
    why: why ?? '',
    ...(documentsPerSecond === undefined ? {} : { documentsPerSecond }),
    ...(parallelSyncs === undefined ? {} : { parallelSyncs }),
    ...(graceMs === undefined ? {} : { graceMs }),
  };
}

const pathOf = (id: string): string => `/_miroir/operations/${encodeURIComponent(id)}`;

async function approveAndFollow(api: ApiClient, id: string, flags: RunFlags): Promise<void> {
  const screen = createScreen(process.stdout);
  if (!flags.yes) {
    if (!flags.json) screen.line(`Waiting for approval: miroir ops approve ${id}`);
    return;
  }
  await api.post(`${pathOf(id)}/approve`);
  // Also with `--wait`: who is cut off from it needs the id.
  if (!flags.json) screen.line(`Running: miroir ops watch ${id}`);
  if (!flags.wait) return;
  const last = flags.json ? await awaitOver(api, id) : await watchOperation(api, id, screen);
  if (flags.json) console.log(JSON.stringify({ operation: id, status: last.status }));
  finish(last);
}

function showPlan({ id, plan, status }: Operation, flags: RunFlags): void {
  const shown = plan ?? null;
  if (flags.json) console.log(JSON.stringify({ operation: id, status, plan: shown }));
  else if (shown !== null) createScreen(process.stdout).line(planText(shown));
}

function finish({ id, status, error }: Operation): void {
  if (status === 'succeeded') return;
  const why = typeof error === 'string' ? ` ${error}` : '';
  throw new CommandError(`${id} ended as ${status}.${why}`);
}

export function count(text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number above 0.');
}

export function whole(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('A whole number of 0 or more.');
}

export function positive(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isFinite(number) && number > 0) return number;
  throw new InvalidArgumentError('A number above 0.');
}
