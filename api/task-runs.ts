import { isMeiliError } from '../core/errors';
import type { FleetTaskUid } from '../core/ids';
import type { FleetTask } from '../store/task-types';
import type { Store } from '../store/types';
import { dumpId, exportId } from '../workflows/ids';
import { workflowTypes } from '../workflows/messages';
import type { WorkflowType } from '../workflows/messages';
import type { Log } from './log';
import type { TemporalGateway } from './temporal-gateway';

/** How often the run of an open task is made sure of. */
const lookMs = 3_000;

interface RunKind {
  readonly workflowType: WorkflowType;
  readonly idOf: (taskUid: number) => string;
  readonly why: string;
}

const runKinds: { readonly [T in FleetTask['type']]?: RunKind } = {
  dumpCreation: { workflowType: workflowTypes.createDump, idOf: dumpId, why: 'POST /dumps' },
  export: { workflowType: workflowTypes.exportIndexes, idOf: exportId, why: 'POST /export' },
};

const kindOf = ({ type }: Pick<FleetTask, 'type'>): RunKind | null => runKinds[type] ?? null;

/** Tasks that no node works on: a run in Temporal does, and ends the task itself. */
export const hasRun = (task: Pick<FleetTask, 'type'>): boolean => kindOf(task) !== null;

/**
 * Sees to it that each such task has its run: the task is the queue, and the run's id is the lock. So a
 * task that was accepted while Temporal was away, or by a pod that died in that moment, or whose run was
 * terminated by hand, gets a run as soon as there can be one.
 */
export class TaskRuns {
  readonly #looked = new Map<FleetTaskUid, number>();

  constructor(
    private readonly temporal: TemporalGateway | null,
    private readonly store: Pick<Store, 'tasks'>,
    private readonly log: Log,
  ) {}

  /** Called again and again while the task is open. Never throws. */
  async keep(task: FleetTask): Promise<void> {
    const now = performance.now();
    const last = this.#looked.get(task.uid);
    if (last !== undefined && now - last < lookMs) return;
    this.#looked.set(task.uid, now);
    try {
      await this.#start(task);
    } catch (error) {
      // It runs already, or Temporal is away: the next look finds out.
      if (isMeiliError(error)) return;
      this.log.warn({ err: error, task: task.uid }, 'the run of a task could not be started');
    }
  }

  /** The task is over. */
  forget(uid: FleetTaskUid): void {
    this.#looked.delete(uid);
  }

  /** Asks the run to stop; one that has not begun never begins. */
  async cancel(task: FleetTask, canceledBy: FleetTaskUid): Promise<void> {
    const noted: FleetTask = { ...task, canceledBy };
    await this.store.tasks.save(noted);
    try {
      await this.#tell(noted);
    } catch (error) {
      if (!isMeiliError(error)) throw error;
      this.log.debug({ err: error, task: task.uid }, 'the run of a task was not told of a cancel');
    }
  }

  async #start(task: FleetTask): Promise<void> {
    // Between the look at the list and this one it may have ended; a second run would do it again.
    const fresh = await this.store.tasks.get(task.uid);
    const kind = kindOf(task);
    if (fresh === null || fresh.finishedAt !== null || kind === null) return;
    if (fresh.canceledBy !== null) {
      if (!(await this.#toldOrNone(fresh)))
        await this.store.tasks.save(canceledBeforeItBegan(fresh));
      return;
    }
    const { workflowType, idOf, why } = kind;
    await this.temporal?.start({
      workflowType,
      workflowId: idOf(task.uid),
      args: [{ taskUid: task.uid, who: 'client', why }],
    });
  }

  async #tell(task: FleetTask): Promise<void> {
    const id = kindOf(task)?.idOf(task.uid);
    if (id !== undefined) await this.temporal?.update(id, 'cancel', { who: 'client' });
  }

  /** False: there is no run, so nobody else will end the task. */
  async #toldOrNone(task: FleetTask): Promise<boolean> {
    try {
      await this.#tell(task);
      return true;
    } catch (error) {
      if (!isMeiliError(error)) throw error;
      return error.code !== 'miroir_not_found';
    }
  }
}

function canceledBeforeItBegan(task: FleetTask): FleetTask {
  const now = new Date().toISOString();
  // What the run would have needed, such as the key of another Meilisearch, is not kept.
  const { run: _run, ...extra } = task.extra;
  return {
    ...task,
    ...{ status: 'canceled', extra, batchUid: task.uid },
    ...{ startedAt: now, finishedAt: now, duration: 'PT0.000S' },
  };
}
