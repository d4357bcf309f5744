import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  RetryState,
  TemporalFailure,
} from '@temporalio/common';
import type { World } from '../world/world';
import { here, inside, Scope } from './workflow-scope';
import type { Temporal } from './temporal';
import { Canceled, Cancellation } from './cancellation';

/** The body of a workflow, as the worker's bundle exports it. */
export type WorkflowFunction = (...args: never[]) => Promise<unknown>;

/** Ends one run of a workflow and begins the next with these arguments. */
export class ContinueAsNew extends Error {
  override readonly name = 'ContinueAsNew';

  constructor(readonly args: readonly unknown[]) {
    super('The workflow continues as new.');
  }
}

export interface Handler {
  readonly handle: (...args: unknown[]) => unknown;
  readonly validate: ((...args: unknown[]) => void) | null;
}

interface Condition {
  readonly holds: () => boolean;
  readonly met: () => void;
  over: boolean;
}

export type Ending =
  | { readonly kind: 'done'; readonly answer: unknown }
  | { readonly kind: 'failed'; readonly error: Error };

export const owner = 'temporal';
/** What an activity, a timer and a message add to a history. */
const eventsOf = { activity: 6, timer: 5, message: 5 };

/** One workflow under its id, through all of its runs. */
export class WorkflowRun {
  root = new Scope({}, undefined);
  historyLength = 3;
  runOrdinal = 1;
  handlersOpen = 0;
  /** With the children that end with it. */
  readonly children: WorkflowRun[] = [];
  readonly ended: Promise<Ending>;
  #end: (ending: Ending) => void = () => undefined;
  #handlers = new Map<string, Handler>();
  #conditions: Condition[] = [];
  #waiting: { name: string; args: readonly unknown[] }[] = [];

  constructor(
    readonly temporal: Temporal,
    readonly world: World,
    readonly about: { readonly id: string; readonly type: string },
  ) {
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** To be called once, as `temporal`. */
  async execute(body: WorkflowFunction, first: readonly unknown[]): Promise<Ending> {
    let args = first;
    for (;;) {
      const ending = await this.#once(body, args);
      if (ending.kind === 'failed' && ending.error instanceof ContinueAsNew) {
        this.world.note(`${this.about.id} continues as new`);
        args = ending.error.args;
        this.#renew();
        continue;
      }
      // The server would try the same step again and again: the run would never end.
      if (ending.kind === 'failed' && !(ending.error instanceof TemporalFailure)) {
        this.world.fail(ending.error);
      }
      for (const child of this.children) child.root.cancel();
      this.#end(ending);
      return ending;
    }
  }

  async #once(body: WorkflowFunction, args: readonly unknown[]): Promise<Ending> {
    try {
      const answer = await inside.run({ run: this, scope: this.root }, () =>
        body(...(args as never[])),
      );
      return { kind: 'done', answer };
    } catch (error) {
      return { kind: 'failed', error: error as Error };
    }
  }

  #renew(): void {
    this.root = new Scope({}, undefined);
    this.historyLength = 3;
    this.runOrdinal += 1;
    this.#handlers = new Map();
    this.#conditions = [];
  }

  /** Lets go on what waited for something that holds now. True: something did. */
  settle(): boolean {
    for (const condition of this.#conditions) {
      const holds = (): boolean =>
        inside.run({ run: this, scope: this.root }, () => condition.holds());
      if (condition.over || !holds()) continue;
      condition.over = true;
      condition.met();
      this.#conditions = this.#conditions.filter(({ over }) => !over);
      return true;
    }
    return false;
  }

  setHandler(name: string, handler: Handler): void {
    this.#handlers.set(name, handler);
    const early = this.#waiting.filter((one) => one.name === name);
    this.#waiting = this.#waiting.filter((one) => one.name !== name);
    for (const { args } of early) this.signal(name, args);
  }

  signal(name: string, args: readonly unknown[]): void {
    const handler = this.#handlers.get(name);
    this.historyLength += eventsOf.message;
    if (handler === undefined) this.#waiting.push({ name, args });
    else void this.#handled(handler, args).catch(() => undefined);
  }

  /** Throws what the validator or the handler throws. */
  async update(name: string, args: readonly unknown[]): Promise<unknown> {
    const handler = this.#handlers.get(name);
    if (handler === undefined) throw new Error(`${this.about.id} has no handler of ${name}.`);
    inside.run({ run: this, scope: this.root }, () => handler.validate?.(...args));
    this.historyLength += eventsOf.message;
    return this.#handled(handler, args);
  }

  query(name: string): unknown {
    return this.#handlers.get(name)?.handle();
  }

  async #handled(handler: Handler, args: readonly unknown[]): Promise<unknown> {
    this.handlersOpen += 1;
    try {
      return await inside.run({ run: this, scope: this.root }, async () => handler.handle(...args));
    } finally {
      this.handlersOpen -= 1;
    }
  }

  async activity(name: string, request: unknown): Promise<unknown> {
    const { scope } = here();
    this.historyLength += name === 'writeView' ? 1 : eventsOf.activity;
    const failed = (cause: Error): ActivityFailure =>
      new ActivityFailure(
        'Activity task failed',
        name,
        '1',
        RetryState.NON_RETRYABLE_FAILURE,
        '',
        cause,
      );
    const canceled = (): ActivityFailure => failed(new CancelledFailure('It was cancelled.'));
    if (scope.consideredCancelled) throw canceled();
    const cancel = new Cancellation();
    scope.onCancel(() => {
      cancel.requested = true;
    });
    try {
      return await this.temporal.run(name, request, { runId: this.about.id, cancel });
    } catch (error) {
      throw error instanceof Canceled ? canceled() : failed(asFailure(error));
    }
  }

  /** False: the time was over first. */
  condition(holds: () => boolean, timeoutMs?: number): Promise<boolean> {
    const { scope } = here();
    return new Promise((resolve, reject) => {
      if (scope.consideredCancelled) return reject(new CancelledFailure('It was cancelled.'));
      if (holds()) return resolve(true);
      const condition: Condition = { holds, met: () => resolve(true), over: false };
      this.#conditions.push(condition);
      scope.onCancel(() => {
        condition.over = true;
        reject(new CancelledFailure('It was cancelled.'));
      });
      if (timeoutMs === undefined) return;
      this.historyLength += eventsOf.timer;
      this.world.after(timeoutMs, owner, () => {
        if (condition.over) return;
        condition.over = true;
        resolve(false);
      });
    });
  }

  async sleep(ms: number): Promise<void> {
    await this.condition(() => false, ms);
  }

  /** Throws when one with this id is open. */
  async child(
    type: string,
    options: {
      readonly workflowId: string;
      readonly args: readonly unknown[];
      readonly parentClosePolicy?: string;
    },
  ): Promise<WorkflowRun> {
    const { scope } = here();
    this.historyLength += 2 * eventsOf.message;
    const { workflowId, args } = options;
    await this.world.sleep(1, owner);
    const child = this.temporal.startWorkflow(type, workflowId, args);
    if (options.parentClosePolicy !== 'ABANDON') this.children.push(child);
    scope.onCancel(() => child.root.cancel());
    await this.world.sleep(1, owner);
    return child;
  }

  /** The answer of a child, or its failure as its parent sees it. */
  async resultOf(child: WorkflowRun): Promise<unknown> {
    const ending = await child.ended;
    await this.world.sleep(1, owner);
    if (ending.kind === 'done') return ending.answer;
    const { id, type } = child.about;
    const execution = { workflowId: id, runId: '1' };
    const cause = asFailure(ending.error);
    throw new ChildWorkflowFailure(
      'model',
      execution,
      type,
      RetryState.NON_RETRYABLE_FAILURE,
      cause,
    );
  }
}

/** What is thrown and is no failure of Temporal's becomes one, under its name. */
function asFailure(error: unknown): TemporalFailure {
  if (error instanceof TemporalFailure) return error;
  const { message, name } = error as Error;
  return ApplicationFailure.create({ message, type: name });
}
