import type { WorkflowHandle } from '@temporalio/client';
import { Client, Connection } from '@temporalio/client';
import { MeiliError } from '../core/errors';
import { metadataOfRun } from '../workflows/summaries/runs';

/** How long a request of an operator waits for Temporal before it is told that it is away. */
const controlDeadlineMs = 5_000;

export interface StartRun {
  readonly workflowType: string;
  /** The id is the lock: a second start of a running id is refused. */
  readonly workflowId: string;
  readonly args: readonly unknown[];
  readonly memo?: Record<string, string>;
}

export interface StartedRun {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * The api's only way to Temporal. It starts runs and sends them updates; it never waits for a run to
 * do its work. When Temporal is away every call fails with `miroir_control_plane_unavailable`
 * within `controlDeadlineMs`, and nothing on the data path calls it.
 */
export class TemporalGateway {
  readonly #connection: Connection;
  readonly #client: Client;

  /** `onStarted` is told of each run that has begun, before the caller is. */
  constructor(
    private readonly options: { address: string; namespace: string; taskQueue: string },
    private readonly onStarted: (run: StartedRun) => Promise<void> = () => Promise.resolve(),
  ) {
    this.#connection = Connection.lazy({ address: options.address });
    this.#client = new Client({ connection: this.#connection, namespace: options.namespace });
  }

  async start(run: StartRun): Promise<StartedRun> {
    const handle = await this.#guarded(() =>
      this.#client.workflow.start(run.workflowType, {
        taskQueue: this.options.taskQueue,
        workflowId: run.workflowId,
        args: [...run.args],
        ...metadataOfRun(run.workflowType, run.args),
        ...(run.memo === undefined ? {} : { memo: run.memo }),
      }),
    );
    const started = { workflowId: handle.workflowId, runId: handle.firstExecutionRunId };
    await this.onStarted(started);
    return started;
  }

  /**
   * Starts a run that is short and whose result must be newer than this call: one that is under way may have
   * looked before, so its end is awaited, for as long as a request waits for Temporal.
   */
  async startAfterRunning(run: StartRun): Promise<StartedRun> {
    try {
      return await this.start(run);
    } catch (error) {
      if (!isAlreadyRunning(error)) throw error;
    }
    await this.#ended(run.workflowId);
    return await this.start(run);
  }

  /** Sends an update and waits until the run has taken or refused it. */
  async update(workflowId: string, name: string, message: object): Promise<unknown> {
    return await this.#guarded(() =>
      this.#handle(workflowId).executeUpdate<unknown, [object]>(name, { args: [message] }),
    );
  }

  async available(): Promise<boolean> {
    try {
      await this.#guarded(() => this.#connection.workflowService.getSystemInfo({}));
      return true;
    } catch {
      return false;
    }
  }

  /** The client, for schedules. Calls on it must go through `guarded`. */
  async withClient<T>(act: (client: Client) => Promise<T>): Promise<T> {
    return await this.#guarded(() => act(this.#client));
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  /** Returns when the run is over, however it ended, or is still going on after the deadline. */
  async #ended(workflowId: string): Promise<void> {
    await this.#connection
      .withDeadline(Date.now() + controlDeadlineMs, () => this.#handle(workflowId).result())
      .catch(() => undefined);
  }

  #handle(workflowId: string): WorkflowHandle {
    return this.#client.workflow.getHandle(workflowId);
  }

  async #guarded<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.#connection.withDeadline(Date.now() + controlDeadlineMs, call);
    } catch (error) {
      throw asMeiliError(error);
    }
  }
}

/** Not read from the text: only a start is refused for this reason. */
const isAlreadyRunning = (error: unknown): boolean =>
  error instanceof MeiliError && error.code === 'miroir_operation_refused';

/** Temporal's failures by name, because bundles and test runners load its classes twice. */
function asMeiliError(error: unknown): Error {
  const name = error instanceof Error || hasName(error) ? error.name : '';
  const message = hasMessage(error) ? error.message : 'unknown';
  if (name === 'WorkflowExecutionAlreadyStartedError') {
    return new MeiliError('miroir_operation_refused', 'This operation is already running.');
  }
  if (name === 'WorkflowNotFoundError' || name === 'ScheduleNotFoundError') {
    return new MeiliError('miroir_not_found', 'No such operation is running.');
  }
  if (name === 'WorkflowUpdateFailedError') {
    const code = causeTypeOf(error) === 'plan-stale' ? 'miroir_plan_stale' : null;
    return new MeiliError(code ?? 'miroir_operation_refused', causeOf(error) ?? message);
  }
  if (name === 'ScheduleAlreadyRunning') {
    return new MeiliError('miroir_operation_refused', 'This schedule exists already.');
  }
  return new MeiliError(
    'miroir_control_plane_unavailable',
    'Temporal does not answer, so operations cannot be started or steered now. Searches and writes go on.',
  );
}

function hasName(error: unknown): error is { name: string } {
  return typeof error === 'object' && error !== null && 'name' in error;
}

function hasMessage(error: unknown): error is { message: string } {
  return typeof error === 'object' && error !== null && 'message' in error;
}

function causeOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('cause' in error)) return null;
  const cause = error.cause;
  return hasMessage(cause) ? cause.message : null;
}

/** The type of the ApplicationFailure with which a run refused an update. */
function causeTypeOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null || !('cause' in error)) return null;
  const { cause } = error;
  return typeof cause === 'object' && cause !== null && 'type' in cause ? cause.type : null;
}
