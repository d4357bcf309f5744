import type { Command } from 'commander';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError } from '../exit-codes';
import { finishImport, showImportPlan, withImportOptions } from '../imports';
import type { ImportFlags } from '../imports';
import { watchOperation } from '../operations';
import { reportText } from '../report-text';
import { createScreen } from '../ui';
import { registerBackupSchedule } from './backup-schedule';
import { choices } from './dump';

interface Drill {
  readonly at: string;
  readonly ok: boolean;
  readonly failures: readonly string[];
}

interface Listed {
  readonly id: string;
  readonly drill: Drill | null;
}

/** `miroir backup`: make, list, restore and prove backups. */
export function registerBackup(program: Command): void {
  const backup = program.command('backup').description('Make, list, restore and prove backups.');
  registerBackupSchedule(backup);
  const one = (id: string): string => `/_miroir/backups/${encodeURIComponent(id)}`;

  withConnection(backup.command('create').description('Back the whole fleet up.'))
    .option('--wait', 'follow it to its end')
    .action((flags: ConnectFlags & { wait?: true }) => run('/_miroir/backups', {}, flags));

  withConnection(backup.command('list').description('Newest first, with their drills.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: Listed[] }>('/_miroir/backups');
      if (flags.json) return console.log(JSON.stringify(results));
      createScreen(process.stdout).table(
        ['backup', 'drill', 'at', 'failures'],
        results.map(({ id, drill }) => [
          ...[id, drill === null ? 'never' : drill.ok ? 'proven' : 'not proven'],
          ...[drill?.at ?? '', drill?.failures.join('; ') ?? ''],
        ]),
      );
    },
  );

  withConnection(backup.command('show <id>').description('What is in it.')).action(
    async (id: string, flags: ConnectFlags) => {
      const manifest = await connect(flags).get<{
        indexes: { uid: string; documents: number; bytes: number; digest: string }[];
      }>(one(id));
      if (flags.json) return console.log(JSON.stringify(manifest));
      createScreen(process.stdout).table(
        ['index', 'documents', 'bytes', 'digest'],
        manifest.indexes.map(({ uid, documents, bytes, digest }) => [
          ...[uid, documents, bytes, digest],
        ]),
      );
    },
  );

  withImportOptions(
    backup.command('restore <id>').description('Restore it into this fleet.'),
  ).action(async (id: string, flags: ImportFlags) => {
    const api = connect(flags);
    const started = await api.post<{ operation: string; runId: string; id: string }>(
      `${one(id)}/restore`,
      choices(flags),
    );
    if (flags.dryRun) await showImportPlan(api, started, flags);
    else await finishImport(api, started, flags);
  });

  withConnection(
    backup
      .command('drill [id]')
      .description('Restore the newest backup (or this one) for proof, and delete that again.'),
  )
    .option('--wait', 'follow it to its end')
    .action((id: string | undefined, flags: ConnectFlags & { wait?: true }) =>
      run('/_miroir/backups/drill', id === undefined ? {} : { backup: id }, flags),
    );

  withConnection(backup.command('delete <id>')).action(async (id: string, flags: ConnectFlags) => {
    await connect(flags).delete(one(id));
    console.log(`${id} is deleted.`);
  });
}

async function run(
  path: string,
  body: object,
  flags: ConnectFlags & { readonly wait?: true },
): Promise<void> {
  const api = connect(flags);
  const started = await api.post<{ operation: string; runId: string }>(path, body);
  if (!flags.wait) {
    console.log(
      flags.json ? JSON.stringify(started) : `Running: miroir ops watch ${started.operation}`,
    );
    return;
  }
  const { runId } = started;
  const screen = createScreen(process.stdout);
  const last = await watchOperation(api, started.operation, screen, { runId });
  if (flags.json) console.log(JSON.stringify(last.plan));
  else for (const line of reportText(last)) console.log(line);
  const { ok, failures } = (last.plan ?? {}) as { ok?: boolean; failures?: readonly string[] };
  if (last.status !== 'succeeded') {
    throw new CommandError(`${started.operation} ended as ${last.status}.`);
  }
  if (ok === false) throw new CommandError(`The backup does not hold: ${failures?.join(' ')}`);
}
