import type { Command } from 'commander';
import { registerApi } from './commands/api';
import { registerDev } from './commands/dev';
import { registerDoctor } from './commands/doctor';
import { registerWorker } from './commands/worker';

/** Every command of `miroir`, in the order that help shows them. */
export const registerCommands: readonly ((program: Command) => void)[] = [
  registerDev,
  registerApi,
  registerWorker,
  registerDoctor,
];
