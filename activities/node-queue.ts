import type { NodeTaskUid, PhysicalUid } from '../core/ids';
import type { NodeClient, NodeTask } from '../meili/types';
import { stopIfCancelled } from './tools';
import type { ActivityTools, Call } from './tools';

const firstPauseMs = 10;
const lastPauseMs = 500;

/** One index on one node. */
export interface NodeSide {
  readonly client: NodeClient;
  readonly physicalUid: PhysicalUid;
}

/** The newest task of the index on the node, or null. Tasks of one index run in the order of uids. */
export async function newestTask(
  { client, physicalUid }: NodeSide,
  signal: AbortSignal,
): Promise<NodeTaskUid | null> {
  const { results } = await client.tasks({ indexUids: [physicalUid], limit: 1, signal });
  return results[0]?.uid ?? null;
}

async function oldestOpen(
  side: NodeSide,
  upTo: NodeTaskUid,
  signal: AbortSignal,
): Promise<boolean> {
  const { results } = await side.client.tasks({
    indexUids: [side.physicalUid],
    statuses: ['enqueued', 'processing'],
    from: upTo,
    limit: 1,
    signal,
  });
  return results.length > 0;
}

export interface QueueWait {
  readonly clock: ActivityTools['clock'];
  readonly call: Call;
  /** Milliseconds since 1970; null: as long as it takes. */
  readonly until?: number | null;
}

/**
 * Waits until the node has finished every task of the index up to `upTo`. False when `until` passed.
 */
export async function workedOff(
  side: NodeSide,
  upTo: NodeTaskUid | null,
  { clock, call, until = null }: QueueWait,
): Promise<boolean> {
  if (upTo === null) return true;
  let pauseMs = firstPauseMs;
  while (await oldestOpen(side, upTo, call.signal)) {
    stopIfCancelled(call);
    if (until !== null && clock.now() + pauseMs >= until) return false;
    await clock.sleep(pauseMs, call.signal);
    pauseMs = Math.min(pauseMs * 2, lastPauseMs);
  }
  return true;
}

/** Waits until everything that the node has taken for this index so far is done. */
export async function allWorkedOff(side: NodeSide, wait: QueueWait): Promise<boolean> {
  return workedOff(side, await newestTask(side, wait.call.signal), wait);
}

const pageTasks = 100;

/**
 * The task that carries this metadata, among those of the index newer than `after`. The engine cannot
 * filter by metadata, so the list is walked, newest first, as far back as it can be.
 */
export async function taskByMetadata(
  { client, physicalUid }: NodeSide,
  metadata: string,
  after: NodeTaskUid | null,
): Promise<NodeTask | null> {
  let from: number | null = null;
  do {
    const page: Awaited<ReturnType<NodeClient['tasks']>> = await client.tasks({
      indexUids: [physicalUid],
      limit: pageTasks,
      ...(from === null ? {} : { from }),
    });
    for (const task of page.results) {
      if (after !== null && task.uid <= after) return null;
      if (task.customMetadata === metadata) return task;
    }
    from = page.next;
  } while (from !== null);
  return null;
}
