import type { Command } from 'commander';
import type { ApiClient } from './client';
import { count } from './commands/ops';
import type { ConnectFlags } from './connect';
import { withConnection } from './connect';
import { CommandError } from './exit-codes';
import { isOver, operation, watchOperation } from './operations';
import type { Operation } from './operations';
import { poll } from './poll';
import { createScreen, tableText } from './ui';

export interface ImportFlags extends ConnectFlags {
  readonly index?: readonly string[];
  readonly prefix: string;
  readonly existing: string;
  readonly keys: boolean;
  readonly features: boolean;
  readonly aliases: boolean;
  readonly policies: boolean;
  readonly dryRun?: true;
  readonly wait?: true;
  readonly why: string;
  readonly documentsPerSecond?: number;
}

interface PlanView {
  readonly version: string;
  readonly documents: number;
  readonly keys: number;
  readonly aliases: number;
  readonly indexes: readonly {
    readonly from: string;
    readonly uid: string;
    readonly primaryKey: string | null;
    readonly documents: number;
    readonly exists: boolean;
  }[];
  readonly notes: readonly string[];
}

interface Started {
  readonly operation: string;
  readonly runId: string;
  readonly id: string;
}

/** What every import may be told, from a dump or from a backup. */
export function withImportOptions(command: Command): Command {
  return withConnection(command)
    .option('--dry-run', 'read it and say what would be imported; change nothing')
    .option('--wait', 'follow it to its end')
    .option('--index <uid...>', 'only these indexes')
    .option('--prefix <text>', 'put before the name of each index', '')
    .option('--existing <how>', 'an index that is there: `refuse`, or `merge` into it', 'refuse')
    .option('--no-keys', 'leave the API keys out')
    .option('--no-features', 'leave the experimental features as they are')
    .option('--no-aliases', 'leave the aliases of a backup out')
    .option('--no-policies', 'leave the rollover policies and canaries of a backup out')
    .option('--why <reason>', 'stands in the topology log', '')
    .option('--documents-per-second <n>', 'throttle', count);
}

const planOf = (view: Operation): PlanView | null =>
  ((view.plan as { plan?: PlanView } | null | undefined)?.plan ?? null) as PlanView | null;

export async function showImportPlan(
  api: ApiClient,
  { operation: id }: Started,
  flags: ConnectFlags,
): Promise<void> {
  const view = await poll(`the plan of ${id}`, () => operation(api, id).catch(() => null), over);
  const plan = planOf(view);
  if (plan === null || view.status !== 'succeeded') throw failed(view);
  console.log(flags.json ? JSON.stringify(plan) : planText(plan));
}

const over = (view: Operation | null): view is Operation => view !== null && isOver(view);

/** Watches it if it was asked to; a document set aside is told with what to do about it. */
export async function finishImport(
  api: ApiClient,
  { operation: id, runId, id: importId }: Started,
  flags: ConnectFlags & { readonly wait?: true },
): Promise<void> {
  if (!flags.wait) {
    console.log(
      flags.json
        ? JSON.stringify({ operation: id, id: importId })
        : `Running: miroir ops watch ${id}`,
    );
    return;
  }
  const last = await watchOperation(api, id, createScreen(process.stdout), { runId });
  if (last.status !== 'succeeded') throw failed(last);
  const { documents, setAside } = last.plan as unknown as { documents: number; setAside: number };
  if (flags.json) return console.log(JSON.stringify(last.plan));
  console.log(`${documents} documents imported.`);
  if (setAside === 0) return;
  console.log(
    `${setAside} were set aside: miroir dump rejected ${importId} FILE, then miroir dump retry ${importId}`,
  );
}

function failed({ id, status, error }: Operation): CommandError {
  const reason = typeof error === 'string' ? `: ${error}` : '.';
  return new CommandError(`${id} ended as ${status}${reason}`);
}

function planText(plan: PlanView): string {
  const rows = plan.indexes.map(({ from, uid, primaryKey, documents, exists }) => [
    ...[from, uid, exists ? 'added to' : 'new', primaryKey ?? '', documents],
  ]);
  const table = tableText(['in the archive', 'index', '', 'primary key', 'documents'], rows);
  const sums = `  ${plan.documents} documents, ${plan.keys} keys, ${plan.aliases} aliases, made by ${plan.version}`;
  return [table + sums, ...plan.notes.map((note) => `  ${note}`)].join('\n');
}
