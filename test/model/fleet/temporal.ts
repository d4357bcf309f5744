import { toFailure } from '../../../activities/errors';
import type { ActivityTools, Call } from '../../../activities/tools';
import type { World } from '../world/world';

export interface ModelWorker {
  readonly name: string;
  readonly tools: ActivityTools;
}

export type Activity<Request, Answer> = (
  tools: ActivityTools,
  request: Request,
  call: Call,
) => Promise<Answer>;

/** How an operation interrupts its activities. */
export class Cancellation {
  requested = false;
}

export class Canceled extends Error {
  override readonly name = 'Canceled';
}

type Outcome =
  | { readonly kind: 'done'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'lost' };

const owner = 'temporal';
const heartbeatTimeoutMs = 1_500;
const lookMs = 100;

/**
 * What Temporal does for an operation: gives each activity to a worker, hears its heartbeats, gives it to
 * another one when they stop (the first may still be running), retries what failed, and passes a cancel
 * on with the answer to a heartbeat. It never loses anything itself.
 */
export class Temporal {
  /** An activity's answer that does not arrive, drawn by the story. */
  losesAnswer: () => boolean = () => false;
  readonly #workers: ModelWorker[] = [];
  readonly #open = new Set<string>();
  #next = 0;

  constructor(private readonly world: World) {}

  addWorker(worker: ModelWorker): void {
    this.#workers.push(worker);
  }

  workers(): readonly string[] {
    return this.#workers.map(({ name }) => name).filter((name) => this.world.isAlive(name));
  }

  isOpen(workflowId: string): boolean {
    return this.#open.has(workflowId);
  }

  open(): readonly string[] {
    return [...this.#open];
  }

  /** Runs an operation under its id; the id is the lock. Null: one with this id is running. */
  start(workflowId: string, run: () => Promise<unknown>): Promise<void> | null {
    if (this.#open.has(workflowId)) return null;
    this.#open.add(workflowId);
    return this.world.as(owner, async () => {
      try {
        const outcome = await run();
        this.world.note(`${workflowId} ended: ${JSON.stringify(outcome)}`);
      } catch (error) {
        this.world.note(`${workflowId} failed: ${(error as Error).message}`);
      } finally {
        this.#open.delete(workflowId);
      }
    });
  }

  /** One activity until it is done, or has failed for good. `cancel`: it may be interrupted. */
  async run<Request, Answer>(
    activity: Activity<Request, Answer>,
    request: Request,
    { runId, cancel }: { readonly runId: string; readonly cancel: Cancellation | null },
  ): Promise<Answer> {
    let details: unknown;
    let pause = 50;
    for (let attempt = 1; ; attempt += 1) {
      if (cancel?.requested === true) throw new Canceled(`${activity.name} was canceled.`);
      const worker = await this.#worker();
      const heart = { at: this.world.now, details };
      const outcome = await this.#attempt(worker, {
        run: (call) => activity(worker.tools, request, call),
        ...{ attempt, runId, heart, cancel, name: activity.name },
      });
      details = heart.details;
      if (outcome.kind === 'done') return outcome.answer as Answer;
      if (outcome.kind === 'failed') {
        const { nonRetryable, message } = outcome.error as Error & { nonRetryable?: boolean };
        if (nonRetryable === true) throw outcome.error;
        if ((outcome.error as Error).name === 'CancelledFailure') throw new Canceled(message);
        this.world.note(`${activity.name} attempt ${String(attempt)}: ${message}`);
        await this.world.sleep(pause);
        pause = Math.min(pause * 2, 1_000);
      }
    }
  }

  async #worker(): Promise<ModelWorker> {
    for (;;) {
      const able = this.#workers.filter(
        ({ name }) => this.world.isAlive(name) && !this.world.isPaused(name),
      );
      const chosen = able[(this.#next += 1) % Math.max(1, able.length)];
      if (chosen !== undefined) return chosen;
      await this.world.sleep(lookMs);
    }
  }

  #attempt(
    worker: ModelWorker,
    what: {
      run: (call: Call) => Promise<unknown>;
      attempt: number;
      runId: string;
      heart: { at: number; details: unknown };
      cancel: Cancellation | null;
      name: string;
    },
  ): Promise<Outcome> {
    const { world } = this;
    const { heart, cancel, attempt, runId } = what;
    return new Promise((resolve) => {
      let open = true;
      const end = (outcome: Outcome): void => {
        if (!open) return;
        open = false;
        resolve(outcome);
      };
      const watch = (): void => {
        if (!open) return;
        if (world.now - heart.at > heartbeatTimeoutMs) {
          world.note(`${what.name} on ${worker.name} is not heard of any more`);
          end({ kind: 'lost' });
        } else world.after(lookMs, owner, watch);
      };
      world.after(lookMs, owner, watch);
      world.after(1, worker.name, () => {
        const controller = new AbortController();
        const resumed = heart.details;
        let details = resumed;
        const beat = (): void => {
          const sent = details;
          world.after(1, owner, () => {
            if (!open) return;
            heart.at = world.now;
            heart.details = sent;
            if (cancel?.requested === true) {
              world.after(1, worker.name, () => controller.abort(new Error('canceled')));
            }
          });
        };
        const timer = setInterval(beat, worker.tools.config.heartbeatMs);
        const call: Call = {
          attempt,
          runId,
          signal: controller.signal,
          beat(next) {
            details = next;
            beat();
          },
          resumed: () => resumed,
        };
        const report = (outcome: Outcome): void => {
          clearInterval(timer);
          if (this.losesAnswer()) world.note(`the answer of ${what.name} is lost`);
          else world.after(1, owner, () => end(outcome));
        };
        what.run(call).then(
          (answer) => report({ kind: 'done', answer }),
          (error: unknown) =>
            report({ kind: 'failed', error: toFailure(error, controller.signal) }),
        );
      });
    });
  }
}
