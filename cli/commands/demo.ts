import type { Command } from 'commander';
import { devTable } from '../../local/dev-line';
import type { RunningFleet } from '../../local/fleet';
import { runDemo } from '../demo/demo';
import { exitCodes } from '../exit-codes';
import { createScreen } from '../ui';

export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('Start a fleet, load films, search, grow, roll over, and show what was proven.')
    .option('--keep', 'leave the fleet running at the end, until Ctrl-C')
    .action(async (flags: { keep?: true }) => {
      const screen = createScreen(process.stdout);
      let running: RunningFleet | null = null;
      const interrupted = nextSignal();
      // Ctrl-C in the middle of a step stops all parts; the steps themselves need not know of it.
      void interrupted.then(async () => {
        await running?.close();
        process.exit(exitCodes.interrupted);
      });
      const keep = async (fleet: RunningFleet): Promise<void> => {
        screen.line(`\n${devTable(fleet.line(), fleet.sources)}\n\nCtrl-C stops everything.`);
        await interrupted;
      };
      const shown = await runDemo(screen, flags.keep === true ? keep : null, (fleet) => {
        running = fleet;
      });
      process.exitCode = shown ? exitCodes.ok : exitCodes.failed;
    });
}

function nextSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}
