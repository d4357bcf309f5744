import type { Command } from 'commander';
import type { ApiClient } from '../client';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError } from '../exit-codes';
import { count } from '../run-operation';
import { etaText, isOver, operation, planText, watchOperation } from '../operations';
import type { Operation } from '../operations';
import { reportText } from '../report-text';
import { createScreen } from '../ui';

export { count };

interface VerbFlags extends ConnectFlags {
  readonly who?: string;
  readonly why?: string;
}

const verbs = {
  approve: 'Let a planned operation run.',
  pause: 'Stop at the next safe place; nothing is lost.',
  resume: 'Go on after a pause.',
  cancel: 'Undo what was done, while there is a way back.',
  reverse: 'Flip reads back within the grace time; of what is over, start the opposite.',
  proceed: 'Say that what it waits for outside was done: node restarted, writers stopped.',
} as const;

/** `miroir ops`: what runs and what ran, and the verbs. */
export function registerOps(program: Command): void {
  const ops = program.command('ops').description('List operations and steer them.');

  withConnection(ops.command('list').description('Newest first.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: Operation[] }>('/_miroir/operations');
      if (flags.json) return console.log(JSON.stringify(results));
      createScreen(process.stdout).table(
        ['operation', 'status', 'phase', 'done', 'of', 'documents'],
        results.map(({ id, status, phase, progress }) => [
          id,
          status,
          phase,
          progress.done,
          progress.total,
          progress.documentsCopied,
        ]),
      );
    },
  );

  withConnection(
    ops
      .command('show <id>')
      .description('One operation, with its plan, or with what it found and did.'),
  ).action(async (id: string, flags: ConnectFlags) => show(connect(flags), id, flags));

  withConnection(
    ops.command('queue').description('Which operation has which groups, and who waits for them.'),
  ).action(async (flags: ConnectFlags) => queue(flags));

  withConnection(ops.command('watch <id>').description('Follow it to its end.')).action(
    async (id: string, flags: ConnectFlags) => {
      const last = await watchOperation(connect(flags), id, createScreen(process.stdout));
      if (last.status !== 'succeeded') throw new CommandError(`${id} ended as ${last.status}.`);
    },
  );

  for (const [verb, about] of Object.entries(verbs)) {
    withConnection(ops.command(`${verb} <id>`).description(about))
      .option('--who <name>', 'stands in the topology log', process.env['USER'] ?? 'operator')
      .option('--why <reason>', 'stands in the topology log', '')
      .action(async (id: string, flags: VerbFlags) => {
        const { who, why } = flags;
        await send(connect(flags), id, { verb, message: { who, why }, flags });
      });
  }

  withConnection(ops.command('throttle <id>').description('Change the speed of its copies.'))
    .option('--documents-per-second <n>', 'leave it out to take the throttle away', count)
    .action(async (id: string, flags: ConnectFlags & { documentsPerSecond?: number }) => {
      const message = { documentsPerSecond: flags.documentsPerSecond ?? null };
      await send(connect(flags), id, { verb: 'throttle', message, flags });
    });
}

interface Queue {
  readonly holders: readonly { readonly group: number; readonly operation: string }[];
  readonly queue: readonly { readonly operation: string; readonly groups: readonly number[] }[];
}

async function queue(flags: ConnectFlags): Promise<void> {
  const view = await connect(flags).get<Queue>('/_miroir/operations/queue');
  if (flags.json) return console.log(JSON.stringify(view));
  createScreen(process.stdout).table(
    ['operation', 'state', 'groups'],
    [
      ...view.holders.map(({ group, operation: id }) => [id, 'runs', String(group)]),
      ...view.queue.map(({ operation: id, groups }) => [id, 'waits', groups.join(',')]),
    ],
  );
}

async function show(api: ApiClient, id: string, flags: ConnectFlags): Promise<void> {
  const view = await operation(api, id);
  if (flags.json) return console.log(JSON.stringify(view));
  const screen = createScreen(process.stdout);
  screen.line(`${view.id}: ${view.status}, ${view.phase}`);
  if (view.progress.waitingFor !== null) screen.line(`waiting for: ${view.progress.waitingFor}`);
  if (view.eta) screen.line(etaText(view.eta));
  for (const { at, who, what, why } of view.events ?? []) {
    screen.line(`${new Date(at).toISOString()} ${who}: ${what} (${why})`);
  }
  if (typeof view.error === 'string') screen.line(`error: ${view.error}`);
  for (const line of reportText(view)) screen.line(line);
  if (view.temporal.url !== undefined) screen.line(view.temporal.url);
  if (view.plan && !isOver(view)) screen.line(planText(view.plan));
}

async function send(
  api: ApiClient,
  id: string,
  how: { verb: string; message: object; flags: ConnectFlags },
): Promise<void> {
  const answer = await api.post<{ phase?: string; operation?: string }>(
    `/_miroir/operations/${encodeURIComponent(id)}/${how.verb}`,
    how.message,
  );
  if (how.flags.json) return console.log(JSON.stringify(answer));
  // What is over is reversed by an operation of its own.
  const taken =
    answer.operation === undefined
      ? `${id}: ${how.verb} taken in phase ${answer.phase ?? ''}`
      : `${answer.operation}: started. Look at its plan: miroir plan ${answer.operation}`;
  console.log(taken);
}
