import type { WriteSpec } from '../story/types';

/** What a client knows of one write that it asked for. */
export interface WriteRecord {
  readonly id: string;
  readonly spec: WriteSpec;
  readonly submittedAt: number;
  /** Of the answer; null: none came. */
  answeredAt: number | null;
  /** The task that the client was told; null when it was told none. */
  taskUid: number | null;
  /** The code of the error that it was told. */
  error: string | null;
  message: string | null;
}

/** One task as Redis had it last, with every final state it ever had. */
export interface TaskRecord {
  readonly uid: number;
  physicalUid: string | null;
  customMetadata: string | null;
  status: string;
  errorCode: string | null;
  indexUid: string | null;
  type: string;
  finals: string[];
  /** Of the model's time; null while it is open. */
  settledAt: number | null;
  /** The epoch of the fleet when it ended. */
  settledEpoch: number;
}

const finalStates: ReadonlySet<string> = new Set(['succeeded', 'failed', 'canceled']);

export const isFinal = (task: TaskRecord): boolean => finalStates.has(task.status);

/** Everything that was asked and told, and what became of each task, as it happens. */
export class RunLog {
  readonly writes: WriteRecord[] = [];
  readonly tasks = new Map<number, TaskRecord>();
  readonly #byMetadata = new Map<string, number>();
  #ids = 0;

  /** Codes that clients were told, with how often. */
  readonly errors = new Map<string, number>();
  searches = 0;

  submit(spec: WriteSpec, now: number): WriteRecord {
    const record: WriteRecord = {
      id: `op-${String((this.#ids += 1))}`,
      spec,
      submittedAt: now,
      answeredAt: null,
      taskUid: null,
      error: null,
      message: null,
    };
    this.writes.push(record);
    return record;
  }

  /** A task's text in Redis. Follows each change of it. */
  see(uid: number, text: string, now: { readonly at: number; readonly epoch: number }): void {
    const seen = JSON.parse(text) as {
      physicalUid: string | null;
      customMetadata?: string;
      status: string;
      error: { code: string } | null;
      indexUid: string | null;
      finishedAt: string | null;
      type: string;
    };
    const known = this.tasks.get(uid);
    const task: TaskRecord = known ?? {
      uid,
      physicalUid: seen.physicalUid,
      customMetadata: seen.customMetadata ?? null,
      status: seen.status,
      errorCode: null,
      indexUid: seen.indexUid,
      type: seen.type,
      finals: [],
      settledAt: null,
      settledEpoch: 0,
    };
    this.tasks.set(uid, task);
    if (task.customMetadata !== null) this.#byMetadata.set(task.customMetadata, uid);
    task.status = seen.status;
    task.errorCode = seen.error?.code ?? null;
    task.indexUid = seen.indexUid;
    if (!isFinal(task)) {
      if (task.finals.length > 0) task.finals.push(`open again as ${seen.status}`);
      return;
    }
    const final = JSON.stringify([seen.status, seen.error?.code ?? null, seen.finishedAt]);
    if (task.finals.at(-1) !== final) task.finals.push(final);
    if (task.settledAt === null) {
      task.settledAt = now.at;
      task.settledEpoch = now.epoch;
    }
  }

  /** The task of a write, also where its client was told nothing. */
  taskOf(write: WriteRecord): TaskRecord | null {
    const uid = write.taskUid ?? this.#byMetadata.get(write.id);
    return uid === undefined ? null : (this.tasks.get(uid) ?? null);
  }

  count(error: string): void {
    this.errors.set(error, (this.errors.get(error) ?? 0) + 1);
  }
}
