import type { Command } from 'commander';
import { loadConfig } from '../../config/load';
import { runEntry } from '../run-entry';

export function registerWorker(program: Command): void {
  program
    .command('worker')
    .description('Run one worker process; settings come from the environment and MIROIR_CONFIG.')
    .action(async () => {
      // A wrong configuration is told here, before a process is started for it.
      loadConfig({ env: process.env });
      await runEntry('worker/main.js');
    });
}
