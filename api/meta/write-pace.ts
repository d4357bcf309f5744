import type { NodeTaskUid } from '../../core/ids';
import type { NodeClient } from '../../meili/types';

/** Of a node's time, the copies of the fleet's state take at most one part in this many and one. */
const restPerWork = 4;
const restMsMax = 30_000;

/**
 * When a node may be given the next copy of the fleet's state. Nodes do one task after another, so a copy
 * that takes long holds up clients that wait for their own tasks: never two of them stand in a node's
 * queue, and after one the node has its rest. A node that is quick is never waited for.
 */
export class WritePace {
  #last: { readonly uid: NodeTaskUid; readonly sentAt: number } | null = null;
  #restUntil = 0;

  /** `now` is a clock in milliseconds that never goes back. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  sent(uid: NodeTaskUid): void {
    this.#last = { uid, sentAt: this.now() };
  }

  /** Throws the client's NodeError. */
  async mayWrite(client: Pick<NodeClient, 'tasks'>): Promise<boolean> {
    if (this.#last !== null) {
      const { uid, sentAt } = this.#last;
      const [task] = (await client.tasks({ uids: [uid], limit: 1 })).results;
      if (task !== undefined && task.finishedAt === null) return false;
      this.#last = null;
      if (task !== undefined) this.#restUntil = sentAt + restOf(task);
    }
    return this.now() >= this.#restUntil;
  }
}

/** From when it came to the node, by the node's clock alone. */
function restOf(task: {
  readonly enqueuedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
}): number {
  const end = Date.parse(task.finishedAt ?? task.enqueuedAt);
  const worked = Math.max(0, end - Date.parse(task.startedAt ?? task.enqueuedAt));
  const restMs = Math.min(restMsMax, restPerWork * worked);
  return Math.max(0, end - Date.parse(task.enqueuedAt)) + restMs;
}
