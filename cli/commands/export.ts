import type { Command } from 'commander';
import { CommandError, exitCodes } from '../exit-codes';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { finishTask } from '../finish-task';

const keyVariable = 'MIROIR_TARGET_KEY';

interface ExportFlags extends ConnectFlags {
  readonly index?: string[];
  readonly filter?: string;
  readonly overrideSettings?: true;
  readonly payloadSize?: string;
  readonly keyEnv: string;
  readonly wait?: true;
}

/** `miroir export <url>`: indexes with their settings to another Meilisearch, by `POST /export`. */
export function registerExport(program: Command): void {
  withConnection(
    program
      .command('export <url>')
      .description('Send indexes with their settings to another Meilisearch.'),
  )
    .option(
      '--key-env <name>',
      'variable that holds its key; keys are never taken from the command line',
      keyVariable,
    )
    .option('--index <pattern...>', 'only these: names, or the beginning of names and *')
    .option('--filter <filter>', 'only documents that match it')
    .option('--override-settings', 'also replace the settings of indexes that are there')
    .option('--payload-size <size>', 'documents in one request, as 50MiB')
    .option('--wait', 'follow it to its end')
    .action(send);
}

async function send(url: string, flags: ExportFlags): Promise<void> {
  const apiKey = process.env[flags.keyEnv] ?? '';
  if (apiKey === '' && flags.keyEnv !== keyVariable) {
    throw new CommandError(`${flags.keyEnv} is not set.`, exitCodes.usage);
  }
  const { filter, overrideSettings = false, payloadSize } = flags;
  const choice = { ...(filter === undefined ? {} : { filter }), overrideSettings };
  const api = connect(flags);
  const { taskUid } = await api.post<{ taskUid: number }>('/export', {
    url,
    ...(apiKey === '' ? {} : { apiKey }),
    ...(payloadSize === undefined ? {} : { payloadSize }),
    indexes: Object.fromEntries((flags.index ?? ['*']).map((pattern) => [pattern, choice])),
  });
  await finishTask(api, { taskUid, operation: `export/${String(taskUid)}` }, flags);
}
