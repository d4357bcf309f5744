import type { Command } from 'commander';
import { ApiClient } from './client';
import { CommandError, exitCodes } from './exit-codes';

export interface ConnectFlags {
  readonly api?: string;
  readonly json?: true;
}

/** The options of every command that speaks to a running api. Keys come from the environment only. */
export function withConnection(command: Command): Command {
  return command
    .option('--api <url>', 'url of the api (MIROIR_API)')
    .option('--json', 'print the answer as JSON');
}

/**
 * The client of the api that the flags or the environment name. Keys are never taken from the command
 * line, where other users of the machine could read them.
 */
export function connect(flags: ConnectFlags, env: NodeJS.ProcessEnv = process.env): ApiClient {
  const api = flags.api ?? env['MIROIR_API'];
  const adminKey = env['MIROIR_ADMIN_KEY'];
  if (api === undefined || adminKey === undefined) {
    throw new CommandError(
      'Set MIROIR_API (or --api) and MIROIR_ADMIN_KEY; `miroir dev` prints both.',
      exitCodes.usage,
    );
  }
  return new ApiClient({ api, adminKey, masterKey: env['MIROIR_MASTER_KEY'] ?? null });
}
