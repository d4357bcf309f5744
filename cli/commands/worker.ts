import type { Command } from 'commander';
import { loadConfig } from '../../config/load';
import { runEntry } from '../run-entry';

export function registerWorker(program: Command): void {
  const worker = program
    .command('worker')
    .description('Run one worker process; settings come from the environment and MIROIR_CONFIG.')
    .action(async () => {
      // A wrong configuration is told here, before a process is started for it.
      loadConfig({ env: process.env });
      await runEntry('worker/main.js');
    });
  worker
    .command('check-runs')
    .description('Replay every open run on this build: before it is deployed. Changes nothing.')
    .action(async () => {
      loadConfig({ env: process.env });
      await runEntry('worker/check-runs.js');
    });
}
