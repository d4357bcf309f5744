import {
  ActivityFailure,
  CancelledFailure,
  ChildWorkflowFailure,
  msToNumber,
} from '@temporalio/common';
import type { Duration } from '@temporalio/common';
import { here, Scope } from './workflow-scope';
import type { WorkflowRun } from './workflow-run';
import { ContinueAsNew } from './workflow-run';

/**
 * What `workflows/` import from `@temporalio/workflow`, on the model's time: the workflows' own text runs,
 * without a history. Every run is on the newest patches.
 */

interface Named {
  readonly name: string;
}

interface ChildOptions {
  readonly workflowId: string;
  readonly args: readonly unknown[];
  readonly parentClosePolicy?: string;
}

const named =
  (type: string) =>
  (name: string): Named & { type: string } => ({ type, name });

const typeOf = (workflow: string | (() => unknown)): string =>
  typeof workflow === 'string' ? workflow : workflow.name;

function proxy(): Record<string, (request?: unknown) => Promise<unknown>> {
  return new Proxy(
    {},
    {
      get: (_target, name) => (request?: unknown) => here().run.activity(String(name), request),
    },
  );
}

function setHandler(
  { name }: Named,
  handle: (...args: unknown[]) => unknown,
  options?: { readonly validator?: (...args: unknown[]) => void },
): void {
  here().run.setHandler(name, { handle, validate: options?.validator ?? null });
}

function isCancellation(error: unknown): boolean {
  if (error instanceof CancelledFailure) return true;
  const wraps = error instanceof ActivityFailure || error instanceof ChildWorkflowFailure;
  return wraps && isCancellation(error.cause);
}

async function startChild(workflow: string | (() => unknown), options: ChildOptions) {
  const { run } = here();
  const child: WorkflowRun = await run.child(typeOf(workflow), options);
  return { workflowId: options.workflowId, result: () => run.resultOf(child) };
}

async function executeChild(
  workflow: string | (() => unknown),
  options: ChildOptions,
): Promise<unknown> {
  return (await startChild(workflow, options)).result();
}

function getExternalWorkflowHandle(workflowId: string) {
  const { run } = here();
  return {
    async signal({ name }: Named, ...args: unknown[]): Promise<void> {
      await run.world.sleep(1, 'temporal');
      run.temporal.signal(workflowId, name, args);
      await run.world.sleep(1, 'temporal');
    },
  };
}

export const workflowModule = {
  CancellationScope: Scope,
  ContinueAsNew,
  isCancellation,
  setHandler,
  startChild,
  executeChild,
  getExternalWorkflowHandle,
  proxyActivities: proxy,
  proxyLocalActivities: proxy,
  defineQuery: named('query'),
  defineSignal: named('signal'),
  defineUpdate: named('update'),
  patched: (): boolean => true,
  upsertSearchAttributes: (): void => undefined,
  setCurrentDetails: (): void => undefined,
  getCurrentDetails: (): string => '',
  allHandlersFinished: (): boolean => here().run.handlersOpen === 0,
  condition: (holds: () => boolean, timeout?: Duration): Promise<boolean> =>
    here().run.condition(holds, timeout === undefined ? undefined : msToNumber(timeout)),
  sleep: (ms: Duration): Promise<void> => here().run.sleep(msToNumber(ms)),
  continueAsNew: (...args: unknown[]): Promise<never> => {
    throw new ContinueAsNew(args);
  },
  workflowInfo: () => {
    const { about, historyLength, runOrdinal } = here().run;
    const runId = `${about.id}#${String(runOrdinal)}`;
    return {
      ...{ workflowId: about.id, workflowType: about.type, runId, historyLength },
      ...{ firstExecutionRunId: `${about.id}#1`, continueAsNewSuggested: false },
    };
  },
};
