/**
 * The task queue of a node: tasks get their uid when they are accepted and are worked off in the
 * background, one batch at a time for all indexes. Neighbouring document tasks of one index make one
 * batch.
 */
import { nowMicros } from '../clock';
import { ApiError, toApiError } from '../errors';
import type { FaultControl } from '../faults';
import { initialDetails, taskType, withoutOpenCounters } from './describe';
import { executeTask, turn } from './execute';
import type { Indexes } from './execute';
import type { Journal } from './journal';
import type { NewTask, Task, TaskContent } from './types';

const MAX_BATCH_TASKS = 200;
const DISK_FULL =
  "No space left on device (os error 28). This error generally happens when you have no space left on device or when your database doesn't have read or write right.";

function isDocumentWork({ kind }: TaskContent): boolean {
  return (
    kind === 'addDocuments' || kind === 'deleteIds' || kind === 'deleteFilter' || kind === 'clear'
  );
}

export class TaskQueue {
  readonly tasks = new Map<number, Task>();
  private pending: Task[] = [];
  private nextUid = 0;
  private nextBatchUid = 0;
  private worker: Promise<void> | null = null;
  private closed = false;

  constructor(
    private readonly indexes: Indexes,
    private readonly faults: FaultControl,
    private readonly journal: Journal | null,
  ) {}

  /** Accepts a task: it is durable and visible when this returns. */
  enqueue(asked: NewTask): Task {
    const task: Task = {
      uid: this.nextUid,
      indexUid: asked.indexUid,
      type: taskType(asked.content),
      content: asked.content,
      enqueuedAt: nowMicros(),
      customMetadata: asked.customMetadata ?? null,
      status: 'enqueued',
      batchUid: null,
      canceledBy: null,
      details: initialDetails(asked.indexUid, asked.content),
      error: null,
      startedAt: null,
      finishedAt: null,
    };
    const { uid, indexUid, enqueuedAt, customMetadata, content } = task;
    this.journal?.append({ accepted: { uid, indexUid, enqueuedAt, customMetadata, content } });
    this.admit(task);
    this.wake();
    return task;
  }

  /** Takes a task as it was before a restart; unfinished ones wait for their turn again. */
  admit(task: Task): void {
    this.nextUid = Math.max(this.nextUid, task.uid + 1);
    this.nextBatchUid = Math.max(this.nextBatchUid, (task.batchUid ?? -1) + 1);
    this.tasks.set(task.uid, task);
    if (task.finishedAt === null) this.pending.push(task);
  }

  /** Starts the work if it is not going on; the rules of faults may hold it. */
  wake(): void {
    if (this.worker !== null || this.closed || this.pending.length === 0) return;
    this.worker = this.work().finally(() => {
      this.worker = null;
      if (!this.faults.holdsTasks()) this.wake();
    });
  }

  /** Ends the work after the batch that is going on. */
  async close(): Promise<void> {
    this.closed = true;
    await this.worker;
  }

  isIndexing(indexUid: string): boolean {
    return this.pending.some((task) => task.status === 'processing' && task.indexUid === indexUid);
  }

  private async work(): Promise<void> {
    await turn();
    while (!this.closed && !this.faults.holdsTasks()) {
      const batch = this.nextBatch();
      if (batch.length === 0) return;
      await this.process(batch);
      await turn();
    }
  }

  /** Cancellations first, then deletions of tasks, then the oldest task with what goes along. */
  private nextBatch(): Task[] {
    const { pending } = this;
    const first =
      pending.findLast(({ content }) => content.kind === 'cancelTasks') ??
      pending.find(({ content }) => content.kind === 'deleteTasks') ??
      pending[0];
    if (first === undefined) return [];
    if (!isDocumentWork(first.content)) return [first];
    const batch: Task[] = [];
    for (const task of pending) {
      if (task.indexUid === null) break;
      if (task.indexUid !== first.indexUid) continue;
      if (!isDocumentWork(task.content) || batch.length >= MAX_BATCH_TASKS) break;
      batch.push(task);
    }
    return batch;
  }

  private async process(batch: readonly Task[]): Promise<void> {
    const batchUid = this.nextBatchUid;
    this.nextBatchUid += 1;
    const startedAt = nowMicros();
    for (const task of batch) {
      task.batchUid = batchUid;
      task.startedAt = startedAt;
      task.status = 'processing';
    }
    const outcomes: (ApiError | null)[] = [];
    for (const task of batch) outcomes.push(await this.run(task));
    const finishedAt = Math.max(nowMicros(), startedAt + 1);
    batch.forEach((task, index) => this.finish(task, outcomes[index] ?? null, finishedAt));
    const done = new Set(batch);
    this.pending = this.pending.filter((task) => !done.has(task) && task.finishedAt === null);
  }

  private async run(task: Task): Promise<ApiError | null> {
    try {
      const { content } = task;
      if (content.kind === 'cancelTasks') task.details = this.cancel(task, content.uids);
      else if (content.kind === 'deleteTasks') task.details = this.forget(task, content.uids);
      else {
        const path = `/indexes/${task.indexUid ?? ''}/documents`;
        if (isDocumentWork(content) && this.faults.take(['diskFull'], 'TASK', path) !== null) {
          throw new ApiError('no_space_left_on_device', DISK_FULL);
        }
        task.details = await executeTask(task, this.indexes, nowMicros());
      }
      return null;
    } catch (error) {
      return toApiError(error);
    }
  }

  private finish(task: Task, error: ApiError | null, finishedAt: number): void {
    task.status = error === null ? 'succeeded' : 'failed';
    task.error = error?.body() ?? null;
    if (error !== null) task.details = withoutOpenCounters(task.details);
    task.finishedAt = finishedAt;
    this.note(task);
  }

  private note(task: Task): void {
    const { uid, batchUid, status, startedAt, finishedAt, canceledBy, details, error } = task;
    this.journal?.append({
      finished: { uid, batchUid, status, startedAt, finishedAt, canceledBy, details, error },
    });
  }

  private cancel(by: Task, uids: readonly number[]): Task['details'] {
    let canceled = 0;
    for (const uid of uids) {
      const task = this.tasks.get(uid);
      if (task === undefined || task.status !== 'enqueued') continue;
      canceled += 1;
      task.status = 'canceled';
      task.canceledBy = by.uid;
      task.batchUid = by.batchUid;
      task.startedAt = by.startedAt;
      task.finishedAt = nowMicros();
      task.details = withoutOpenCounters(task.details);
      this.note(task);
    }
    return { ...by.details, canceledTasks: canceled };
  }

  private forget(by: Task, uids: readonly number[]): Task['details'] {
    const finished = uids.filter((uid) => (this.tasks.get(uid)?.finishedAt ?? null) !== null);
    for (const uid of finished) this.tasks.delete(uid);
    if (finished.length > 0) this.journal?.append({ forgotten: finished });
    return { ...by.details, deletedTasks: finished.length };
  }
}
