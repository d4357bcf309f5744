import { ApiError } from './client';
import type { ApiClient } from './client';
import { poll } from './poll';
import type { Bar, Screen } from './ui';
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
    /** What the running step has copied by now. */
    readonly copying?: number;
  };
  readonly eta?: Eta | null;
  readonly error?: unknown;
  readonly finishedAt?: string;
  /** What the guard of the service level did, with its numbers. */
  readonly events?: readonly {
    readonly at: number;
    readonly who: string;
    readonly what: string;
    readonly why: string;
  }[];
  readonly temporal: { readonly workflowId: string; readonly runId: string; readonly url?: string };
}

/** Plans of other kinds than moves say which they are. */
export type AnyPlanView =
  (OperationPlanView & { readonly kind?: undefined }) | UpgradePlanView | MigrationPlanView;

export interface MigrationPlanView {
  readonly kind: 'migration';
  readonly epoch: number;
  readonly source: string;
  readonly version: string;
  readonly indexes: readonly {
    readonly uid: string;
    readonly staging: string;
    readonly documents: number;
    readonly bytes: number;
  }[];
  readonly keys: number;
  readonly documents: number;
  readonly minutes: number;
  readonly notes: readonly string[];
  readonly refused: readonly string[];
}

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
  if (plan.kind === 'upgrade') return upgradeTable(plan);
  if (plan.kind === 'migration') return migrationTable(plan);
  // What imports and backups show is read by their own commands.
  return 'syncs' in plan ? planTable(plan) : '';
}

function migrationTable(plan: MigrationPlanView): string {
  const rows = plan.indexes.map(({ uid, documents, bytes, staging }) => [
    ...[uid, documents, bytes, staging],
  ]);
  const lines = [
    `from ${plan.source}, Meilisearch ${plan.version}: ${plan.documents} documents, ${plan.keys} keys, about ${plan.minutes.toFixed(1)} minutes`,
    ...plan.notes.map((note) => `note: ${note}`),
    ...plan.refused.map((reason) => `refused: ${reason}`),
  ];
  const table = tableText(['index', 'documents', 'bytes', 'filled as'], rows);
  return `${table}${lines.map((line) => `  ${line}\n`).join('')}`;
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

const unitOf = ({ kind }: Operation): string =>
  kind === 'import' || kind === 'restore-drill'
    ? 'documents'
    : kind === 'dump' || kind === 'backup' || kind === 'export'
      ? 'indexes'
      : 'moves';

/** An import counts documents; what its running step has done is told before the step is over. */
function progressOf(view: Operation): Operation['progress'] {
  const { progress } = view;
  if (unitOf(view) !== 'documents') return progress;
  return { ...progress, done: Math.max(progress.done, progress.copying ?? 0) };
}

/** A move of a large index takes hours; nobody watches a bar for longer than a week. */
const watchDeadlineMs = 7 * 24 * 3_600_000;

export interface Watching {
  /** Drawn behind the phase. */
  readonly note?: () => string;
  /**
   * The run that was started: it may not have written its view yet, and where all runs have one id in
   * turn only its own end counts.
   */
  readonly runId?: string;
  /**
   * The same for a run that may go on as another run: the one that was shown before it was started, null
   * where none was.
   */
  readonly after?: string | null;
}

/** The run that the view of an operation is of, null where there is none. */
export async function shownRun(api: ApiClient, id: string): Promise<string | null> {
  return (await operationOrNull(api, id))?.temporal.runId ?? null;
}

/**
 * Follows an operation with a progress bar until it is over. The view is that of a run still under way where
 * the next run with its id has begun before its end was seen.
 */
export async function watchOperation(
  api: ApiClient,
  id: string,
  screen: Screen,
  { note = () => '', runId, after }: Watching = {},
): Promise<Operation> {
  let bar: Bar | null = null;
  let own: Operation | null = null;
  const mayBeMissing = runId !== undefined || after !== undefined;
  const last = await poll(
    `the end of ${id}`,
    () => (mayBeMissing ? operationOrNull(api, id) : operation(api, id)),
    (view): view is Operation => {
      if (view === null || view.temporal.runId === after) return false;
      // Runs with one id come one after another: where another one is shown now, this one is over.
      if (runId !== undefined && view.temporal.runId !== runId) return own !== null;
      own = view;
      const { done, total, waitingFor } = progressOf(view);
      bar ??= screen.bar(unitOf(view));
      const waits = waitingFor === null ? '' : ` (${waitingFor})`;
      const left = view.eta ? `, ${etaText(view.eta)}` : '';
      bar.set(done, total, `${view.phase}${waits}${left} ${note()}`.trim());
      return isOver(view);
    },
    watchDeadlineMs,
  );
  (bar as Bar | null)?.end();
  return runId !== undefined && last.temporal.runId !== runId
    ? ((own as Operation | null) ?? last)
    : last;
}

async function operationOrNull(api: ApiClient, id: string): Promise<Operation | null> {
  try {
    return await operation(api, id);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null;
    throw error;
  }
}
