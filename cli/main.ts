#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { registerCommands } from './commands';
import { exitCodes } from './exit-codes';

async function main(): Promise<void> {
  const program = new Command('miroir')
    .description('One endpoint that speaks Meilisearch before a fleet of Meilisearch nodes.')
    .version('0.1.0')
    .showHelpAfterError('(miroir --help lists the commands)')
    .exitOverride();
  for (const register of registerCommands) register(program);
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** Prints what a person needs, without a stack, and gives the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const { message, code, exitCode } = error as {
    message?: string;
    code?: unknown;
    exitCode?: unknown;
  };
  console.error(`miroir: ${message ?? String(error)}`);
  if (typeof exitCode === 'number') return exitCode;
  if (code === 'config_invalid') return exitCodes.usage;
  return code === 'part_missing' ? exitCodes.missing : exitCodes.failed;
}

void main();
