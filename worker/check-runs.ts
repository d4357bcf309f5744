import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { Config } from '../config/config';
import { loadConfig } from '../config/load';
import { workflowsOf } from './start-worker';

/** Open runs and what this build would make of them. */
export interface RunsCheck {
  readonly open: number;
  readonly failed: readonly { readonly workflowId: string; readonly reason: string }[];
}

/**
 * Replays every open run of the fleet on the workflows of this build, without touching the runs: what
 * does not replay would stand still as soon as a worker of this build had it.
 */
export async function checkRuns(config: Config, env: NodeJS.ProcessEnv): Promise<RunsCheck> {
  const { address, namespace, taskQueue } = config.temporal;
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection, namespace });
    const query = `ExecutionStatus = "Running" AND TaskQueue = "${taskQueue}"`;
    const histories = client.workflow.list({ query }).intoHistories();
    const failed: { workflowId: string; reason: string }[] = [];
    let open = 0;
    for await (const { workflowId, error } of Worker.runReplayHistories(
      workflowsOf(env),
      histories,
    )) {
      open += 1;
      if (error !== undefined) failed.push({ workflowId, reason: error.message });
    }
    return { open, failed };
  } finally {
    await connection.close();
  }
}

/** Prints one line of JSON; ends with 1 when a run would stand still. */
async function main(): Promise<void> {
  const { env } = process;
  // What does not replay is told below, by name.
  Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF' } },
    shutdownSignals: [],
  });
  const check = await checkRuns(loadConfig({ env }), env);
  process.stdout.write(`${JSON.stringify(check)}\n`);
  process.exitCode = check.failed.length === 0 ? 0 : 1;
}

if (require.main === module) {
  main().then(
    () => process.exit(),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      process.exit(2);
    },
  );
}
