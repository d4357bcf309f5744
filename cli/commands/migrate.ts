import type { Command } from 'commander';
import { CommandError, exitCodes } from '../exit-codes';
import type { RunFlags } from '../run-operation';
import { runOperation, withRun } from '../run-operation';

interface MigrateFlags extends RunFlags {
  readonly index?: string[];
  readonly keyEnv: string;
  readonly keys: boolean;
}

/** `miroir migrate <url>`: one running Meilisearch into the fleet, while its clients go on writing. */
export function registerMigrate(program: Command): void {
  withRun(
    program
      .command('migrate <url>')
      .description('Bring a running Meilisearch into the fleet, while its clients go on writing.'),
  )
    .option(
      '--key-env <name>',
      'variable that holds its master key; keys are never taken from the command line',
      'MIROIR_SOURCE_KEY',
    )
    .option('--index <uid...>', 'only these indexes')
    .option('--no-keys', 'leave its API keys out')
    .action((url: string, flags: MigrateFlags) => {
      const key = process.env[flags.keyEnv];
      if (key === undefined && flags.keyEnv !== 'MIROIR_SOURCE_KEY') {
        throw new CommandError(`${flags.keyEnv} is not set.`, exitCodes.usage);
      }
      return runOperation(flags, (api, options) =>
        api.post('/_miroir/migrations', {
          ...options,
          ...{ url, keys: flags.keys },
          ...(key === undefined || key === '' ? {} : { key }),
          ...(flags.index === undefined ? {} : { indexes: flags.index }),
        }),
      );
    });
}
