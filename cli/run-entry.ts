import { spawn } from 'node:child_process';
import { builtEntry } from '../local/paths';

/**
 * Runs one of Miroir's process entries in the foreground and takes over its exit code. Its standard
 * input is a pipe to this process: it ends with us however we end.
 */
export function runEntry(entry: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', builtEntry(entry)], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const forward = (signal: NodeJS.Signals): boolean => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
    for (const signal of signals) process.on(signal, forward);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      for (const name of signals) process.removeListener(name, forward);
      process.exitCode = code ?? (signal === 'SIGKILL' ? 137 : 143);
      resolve();
    });
  });
}
