import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { activityRuns } from '../../../activities/create-activities';
import { toFailure } from '../../../activities/errors';
import type { ActivityTools, Call } from '../../../activities/tools';
import * as workflows from '../../../workflows';
import type { World } from '../world/world';
import type { Cancellation } from './cancellation';
import { Canceled } from './cancellation';
import type { WorkflowFunction } from './workflow-run';
import { owner, WorkflowRun } from './workflow-run';

export interface ModelWorker {
  readonly name: string;
  readonly tools: ActivityTools;
}

type Activity = (tools: ActivityTools, request: unknown, call: Call) => Promise<unknown>;

type Outcome =
  | { readonly kind: 'done'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'lost' };

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
  readonly #open = new Map<string, WorkflowRun>();
  #next = 0;

  /** `skips`: activities that a mutation leaves out. */
  constructor(
    private readonly world: World,
    private readonly skips: readonly string[],
  ) {
    world.settle = (after) => after === owner && this.#settle();
  }

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
    return [...this.#open.keys()];
  }

  /** Starts a workflow under its id; the id is the lock. Throws when one with this id is open. */
  startWorkflow(type: string, id: string, args: readonly unknown[]): WorkflowRun {
    const body = (workflows as unknown as Record<string, WorkflowFunction>)[type];
    if (body === undefined) throw new Error(`There is no workflow ${type}.`);
    if (this.#open.has(id)) {
      throw new WorkflowExecutionAlreadyStartedError('It is running already.', id, type);
    }
    const run = new WorkflowRun(this, this.world, { id, type });
    this.#open.set(id, run);
    this.world.after(1, owner, () => {
      run.execute(body, args).then(
        (ending) => {
          const outcome = ending.kind === 'done' ? ending.answer : ending.error;
          this.world.note(`${id} ended: ${shortText(outcome)}`);
          this.#open.delete(id);
        },
        (error: unknown) => this.world.fail(error),
      );
    });
    return run;
  }

  /** Throws when no such run is open. */
  signal(id: string, name: string, args: readonly unknown[]): void {
    this.#opened(id).signal(name, args);
  }

  /** Throws when no such run is open, or it refuses. */
  update(id: string, name: string, message: object): Promise<unknown> {
    return this.#opened(id).update(name, [message]);
  }

  query(id: string, name: string): unknown {
    return this.#opened(id).query(name);
  }

  #opened(id: string): WorkflowRun {
    const run = this.#open.get(id);
    if (run === undefined) throw new Error(`${id} is not running.`);
    return run;
  }

  /** Conditions that hold now let their workflows go on, one after another. */
  #settle(): boolean {
    for (const run of this.#open.values()) if (run.settle()) return true;
    return false;
  }

  /** One activity until it is done, or has failed for good. `cancel`: it may be interrupted. */
  async run(
    name: string,
    request: unknown,
    { runId, cancel }: { readonly runId: string; readonly cancel: Cancellation },
  ): Promise<unknown> {
    const activity = (activityRuns as unknown as Record<string, Activity>)[name];
    if (activity === undefined) throw new Error(`There is no activity ${name}.`);
    if (this.skips.includes(name)) return null;
    if (name !== 'writeView') this.world.note(`${runId}: ${name}`);
    let details: unknown;
    let pause = 50;
    for (let attempt = 1; ; attempt += 1) {
      if (cancel.requested) throw new Canceled(`${name} was canceled.`);
      const worker = await this.#worker();
      const heart = { at: this.world.now, details };
      const outcome = await this.#attempt(worker, {
        run: (call) => activity(worker.tools, request, call),
        ...{ attempt, runId, heart, cancel, name },
      });
      details = heart.details;
      if (outcome.kind === 'done') return outcome.answer;
      if (outcome.kind === 'failed') {
        const { nonRetryable, message } = outcome.error as Error & { nonRetryable?: boolean };
        if (nonRetryable === true) throw outcome.error;
        if ((outcome.error as Error).name === 'CancelledFailure') throw new Canceled(message);
        this.world.note(`${name} attempt ${String(attempt)}: ${message}`);
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
      cancel: Cancellation;
      name: string;
    },
  ): Promise<Outcome> {
    const { world } = this;
    const { heart, cancel, attempt, runId } = what;
    const scheduledAt = world.now;
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
            if (cancel.requested) {
              world.after(1, worker.name, () => controller.abort(new Error('canceled')));
            }
          });
        };
        const timer = setInterval(beat, worker.tools.config.heartbeatMs);
        const call: Call = {
          attempt,
          scheduledAt,
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

function shortText(outcome: unknown): string {
  const text = outcome instanceof Error ? String(outcome.message) : JSON.stringify(outcome);
  return (text ?? '').slice(0, 300);
}
