import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestFleet } from '../activities/fleet-for-test';
import { builtForTest } from '../support/built';
import { redisForTest } from '../support/redis';
import type { TemporalForTest } from '../support/temporal';

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** How it ended: an exit code or a signal. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly log: () => string;
}

/** Starts a worker process of a fleet and waits for its line on standard output. */
export async function startWorkerProcess(
  fleet: TestFleet,
  temporal: TemporalForTest,
  extra: Readonly<Record<string, string>> = {},
): Promise<WorkerProcess> {
  const child = spawn(process.execPath, [join(builtForTest(), 'worker', 'main.js')], {
    env: {
      PATH: process.env['PATH'],
      REDIS_URL: redisForTest().url,
      MIROIR_REDIS_PREFIX: fleet.prefix,
      TEMPORAL_ADDRESS: temporal.address,
      MIROIR_TEMPORAL_NAMESPACE: temporal.namespace,
      MIROIR_TASK_QUEUE: temporal.taskQueue,
      MIROIR_WORKFLOW_BUNDLE: temporal.workflowBundlePath ?? '',
      MIROIR_NODE_KEY: fleet.masterKey,
      MIROIR_ADMIN_KEY: 'admin-key-of-the-worker-test',
      MIROIR_NODE_DEADLINE_MS: '500',
      MIROIR_REQUEST_DEADLINE_MS: '600',
      MIROIR_FENCE_MAX_MS: '500',
      MIROIR_SYNC_BARRIER_EXTRA_MS: '10',
      MIROIR_SYNC_RANGE_DOCUMENTS: '50',
      MIROIR_POD_LEASE_MS: '1000',
      MIROIR_POD_HEARTBEAT_MS: '200',
      MIROIR_WRITER_LEASE_MS: '1000',
      MIROIR_WORKER_HEARTBEAT_MS: '1000',
      MIROIR_WORKER_STICKY_MS: '500',
      // No pod runs here that would keep the state on the nodes: nothing is to be waited for.
      MIROIR_META: 'false',
      ...extra,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-10_000);
  });
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once('exit', (code, signal) => resolve({ code, signal })),
  );
  const ready = new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line === '{"worker":"ready"}') resolve();
    });
    void ended.then(({ code }) =>
      reject(new Error(`the worker ended with ${String(code)}: ${log}`)),
    );
  });
  await ready;
  return { child, ended, log: () => log };
}
