import type { ApiClient } from './client';
import { CommandError } from './exit-codes';
import { watchOperation } from './operations';
import { createScreen } from './ui';

/** Says where to look at a run that was started, or follows it to its end with `--wait`. */
export async function finishRun(
  api: ApiClient,
  operation: string,
  flags: { readonly json?: true; readonly wait?: true },
): Promise<void> {
  if (!flags.wait) {
    console.log(
      flags.json ? JSON.stringify({ operation }) : `Running: miroir ops watch ${operation}`,
    );
    return;
  }
  const last = await watchOperation(api, operation, createScreen(process.stderr));
  console.log(flags.json ? JSON.stringify(last) : `${operation}: ${last.status}, ${last.phase}`);
  if (last.status !== 'succeeded') throw new CommandError(`${operation} ended as ${last.status}.`);
}
