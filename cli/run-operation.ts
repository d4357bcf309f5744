import type { Command } from 'commander';
import type { ApiClient } from './client';
import { count } from './commands/ops';
import type { ConnectFlags } from './connect';
import { connect, withConnection } from './connect';
import { CommandError } from './exit-codes';
import { awaitPlan, isOver, planText, watchOperation } from './operations';
import { createScreen } from './ui';

export interface RunFlags extends ConnectFlags {
  readonly dryRun?: true;
  readonly yes?: true;
  readonly wait?: true;
  readonly why?: string;
  readonly documentsPerSecond?: number;
}

/** What the api answers to a start. */
export interface StartedRun {
  readonly operation: string;
  readonly runId?: string;
}

/** The options of every command that starts an operation. */
export function withRun(command: Command): Command {
  return withConnection(command)
    .option('--dry-run', 'print the plan and change nothing')
    .option('--yes', 'approve the plan without asking')
    .option('--wait', 'follow it to its end')
    .option('--why <reason>', 'stands in the topology log', '')
    .option('--documents-per-second <n>', 'throttle of the copies', count);
}

/**
 * Starts an operation. The plan is always made by the run itself: a dry run is the same run, cancelled
 * when it has shown its plan.
 */
export async function runOperation(
  flags: RunFlags,
  start: (api: ApiClient, options: object) => Promise<StartedRun>,
): Promise<void> {
  const api = connect(flags);
  const screen = createScreen(process.stdout);
  const { operation: id, runId } = await start(api, {
    who: process.env['USER'] ?? 'operator',
    why: flags.why ?? '',
    ...(flags.documentsPerSecond === undefined
      ? {}
      : { documentsPerSecond: flags.documentsPerSecond }),
  });
  const planned = await awaitPlan(api, id, runId);
  if (flags.json) console.log(JSON.stringify({ operation: id, plan: planned.plan ?? null }));
  else if (planned.plan) screen.line(planText(planned.plan));
  if (isOver(planned)) return finish(id, planned.status);
  const path = `/_miroir/operations/${encodeURIComponent(id)}`;
  if (flags.dryRun) {
    await api.post(`${path}/cancel`, { why: 'dry run' });
    return;
  }
  if (!flags.yes) {
    screen.line(`Waiting for approval: miroir ops approve ${id}`);
    return;
  }
  await api.post(`${path}/approve`);
  if (flags.wait) finish(id, (await watchOperation(api, id, screen)).status);
  else screen.line(`Running: miroir ops watch ${id}`);
}

function finish(id: string, status: string): void {
  if (status !== 'succeeded') throw new CommandError(`${id} ended as ${status}.`);
}
