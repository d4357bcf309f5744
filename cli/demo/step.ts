import type { ApiClient } from '../client';
import type { Screen } from '../ui';

/** A line of the summary: what was shown, and the figure that shows it. */
export interface Figure {
  readonly what: string;
  readonly figure: string;
  readonly ok: boolean;
}

/** What each step of the demo gets. */
export interface DemoContext {
  readonly api: ApiClient;
  readonly screen: Screen;
  readonly temporalUi: string;
  readonly figures: Figure[];
}

export function record(demo: DemoContext, what: string, figure: string, ok = true): void {
  demo.figures.push({ what, figure, ok });
}

/** The view of an operation, as `/_miroir/operations` gives it. */
export interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly phase: string;
  readonly plan?: OperationPlanView;
  readonly progress: {
    readonly done: number;
    readonly total: number;
    readonly documentsCopied: number;
    readonly waitingFor: string | null;
  };
  readonly error?: unknown;
  readonly finishedAt?: string;
  readonly temporal: { readonly workflowId: string; readonly url?: string };
}

export interface OperationPlanView {
  readonly epoch: number;
  readonly documents: number;
  readonly bytes: number;
  readonly minutes: number;
  readonly syncs: readonly {
    readonly index: string;
    readonly source: string;
    readonly target: string;
    readonly kind: string;
    readonly shards: readonly number[];
    readonly documents: number;
  }[];
}

const pollMs = 200;

/** Polls until `done` says so; throws after the deadline, naming what was waited for. */
export async function poll<T>(
  what: string,
  read: () => Promise<T>,
  done: (value: T) => boolean,
  deadlineMs = 180_000,
): Promise<T> {
  const until = Date.now() + deadlineMs;
  for (;;) {
    const value = await read();
    if (done(value)) return value;
    if (Date.now() > until) throw new Error(`Gave up after ${deadlineMs / 1000} s: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

export function operation(api: ApiClient, id: string): Promise<Operation> {
  return api.get<Operation>(`/_miroir/operations/${encodeURIComponent(id)}`);
}
