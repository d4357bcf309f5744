import type { ApiClient } from './client';
import { CommandError } from './exit-codes';
import { isOver, watchOperation } from './operations';
import { reportText } from './report-text';
import { createScreen } from './ui';

/** What the api answers to a start: runs of one operation share its id, so the run is told apart. */
export interface Started {
  readonly operation: string;
  readonly runId?: string;
}

/** Says where to look at a run that was started, or follows it to its end with `--wait`. */
export async function finishRun(
  api: ApiClient,
  { operation, runId }: Started,
  flags: { readonly json?: true; readonly wait?: true },
): Promise<void> {
  if (!flags.wait) {
    console.log(
      flags.json ? JSON.stringify({ operation }) : `Running: miroir ops watch ${operation}`,
    );
    return;
  }
  const watching = runId === undefined ? {} : { runId };
  const screen = createScreen(process.stderr);
  const last = await watchOperation(api, operation, screen, watching);
  if (flags.json) {
    console.log(JSON.stringify(last));
  } else {
    console.log(`${operation}: ${last.status}, ${last.phase}`);
    for (const line of reportText(last)) console.log(line);
  }
  // The run after it may have begun before its end could be read.
  if (isOver(last) && last.status !== 'succeeded')
    throw new CommandError(`${operation} ended as ${last.status}.`);
}
