import type { ApiClient } from '../../cli/client';
import { ApiError } from '../../cli/client';

interface Hit {
  readonly id: number;
}

export interface TrafficReport {
  readonly searches: number;
  readonly missed: number;
  readonly doubled: number;
  readonly acknowledged: number;
  readonly errors: readonly string[];
}

/** Ids that are deleted and written again all the time; the others are only ever added and replaced. */
const churnFrom = 1_000_000;
const churnIds = 40;
/** A test that failed leaves its clients behind; they end when nothing answers any more. */
const errorsMax = 1_000;
const addFrom = 500_000;

/**
 * Clients that search without pause and write without pause, and know what they may expect. Each id has
 * one writer, so the last acknowledged operation on it is what must be found at the end.
 */
export class Traffic {
  /** Permanent documents whose task has succeeded. */
  readonly #sure = new Set<number>();
  /** Id → version, or null when deleted: by the last acknowledged operation. */
  readonly expected = new Map<number, number | null>();
  readonly #errors: string[] = [];
  #searches = 0;
  #missed = 0;
  #doubled = 0;
  #acknowledged = 0;
  #stopping = false;
  #loops: Promise<void>[] = [];

  constructor(
    private readonly api: ApiClient,
    private readonly index: string,
  ) {}

  /** Documents `0 … count-1`, in batches; waited for. */
  async load(count: number, batch = 500): Promise<void> {
    for (let at = 0; at < count; at += batch) {
      const ids = Array.from({ length: Math.min(batch, count - at) }, (_, ordinal) => at + ordinal);
      await this.#add(ids, 0);
    }
  }

  start(): void {
    this.#loops = [
      this.#until(() => this.#search()),
      this.#until(() => this.#search()),
      this.#writer(0),
      this.#writer(1),
      this.#churner(),
    ];
  }

  async stop(): Promise<TrafficReport> {
    this.#stopping = true;
    await Promise.all(this.#loops);
    return this.report();
  }

  report(): TrafficReport {
    return {
      searches: this.#searches,
      missed: this.#missed,
      doubled: this.#doubled,
      acknowledged: this.#acknowledged,
      errors: this.#errors,
    };
  }

  async #until(step: () => Promise<void>): Promise<void> {
    while (!this.#stopping && this.#errors.length < errorsMax) {
      try {
        await step();
      } catch (error) {
        this.#errors.push(describe(error));
      }
    }
  }

  async #search(): Promise<void> {
    const sure = [...this.#sure];
    const answer = await this.api.post<{ hits: Hit[]; estimatedTotalHits: number }>(
      `/indexes/${this.index}/search`,
      { limit: 100_000, attributesToRetrieve: ['id'] },
    );
    this.#searches += 1;
    const seen = new Set(answer.hits.map((hit) => hit.id));
    this.#doubled += answer.hits.length - seen.size;
    if (answer.estimatedTotalHits !== answer.hits.length) this.#doubled += 1;
    this.#missed += sure.filter((id) => !seen.has(id)).length;
  }

  /** Adds new documents and replaces old ones, one request after another. */
  async #writer(ordinal: number): Promise<void> {
    let next = addFrom + ordinal;
    let version = 1;
    await this.#until(async () => {
      await this.#add([next], version);
      // Every second write replaces a document that is there, so that places in the order are kept.
      await this.#add([ordinal + 2 * (version % 100)], version);
      next += 2;
      version += 1;
    });
  }

  async #churner(): Promise<void> {
    let turn = 0;
    await this.#until(async () => {
      const id = churnFrom + (turn % churnIds);
      const gone = Math.floor(turn / churnIds) % 2 === 1;
      turn += 1;
      if (gone) await this.#delete(id);
      else await this.#put(id, turn);
    });
  }

  async #add(ids: readonly number[], version: number): Promise<void> {
    const documents = ids.map((id) => ({ id, version, title: `document number ${id}` }));
    const { taskUid } = await this.api.post<{ taskUid: number }>(
      `/indexes/${this.index}/documents`,
      documents,
    );
    this.#acknowledged += 1;
    for (const id of ids) this.expected.set(id, version);
    await this.api.waitTask(taskUid);
    for (const id of ids) this.#sure.add(id);
  }

  async #put(id: number, version: number): Promise<void> {
    await this.api.put(`/indexes/${this.index}/documents`, [{ id, version, title: `churn ${id}` }]);
    this.#acknowledged += 1;
    this.expected.set(id, version);
  }

  async #delete(id: number): Promise<void> {
    await this.api.delete(`/indexes/${this.index}/documents/${id}`);
    this.#acknowledged += 1;
    this.expected.set(id, null);
  }
}

function describe(error: unknown): string {
  if (error instanceof ApiError) return `${error.status} ${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
