import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker } from '@temporalio/worker';
import type { WorkerOptions } from '@temporalio/worker';
import type { ChangeInput, OperationReport } from '../../core/operations';
import { syncId } from '../../workflows/ids';
import { runOf } from '../../workflows/start-change';
import { keywordAttributes } from '../search-attributes';
import { simulatedActivities } from './activities';
import type { SimulatedPair, SimulationInput, SimulationReport } from './input';
import { ModelFleet } from './model-fleet';

const taskQueue = 'simulation';
const approvalExpiryMs = 3_600_000;

/**
 * Runs the workflow of a change, the very code that a worker runs, against a model of the fleet, on a
 * Temporal server that skips the time in which nothing happens. Nothing real is asked or changed.
 */
export async function simulate(input: SimulationInput): Promise<SimulationReport> {
  const env = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: input.testServer } },
  });
  try {
    await addSearchAttributes(env);
    const clock = {
      now: () => env.currentTimeMs(),
      sleep: (ms: number) => env.sleep(Math.max(1, Math.ceil(ms))),
    };
    const model = new ModelFleet(input, clock);
    const worker = await Worker.create({
      connection: env.nativeConnection,
      ...(env.namespace === undefined ? {} : { namespace: env.namespace }),
      taskQueue,
      activities: simulatedActivities(model),
      ...workflowCode(),
    });
    const run = runOf(changeOf(input), false);
    const end = await worker.runUntil(async () => {
      await model.begin();
      const handle = await env.client.workflow.start(run.workflowType, {
        ...{ taskQueue, workflowId: run.workflowId, args: [...run.args] },
      });
      const outcome = await handle
        .result()
        .then((report) => ({ report: report as OperationReport, error: null }))
        .catch((error: unknown) => ({ report: null, error: reasonOf(error) }));
      return outcome;
    });
    return reportOf(model, { operation: run.workflowId, ...end });
  } finally {
    await env.teardown();
  }
}

/** The test server takes attributes and cannot list them, so they are not looked for first. */
async function addSearchAttributes(env: TestWorkflowEnvironment): Promise<void> {
  const { operatorService } = env.connection;
  await operatorService.addSearchAttributes({
    namespace: env.namespace ?? 'default',
    searchAttributes: keywordAttributes(),
  });
}

/** The workflows beside this file, compiled or as sources, with one interceptor more than a worker has. */
function workflowCode(): Pick<WorkerOptions, 'workflowsPath' | 'interceptors'> {
  const workflows = join(__dirname, '..', '..', 'workflows');
  const ending = existsSync(join(workflows, 'index.js')) ? 'js' : 'ts';
  return {
    workflowsPath: join(workflows, `index.${ending}`),
    interceptors: {
      workflowModules: [
        join(workflows, `interceptors.${ending}`),
        join(__dirname, `no-heartbeats.${ending}`),
      ],
    },
  };
}

function changeOf({ change, options }: SimulationInput): ChangeInput {
  return {
    change,
    who: 'simulation',
    why: '',
    options: { ...options, autoApprove: true, approvalExpiryMs },
  };
}

/** The last cause says what happened; the others only where it was seen. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: unknown; message?: string };
  return cause === undefined || cause === null ? (message ?? 'unknown') : reasonOf(cause);
}

interface End {
  readonly operation: string;
  readonly report: OperationReport | null;
  readonly error: string | null;
}

function reportOf(model: ModelFleet, end: End): SimulationReport {
  const { plan = null, outcome = 'failed', totals } = end.report ?? {};
  const pairs = (plan?.syncs ?? []).map((sync): SimulatedPair => {
    const view = model.viewOf(syncId(sync));
    return {
      ...{ index: sync.index, kind: sync.kind, source: sync.source, target: sync.target },
      shards: sync.shards.length,
      documents: view?.progress.documentsCopied ?? 0,
      outcome: view?.status ?? 'not started',
      fromSeconds: view === undefined ? 0 : model.seconds(view.startedAt),
      toSeconds: view === undefined ? 0 : model.seconds(view.finishedAt ?? view.updatedAt),
      fencedMs: (view?.progress['fencedMs'] as number | undefined) ?? null,
    };
  });
  const bytesOf = (at: number): number => {
    const sync = plan?.syncs[at];
    return (
      (pairs[at]?.documents ?? 0) * (sync === undefined ? 0 : model.bytesEach(sync.physicalUid))
    );
  };
  return {
    ...{ outcome, error: end.error ?? totals?.errors[0] ?? null, operation: end.operation },
    // Not the clock's time now: when nothing is left to do it skips to the timeout of the run.
    seconds: model.timeline().at(-1)?.seconds ?? 0,
    documentsCopied: pairs.reduce((sum, { documents }) => sum + documents, 0),
    documentsPlanned: plan?.documents ?? 0,
    bytesCopied: Math.round(pairs.reduce((sum, _, at) => sum + bytesOf(at), 0)),
    pairs,
    nodes: model.nodes(),
    timeline: model.timeline(),
    notKept: plan?.notKept ?? [],
  };
}
