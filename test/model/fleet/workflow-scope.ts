import { AsyncLocalStorage } from 'node:async_hooks';
import { CancelledFailure } from '@temporalio/common';
import type { WorkflowRun } from './workflow-run';

/** Which run a piece of workflow code belongs to, and which scope of it a cancel would reach. */
export interface Inside {
  readonly run: WorkflowRun;
  readonly scope: Scope;
}

export const inside = new AsyncLocalStorage<Inside>();

export function here(): Inside {
  const found = inside.getStore();
  if (found === undefined) throw new Error('This is called outside of any workflow.');
  return found;
}

export interface ScopeOptions {
  readonly cancellable?: boolean;
}

/** What `CancellationScope` does: a cancel reaches what was begun inside, and the scopes inside. */
export class Scope {
  readonly cancelRequested: Promise<never>;
  readonly cancellable: boolean;
  #canceled = false;
  #reject: (error: Error) => void = () => undefined;

  constructor({ cancellable = true }: ScopeOptions = {}, parent = inside.getStore()?.scope) {
    this.cancellable = cancellable;
    this.cancelRequested = new Promise((_resolve, reject) => {
      this.#reject = reject;
    });
    this.cancelRequested.catch(() => undefined);
    if (parent === undefined || !cancellable) return;
    if (parent.consideredCancelled) this.cancel();
    parent.cancelRequested.catch(() => this.cancel());
  }

  static current(): Scope {
    return here().scope;
  }

  static nonCancellable<T>(work: () => Promise<T>): Promise<T> {
    return new Scope({ cancellable: false }).run(work);
  }

  static cancellable<T>(work: () => Promise<T>): Promise<T> {
    return new Scope().run(work);
  }

  get consideredCancelled(): boolean {
    return this.#canceled && this.cancellable;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    return inside.run({ run: here().run, scope: this }, work);
  }

  cancel(): void {
    if (this.#canceled) return;
    this.#canceled = true;
    this.#reject(new CancelledFailure('The scope was cancelled.'));
  }

  /** Calls when a cancel comes; never when it does not reach this scope. */
  onCancel(call: () => void): void {
    if (this.cancellable) this.cancelRequested.catch(call);
  }
}
