import type { ApiClient } from '../../cli/client';

interface TaskView {
  readonly uid: number;
  readonly status: string;
  readonly error: { readonly code: string } | null;
}

const askMs = 30;
const uidsMax = 200;

/** Waits for the ends of many tasks with few questions, as a client library that batches would. */
export class Settler {
  readonly #waiting = new Map<number, (failure: string | null) => void>();
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(private readonly api: () => ApiClient) {}

  /** Null when the task succeeded, else the code of its error. */
  settled(taskUid: number): Promise<string | null> {
    return new Promise((resolve) => {
      this.#waiting.set(taskUid, resolve);
      this.#timer ??= setTimeout(() => void this.#ask(), askMs);
    });
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #ask(): Promise<void> {
    const uids = [...this.#waiting.keys()].slice(0, uidsMax);
    try {
      const { results } = await this.api().get<{ results: TaskView[] }>(
        `/tasks?limit=${String(uidsMax)}&statuses=succeeded,failed,canceled&uids=${uids.join(',')}`,
      );
      for (const { uid, status, error } of results) {
        this.#waiting.get(uid)?.(status === 'succeeded' ? null : (error?.code ?? status));
        this.#waiting.delete(uid);
      }
    } catch {
      // Asked again, of another pod: a task that was acknowledged must be found at last.
    }
    this.#timer = null;
    if (this.#waiting.size > 0 && !this.#stopped) {
      this.#timer = setTimeout(() => void this.#ask(), askMs);
    }
  }
}
