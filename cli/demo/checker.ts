import type { ApiClient } from '../client';

interface SearchAnswer {
  readonly hits: readonly { readonly id: number }[];
  readonly estimatedTotalHits: number;
  readonly facetDistribution?: { readonly kind?: Readonly<Record<string, number>> };
}

export interface CheckReport {
  readonly searches: number;
  readonly missed: number;
  readonly doubled: number;
  readonly failed: number;
  readonly lastError: string | null;
  readonly written: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

const allOf = 1_000_000;
const writerPauseMs = 40;

/**
 * Searches without pause while a writer adds documents, and counts what no client may ever see: a
 * document that was known to be there and is not in an answer, or one that is there twice.
 *
 * A document counts as there from the moment its task has succeeded; the list of those is taken before
 * each search is sent.
 */
export class Checker {
  readonly #sure = new Set<number>();
  readonly #latencies: number[] = [];
  #missed = 0;
  #doubled = 0;
  #failed = 0;
  #lastError: string | null = null;
  #written = 0;
  #stopping = false;
  #loops: Promise<void>[] = [];

  constructor(
    private readonly api: ApiClient,
    private readonly index: string,
    documents: Iterable<number>,
    private readonly firstNewId: number,
  ) {
    for (const id of documents) this.#sure.add(id);
  }

  start(): void {
    this.#loops = [this.#search(), this.#write()];
  }

  async stop(): Promise<CheckReport> {
    this.#stopping = true;
    await Promise.all(this.#loops);
    return this.report();
  }

  report(): CheckReport {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    const at = (share: number): number =>
      Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
    return {
      searches: this.#latencies.length,
      missed: this.#missed,
      doubled: this.#doubled,
      failed: this.#failed,
      lastError: this.#lastError,
      written: this.#written,
      p50Ms: at(0.5),
      p95Ms: at(0.95),
    };
  }

  async #search(): Promise<void> {
    while (!this.#stopping) {
      const sure = [...this.#sure];
      const begun = performance.now();
      try {
        const answer = await this.api.post<SearchAnswer>(`/indexes/${this.index}/search`, {
          limit: allOf,
          attributesToRetrieve: ['id'],
        });
        this.#latencies.push(performance.now() - begun);
        this.#judge(answer, sure);
      } catch (error) {
        this.#fail(error);
      }
    }
  }

  #judge(answer: SearchAnswer, sure: readonly number[]): void {
    const seen = new Set(answer.hits.map((hit) => hit.id));
    this.#doubled += answer.hits.length - seen.size;
    this.#missed += sure.filter((id) => !seen.has(id)).length;
    // Both must hold: a total that counts a copy twice shows no double among the hits.
    if (answer.estimatedTotalHits !== answer.hits.length) this.#doubled += 1;
  }

  async #write(): Promise<void> {
    for (let id = this.firstNewId; !this.#stopping; id += 1) {
      try {
        const document = { id, title: `Screen test number ${id}`, genre: 'Test' };
        const { taskUid } = await this.api.post<{ taskUid: number }>(
          `/indexes/${this.index}/documents`,
          [document],
        );
        await this.api.waitTask(taskUid);
        this.#sure.add(id);
        this.#written += 1;
      } catch (error) {
        this.#fail(error);
      }
      await new Promise((resolve) => setTimeout(resolve, writerPauseMs));
    }
  }

  #fail(error: unknown): void {
    this.#failed += 1;
    this.#lastError = error instanceof Error ? error.message : String(error);
  }
}
