import type { ApiClient } from './client';
import { poll } from './poll';
import type { Screen } from './ui';
import { tableText } from './ui';

/** The view of an operation, as `/_miroir/operations` gives it. */
export interface Operation {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly phase: string;
  readonly plan?: AnyPlanView | null;
  readonly progress: {
    readonly done: number;
    readonly total: number;
    readonly documentsCopied: number;
    readonly waitingFor: string | null;
  };
  readonly eta?: Eta | null;
  readonly error?: unknown;
  readonly finishedAt?: string;
  readonly temporal: { readonly workflowId: string; readonly runId: string; readonly url?: string };
}

/** Plans of other kinds than moves say which they are. */
export type AnyPlanView = (OperationPlanView & { readonly kind?: undefined }) | UpgradePlanView;

export interface UpgradePlanView {
  readonly kind: 'upgrade';
  readonly epoch: number;
  readonly refused: readonly string[];
  readonly nodes: readonly {
    readonly node: string;
    readonly group: number;
    readonly version: string | null;
    readonly copies: number;
    readonly unavailable: readonly string[];
  }[];
}

export interface Eta {
  readonly documentsDone: number;
  readonly documentsTotal: number;
  readonly documentsPerSecond: number;
  readonly measured: boolean;
  readonly secondsLeft: number;
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
  readonly removals: readonly {
    readonly index: string;
    readonly node: string;
    readonly shards: readonly number[];
  }[];
  readonly notKept: readonly string[];
}

export function operation(api: ApiClient, id: string): Promise<Operation> {
  return api.get<Operation>(`/_miroir/operations/${encodeURIComponent(id)}`);
}

export function isOver(view: Operation): boolean {
  return ['succeeded', 'failed', 'canceled'].includes(view.status);
}

/**
 * Waits until the run has written its plan, or is over without one. With `runId` the view of an earlier
 * run of the same id is passed over.
 */
export function awaitPlan(api: ApiClient, id: string, runId?: string): Promise<Operation> {
  return poll(
    `the plan of ${id}`,
    () => operation(api, id).catch(() => null),
    (view): view is Operation =>
      view !== null &&
      (runId === undefined || view.temporal.runId === runId) &&
      (view.status === 'waiting-approval' || isOver(view)),
  );
}

/** A plan for a person, whatever it is a plan of. */
export function planText(plan: AnyPlanView): string {
  return plan.kind === 'upgrade' ? upgradeTable(plan) : planTable(plan);
}

/** The nodes in the order in which they are restarted. */
function upgradeTable({ nodes, refused }: UpgradePlanView): string {
  const rows = nodes.map((node) => [
    ...[node.node, node.group, node.version ?? 'no answer', node.copies],
    node.unavailable.join(','),
  ]);
  const header = ['node', 'group', 'version', 'copies', 'unavailable meanwhile'];
  const reasons = refused.map((reason) => `  refused: ${reason}\n`).join('');
  return `${tableText(header, rows)}${reasons}`;
}

/** Waits until the run is over, and draws nothing. */
export function awaitOver(api: ApiClient, id: string, runId?: string): Promise<Operation> {
  return poll(
    `the end of ${id}`,
    () => operation(api, id).catch(() => null),
    (view): view is Operation =>
      view !== null && (runId === undefined || view.temporal.runId === runId) && isOver(view),
    watchDeadlineMs,
  );
}

/** `1200 of 5000 documents, 800 a second (measured), 5 s left` */
export function etaText(eta: Eta): string {
  const { documentsDone, documentsTotal, documentsPerSecond, measured, secondsLeft } = eta;
  const rate = `${documentsPerSecond} a second (${measured ? 'measured' : 'planned'})`;
  return `${documentsDone} of ${documentsTotal} documents, ${rate}, ${secondsLeft} s left`;
}

/** One line for each pair of nodes, sorted as the plan is, and a line of sums. */
function planTable(plan: OperationPlanView): string {
  const rows = plan.syncs.map((sync) => [
    sync.kind,
    sync.index,
    sync.source,
    sync.target,
    sync.shards.join(','),
    sync.documents,
  ]);
  const dropped = plan.removals.map((one) => [
    ...['drop', one.index, one.node, '', one.shards.join(','), ''],
  ]);
  const notKept = plan.notKept.map((sentence) => `  ${sentence}\n`).join('');
  const sums = `  epoch ${plan.epoch}: ${plan.documents} documents, about ${plan.minutes.toFixed(1)} minutes`;
  return `${tableText(['', 'index', 'from', 'to', 'shards', 'documents'], [...rows, ...dropped])}${notKept}${sums}`;
}

/** A move of a large index takes hours; nobody watches a bar for longer than a week. */
const watchDeadlineMs = 7 * 24 * 3_600_000;

/** Follows an operation with a progress bar until it is over. `note` is drawn behind the phase. */
export async function watchOperation(
  api: ApiClient,
  id: string,
  screen: Screen,
  note: () => string = () => '',
): Promise<Operation> {
  const bar = screen.bar('moves');
  const last = await poll(
    `the end of ${id}`,
    () => operation(api, id),
    (view): view is Operation => {
      const { done, total, waitingFor } = view.progress;
      const waits = waitingFor === null ? '' : ` (${waitingFor})`;
      const left = view.eta ? `, ${etaText(view.eta)}` : '';
      bar.set(done, total, `${view.phase}${waits}${left} ${note()}`.trim());
      return isOver(view);
    },
    watchDeadlineMs,
  );
  bar.end();
  return last;
}
