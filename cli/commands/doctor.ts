import type { Command } from 'commander';
import { diagnose } from '../../local/doctor';
import { exitCodes } from '../exit-codes';

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Say what is there, what is missing, and how to get it.')
    .option('--json', 'print the checks as JSON')
    .action(async (flags: { json?: true }) => {
      const checks = await diagnose(process.env);
      if (flags.json === true) console.log(JSON.stringify(checks));
      for (const check of flags.json === true ? [] : checks) {
        const verdict = check.ok ? 'ok' : check.optional ? 'absent' : 'missing';
        console.log(`${check.name.padEnd(12)} ${verdict.padEnd(8)} ${check.text}`);
      }
      const fine = checks.every((check) => check.ok || check.optional);
      process.exitCode = fine ? exitCodes.ok : exitCodes.missing;
    });
}
