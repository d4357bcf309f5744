import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import type { Command } from 'commander';
import type { ApiClient } from '../client';
import type { ConnectFlags } from '../connect';
import { connect, withConnection } from '../connect';
import { CommandError, exitCodes } from '../exit-codes';
import { finishTask } from '../finish-task';
import { finishImport, showImportPlan, withImportOptions } from '../imports';
import type { ImportFlags } from '../imports';
import { createScreen } from '../ui';

const chunkBytes = 8 * 1024 * 1024;

interface Started {
  readonly operation: string;
  readonly runId: string;
  readonly id: string;
}

/** `miroir dump`: bring a Meilisearch dump into the fleet, and make one of it. */
export function registerDump(program: Command): void {
  const dump = program.command('dump').description('Import, make, list and fetch dumps.');

  withImportOptions(
    dump
      .command('import <file>')
      .description('Import a dump of Meilisearch: a file here, s3://bucket/key, or with --name.'),
  )
    .option('--name', '<file> is the name of a file in the dumps location')
    .action(importDump);

  withConnection(dump.command('create').description('Make a dump that one Meilisearch loads.'))
    .option('--wait', 'follow it to its end')
    .action(create);

  withConnection(dump.command('list').description('The dumps in the dumps location.')).action(
    async (flags: ConnectFlags) => {
      const { results } = await connect(flags).get<{ results: { name: string; bytes: number }[] }>(
        '/_miroir/dumps',
      );
      if (flags.json) return console.log(JSON.stringify(results));
      createScreen(process.stdout).table(
        ['dump', 'bytes'],
        results.map(({ name, bytes }) => [name, bytes]),
      );
    },
  );

  withConnection(dump.command('fetch <name> <file>').description('Download a dump.')).action(
    async (name: string, file: string, flags: ConnectFlags) => {
      await download(connect(flags), `/_miroir/dumps/${encodeURIComponent(name)}`, file);
      console.log(`${name} is in ${file}.`);
    },
  );

  withConnection(dump.command('delete <name>')).action(
    async (name: string, flags: ConnectFlags) => {
      await connect(flags).delete(`/_miroir/dumps/${encodeURIComponent(name)}`);
      console.log(`${name} is deleted.`);
    },
  );

  withConnection(
    dump
      .command('rejected <id> <file>')
      .description('Download the documents that an import set aside, one JSON object a line.'),
  ).action(async (id: string, file: string, flags: ConnectFlags) => {
    await download(connect(flags), `/_miroir/imports/${encodeURIComponent(id)}/rejected`, file);
    console.log(`What ${id} set aside is in ${file}.`);
  });

  withConnection(dump.command('retry <id>').description('Send what an import set aside once more.'))
    .option('--prefix <text>', 'the prefix that the import had', '')
    .option('--wait', 'follow it to its end')
    .action(async (id: string, flags: ConnectFlags & { prefix: string; wait?: true }) => {
      const api = connect(flags);
      const started = await api.post<Started>(`/_miroir/imports/${encodeURIComponent(id)}/retry`, {
        prefix: flags.prefix,
      });
      await finishImport(api, started, flags);
    });
}

async function importDump(file: string, flags: ImportFlags & { name?: true }): Promise<void> {
  const api = connect(flags);
  const source = flags.name
    ? { file }
    : file.startsWith('s3://')
      ? { url: file }
      : { upload: await upload(api, file, flags) };
  const started = await api.post<Started>('/_miroir/imports', { ...source, ...choices(flags) });
  if (flags.dryRun) await showImportPlan(api, started, flags);
  else await finishImport(api, started, flags);
}

export function choices(flags: ImportFlags): object {
  return {
    who: process.env['USER'] ?? 'operator',
    why: flags.why,
    ...{ indexes: flags.index ?? null, prefix: flags.prefix, existing: flags.existing },
    ...{
      keys: flags.keys,
      features: flags.features,
      aliases: flags.aliases,
      policies: flags.policies,
    },
    dryRun: flags.dryRun === true,
    documentsPerSecond: flags.documentsPerSecond ?? null,
  };
}

/** In chunks, each of which may be sent again; memory holds one. */
async function upload(
  api: ApiClient,
  file: string,
  flags: ConnectFlags,
): Promise<{ id: string; parts: number }> {
  const handle = await open(file, 'r').catch((error: unknown) => {
    throw new CommandError(`${file} cannot be read: ${(error as Error).message}`, exitCodes.usage);
  });
  const id = randomUUID();
  // With --json nothing but the answer is printed.
  const bar = flags.json ? null : createScreen(process.stdout).bar('upload');
  try {
    const { size } = await handle.stat();
    const parts = Math.max(1, Math.ceil(size / chunkBytes));
    for (let ordinal = 0; ordinal < parts; ordinal += 1) {
      const buffer = Buffer.alloc(Math.min(chunkBytes, size - ordinal * chunkBytes));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, ordinal * chunkBytes);
      await api.putBytes(`/_miroir/uploads/${id}/${ordinal}`, buffer.subarray(0, bytesRead));
      bar?.set(ordinal + 1, parts);
    }
    bar?.end();
    return { id, parts };
  } finally {
    await handle.close();
  }
}

async function create(flags: ConnectFlags & { wait?: true }): Promise<void> {
  const api = connect(flags);
  const { taskUid } = await api.post<{ taskUid: number }>('/dumps');
  await finishTask(api, { taskUid, operation: `dump/${String(taskUid)}` }, flags);
}

async function download(api: ApiClient, path: string, file: string): Promise<void> {
  const body = await api.stream(path);
  // It may hold what only its owner may read.
  await pipeline(
    Readable.fromWeb(body as ReadableStream<Uint8Array>),
    createWriteStream(file, { mode: 0o600 }),
  );
}
