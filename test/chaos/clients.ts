import { ApiClient, ApiError } from '../../cli/client';
import type { RunningFleet } from '../../local/fleet';
import { Settler } from './settler';

export interface ClientOptions {
  readonly index: string;
  /** Documents `0 … documents-1` that are there before the fault; only replaced, never deleted. */
  readonly documents: number;
  /** Documents written or deleted in a second, all lanes together. */
  readonly writesPerSecond: number;
  /** Documents of one request. */
  readonly batch?: number;
  readonly lanes: number;
  readonly searchers: number;
  /** Ids of one search; a whole small index, or a random window of a large one. */
  readonly window: number;
  /** For the windows. */
  readonly random: () => number;
}

export interface ClientReport {
  readonly searches: number;
  /** Documents that a search should have shown and did not. */
  readonly missed: readonly string[];
  /** Documents that a search showed twice, or counted and did not show. */
  readonly doubled: readonly string[];
  readonly acknowledged: number;
  /** Code of an error that a client saw → how often. `connection` when there was no answer. */
  readonly errors: Readonly<Record<string, number>>;
  readonly searchMs: readonly number[];
}

class Degraded extends Error {
  override readonly name = 'Degraded';
}

interface Hit {
  readonly id: number;
  readonly version: number;
}

/** Documents that lanes add; below them are the first ones, above them those that come and go. */
const addFrom = 10_000_000;
const churnFrom = 20_000_000;
const retryMs = 100;
/** A write that is refused for longer than this is a fleet that did not heal. */
const giveUpMs = 120_000;
const samplesMax = 20;

/**
 * Clients as they are outside: several of them, behind a load balancer, that send a write again until it is
 * acknowledged and its task has succeeded. Each id has one writer, so the last operation on it that was
 * acknowledged and succeeded is what must be found at the end, and a write sent twice changes nothing.
 */
export class Clients {
  /** Id → version, or null when deleted, by the last operation whose task succeeded. */
  readonly expected = new Map<number, number | null>();
  readonly #sure = new Set<number>();
  readonly #apis: readonly ApiClient[];
  readonly #settler: Settler;
  readonly #errors = new Map<string, number>();
  readonly #missed: string[] = [];
  readonly #doubled: string[] = [];
  readonly #searchMs: number[] = [];
  #searches = 0;
  #acknowledged = 0;
  #turn = 0;
  #stopping = false;
  #loops: Promise<void>[] = [];
  #nextWriteAt = 0;
  #giveUpAt = Infinity;

  constructor(
    fleet: RunningFleet,
    private readonly options: ClientOptions,
  ) {
    const { masterKey, adminKey } = fleet;
    this.#apis = fleet.apis.map((api) => new ApiClient({ api, masterKey, adminKey }));
    this.#settler = new Settler(() => this.#api());
  }

  /** Writes the first documents and waits for them. */
  async load(batch = 5_000): Promise<void> {
    const { documents, index } = this.options;
    for (let at = 0; at < documents; at += batch) {
      const ids = Array.from({ length: Math.min(batch, documents - at) }, (_, i) => at + i);
      await this.#settled('POST', `/indexes/${index}/documents`, ids.map(documentOf(0)));
      for (const id of ids) this.#found(id, 0);
    }
  }

  start(): void {
    const { lanes, searchers } = this.options;
    this.#loops = [
      ...Array.from({ length: searchers }, () => this.#searcher()),
      ...Array.from({ length: lanes }, (_, lane) => this.#lane(lane)),
    ];
  }

  /** Ends when every lane has finished its last write. Throws when one could not. */
  async stop(): Promise<ClientReport> {
    this.#stopping = true;
    await Promise.all(this.#loops);
    this.#settler.stop();
    return this.report();
  }

  /** Ends the loops without waiting for what they have begun: the run has failed already. */
  abandon(): void {
    this.#stopping = true;
    this.#giveUpAt = 0;
    for (const loop of this.#loops) void loop.catch(() => undefined);
    this.#settler.stop();
  }

  report(): ClientReport {
    return {
      searches: this.#searches,
      missed: this.#missed.slice(0, samplesMax),
      doubled: this.#doubled.slice(0, samplesMax),
      acknowledged: this.#acknowledged,
      errors: Object.fromEntries(this.#errors),
      searchMs: this.#searchMs,
    };
  }

  /** Everything that is found now in `[from, to)`: id → version. Throws on a double. */
  async find(from: number, to: number): Promise<Map<number, number>> {
    const answer = await this.#search(this.#api(), from, to);
    return new Map(answer.map(({ id, version }) => [id, version]));
  }

  #api(): ApiClient {
    this.#turn += 1;
    return this.#apis[this.#turn % this.#apis.length] as ApiClient;
  }

  async #searcher(): Promise<void> {
    const { documents, window, random } = this.options;
    while (!this.#stopping) {
      const from = Math.floor(random() * Math.max(1, documents - window));
      const sure = this.#sureIn(from, from + window);
      const begun = performance.now();
      try {
        const seen = new Set(
          (await this.#search(this.#api(), from, from + window)).map((h) => h.id),
        );
        this.#searches += 1;
        this.#searchMs.push(performance.now() - begun);
        for (const id of sure)
          if (!seen.has(id)) this.#missed.push(`${String(id)} of ${String(from)}…`);
      } catch (error) {
        this.#count(error);
        await pause(retryMs);
      }
    }
  }

  #sureIn(from: number, to: number): number[] {
    const sure: number[] = [];
    for (let id = from; id < to; id += 1) if (this.#sure.has(id)) sure.push(id);
    return sure;
  }

  async #search(api: ApiClient, from: number, to: number): Promise<readonly Hit[]> {
    const { body, headers } = await api.call<{ hits: Hit[]; totalHits: number }>({
      method: 'POST',
      path: `/indexes/${this.options.index}/search`,
      body: {
        filter: `id >= ${String(from)} AND id < ${String(to)}`,
        ...{ hitsPerPage: to - from + 1_000, page: 1, attributesToRetrieve: ['id', 'version'] },
      },
    });
    const { hits, totalHits } = body;
    const ids = new Set(hits.map((hit) => hit.id));
    if (ids.size !== hits.length || totalHits !== hits.length) {
      this.#doubled.push(
        `${String(hits.length)} hits, ${String(ids.size)} ids, total ${String(totalHits)}`,
      );
    }
    // An answer that says itself what it lacks is no miss, but it is not what was asked for either.
    if (headers.get('x-miroir-degraded')?.includes('shards=') === true) throw new Degraded();
    return hits;
  }

  /** Adds, replaces, writes what comes and goes, and deletes it, one operation after another. */
  async #lane(lane: number): Promise<void> {
    const { lanes, documents, index, batch = 1 } = this.options;
    const path = `/indexes/${index}/documents`;
    const ids = (from: number, unit: number): number[] =>
      Array.from({ length: batch }, (_, at) => from + unit * batch + at);
    const units = Math.max(1, Math.floor(documents / (lanes * batch)));
    for (let turn = 0; !this.#stopping; turn += 1) {
      const version = turn + 1;
      const put = (method: 'POST' | 'PUT', some: readonly number[]): Promise<void> =>
        this.#write(some, version, () =>
          this.#settled(method, path, some.map(documentOf(version))),
        );
      const churned = (at: number): number[] => ids(churnFrom, lane + (at % 5) * lanes);
      const replaced = ids(0, lane + ((turn * 7) % units) * lanes).filter((id) => id < documents);
      switch (turn % 4) {
        case 0:
          await put('POST', ids(addFrom, lane + turn * lanes));
          break;
        case 1:
          if (replaced.length > 0) await put('POST', replaced);
          break;
        case 2:
          await put('PUT', churned(turn));
          break;
        default:
          // Those that were written in the turn before, so a delete that is lost would show.
          await this.#delete(path, churned(turn - 1));
      }
    }
  }

  #delete(path: string, ids: readonly number[]): Promise<void> {
    return this.#write(ids, null, () =>
      ids.length === 1
        ? this.#settled('DELETE', `${path}/${String(ids[0])}`)
        : this.#settled('POST', `${path}/delete-batch`, ids),
    );
  }

  async #write(
    ids: readonly number[],
    version: number | null,
    send: () => Promise<void>,
  ): Promise<void> {
    await this.#pace(ids.length);
    await send();
    this.#acknowledged += ids.length;
    for (const id of ids) {
      if (version === null) this.expected.set(id, null);
      else this.#found(id, version);
    }
  }

  #found(id: number, version: number): void {
    this.expected.set(id, version);
    if (id < churnFrom) this.#sure.add(id);
  }

  /** Sends until it is acknowledged and its task has succeeded. */
  async #settled(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<void> {
    const end = Date.now() + giveUpMs;
    for (;;) {
      try {
        const call = body === undefined ? { method, path } : { method, path, body };
        const { taskUid } = (await this.#api().call<{ taskUid: number }>(call)).body;
        const failure = await this.#settler.settled(taskUid);
        if (failure === null) return;
        this.#note(`task ${failure}`);
      } catch (error) {
        this.#count(error);
      }
      if (Date.now() > Math.min(end, this.#giveUpAt))
        throw new Error(`${method} ${path} is refused for ${String(giveUpMs)} ms.`);
      await pause(retryMs);
    }
  }

  /** Keeps all lanes together below the rate. */
  async #pace(documents: number): Promise<void> {
    const now = performance.now();
    const at = Math.max(now, this.#nextWriteAt);
    this.#nextWriteAt = at + (1_000 * documents) / this.options.writesPerSecond;
    if (at > now) await pause(at - now);
  }

  #count(error: unknown): void {
    if (error instanceof Degraded) this.#note('degraded');
    else this.#note(error instanceof ApiError ? error.code : 'connection');
  }

  #note(code: string): void {
    this.#errors.set(code, (this.#errors.get(code) ?? 0) + 1);
  }
}

const documentOf =
  (version: number) =>
  (id: number): object => ({ id, version, title: `document number ${String(id)}` });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
