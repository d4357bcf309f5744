import type { NodeTaskUid } from '../core/ids';
import { NodeError } from './node-error';
import type { CallOptions, NodeClient, NodeTask } from './types';

const firstPauseMs = 5;
const lastPauseMs = 50;
const defaultWaitMs = 30_000;
const final: ReadonlySet<string> = new Set(['succeeded', 'failed', 'canceled']);

/**
 * Asks for the task until it is final. `deadlineMs` (30 s) is for the whole wait and may be longer
 * than one request may take. Throws `node_timeout` when it passes: the task goes on by itself.
 */
export async function waitForTask(
  client: Pick<NodeClient, 'task'>,
  uid: NodeTaskUid,
  options: CallOptions = {},
): Promise<NodeTask> {
  const until = performance.now() + (options.deadlineMs ?? defaultWaitMs);
  let pauseMs = firstPauseMs;
  for (;;) {
    const left = until - performance.now();
    if (left <= 0) throw overdue(uid);
    const task = await client.task(uid, { ...options, deadlineMs: left });
    if (task === null) {
      throw new NodeError('node_refused', `The node has no task ${String(uid)}.`, {
        status: 404,
        outcomeUnknown: false,
      });
    }
    if (final.has(task.status)) return task;
    await pause(Math.min(pauseMs, until - performance.now()), options.signal);
    pauseMs = Math.min(pauseMs * 1.5, lastPauseMs);
  }
}

function overdue(uid: NodeTaskUid): NodeError {
  return new NodeError('node_timeout', `Task ${String(uid)} was not done at the deadline.`, {
    outcomeUnknown: false,
  });
}

/** Ends early when the signal is raised; the next request then says so. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, Math.max(0, ms));
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
    signal?.addEventListener('abort', done, { once: true });
  });
}
