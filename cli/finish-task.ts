import type { ApiClient } from './client';
import { CommandError } from './exit-codes';
import { watchOperation } from './operations';
import { poll } from './poll';
import { createScreen } from './ui';

/** Says which task asks for a run, or follows the run to its end with `--wait`. */
export async function finishTask(
  api: ApiClient,
  { taskUid, operation }: { readonly taskUid: number; readonly operation: string },
  flags: { readonly json?: true; readonly wait?: true },
): Promise<void> {
  if (!flags.wait) {
    const asked = { taskUid, operation };
    console.log(flags.json ? JSON.stringify(asked) : `Task ${taskUid}: ${operation}`);
    return;
  }
  // The run is started when the task's turn comes, so at first there is none to be shown.
  await poll(
    `the beginning of ${operation}`,
    () => api.get<{ startedAt: string | null }>(`/tasks/${String(taskUid)}`),
    ({ startedAt }) => startedAt !== null,
  );
  const last = await watchOperation(api, operation, createScreen(process.stdout));
  if (last.status !== 'succeeded') {
    throw new CommandError(`${operation} ended as ${last.status}.`);
  }
  if (flags.json) console.log(JSON.stringify(last.plan));
}
