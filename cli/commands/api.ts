import type { Command } from 'commander';
import { loadConfig } from '../../config/load';
import { runEntry } from '../run-entry';

export function registerApi(program: Command): void {
  program
    .command('api')
    .description('Run one api process; settings come from the environment and MIROIR_CONFIG.')
    .action(async () => {
      // A wrong configuration is told here, before a process is started for it.
      loadConfig({ env: process.env });
      await runEntry('api/main.js');
    });
}
