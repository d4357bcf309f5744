import { holders } from '../../../core/covering-set';
import type { JsonValue } from '../../../core/fleet';
import { expectedErrors } from '../check/expected-errors';
import { finalFaults } from '../check/final-check';
import { RunLog } from '../check/log';
import { answerFaults } from '../check/one-node';
import { searchFaults } from '../check/search-check';
import { roomAgain } from '../fleet/room-again';
import { firstWrites, generateStory, unsteered } from '../story/generate';
import { sendSteps } from '../story/send-steps';
import type { Sizes } from '../story/generate';
import type { ClientStep, SearchSpec, Story, WriteSpec } from '../story/types';
import { HttpActs, operationMs } from './http-acts';
import { told, write } from './http-clients';
import { HttpFleet, pause } from './http-fleet';
import { Observer } from './observer';

export interface HttpResult {
  readonly seed: number;
  readonly engine: string;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  readonly lengthMs: number;
  readonly writes: number;
  readonly searches: number;
  /** Searches whose documents could be judged: all pods had one epoch before and after. */
  readonly judged: number;
  readonly errors: Readonly<Record<string, number>>;
}

const violationsMax = 20;
const quietMs = operationMs;

/** The story of a seed on processes, over HTTP, in real time: the same generator, log and checker. */
export async function runOverHttp(seed: number, sizes: Sizes): Promise<HttpResult> {
  const story = generateStory(seed, sizes);
  const fleet = await HttpFleet.start(seed, story.size);
  try {
    return await new HttpRun(fleet, story).result();
  } finally {
    await fleet.close();
  }
}

class HttpRun {
  readonly #log = new RunLog();
  readonly #violations: string[] = [];
  readonly #trace: string[] = [];
  readonly #acts: HttpActs;
  readonly #observer: Observer;
  readonly #begun = performance.now();
  #judged = 0;

  constructor(
    private readonly fleet: HttpFleet,
    private readonly story: Story,
  ) {
    this.#acts = new HttpActs(fleet, (text) => this.#note(text));
    this.#observer = new Observer(fleet, this.#log, () => this.#now());
  }

  async result(): Promise<HttpResult> {
    try {
      await this.#prepare();
      this.#observer.start();
      await this.#perform();
      await this.#calmDown();
      await this.#observer.stop();
      for (const fault of await finalFaults(this.fleet, this.#log)) this.#violate(fault);
      for (const fault of await answerFaults(this.fleet)) this.#violate(fault);
    } catch (error) {
      this.#violate(String((error as Error).stack));
      await this.#observer.stop().catch(() => undefined);
    }
    return {
      seed: this.story.seed,
      engine: this.fleet.running.engine,
      violations: this.#violations,
      trace: this.#trace,
      lengthMs: this.#now(),
      writes: this.#log.writes.length,
      searches: this.#log.searches,
      judged: this.#judged,
      errors: Object.fromEntries(this.#log.errors),
    };
  }

  #now(): number {
    return performance.now() - this.#begun;
  }

  #note(text: string): void {
    this.#trace.push(`${this.#now().toFixed(0)} ${text}`);
  }

  #violate(text: string): void {
    this.#note(`VIOLATION ${text}`);
    if (this.#violations.length < violationsMax) this.#violations.push(text);
  }

  async #prepare(): Promise<void> {
    for (const spec of firstWrites(this.story.seed)) await this.#write(spec, 0);
    await this.#until(() => this.#tasksEnded(), 'the first documents are there');
  }

  async #perform(): Promise<void> {
    const acting = this.story.acts.map(async ({ at, act }) => {
      await pause(at);
      await this.#acts.act(act);
    });
    await Promise.all(this.story.clients.map((steps) => this.#client(steps)));
    await Promise.all(acting);
  }

  async #client(steps: readonly ClientStep[]): Promise<void> {
    await sendSteps(steps, {
      pause,
      ask: ({ ask, pod }) =>
        ask.kind === 'search' ? this.#search(ask, pod) : this.#write(ask, pod),
    });
  }

  async #write(spec: WriteSpec, pod: number): Promise<void> {
    const record = this.#log.submit(spec, this.#now());
    this.#note(`${record.id} to ${String(pod)}: ${JSON.stringify(spec)}`);
    const answer = await write(this.fleet, pod, { spec, id: record.id });
    if (answer.kind !== 'silence') record.answeredAt = this.#now();
    if (answer.kind === 'answer') {
      record.taskUid = (answer.body as { taskUid?: number } | null)?.taskUid ?? null;
      this.#note(`${record.id} is task ${String(record.taskUid)}`);
      return;
    }
    record.error = answer.code;
    record.message = answer.message;
    this.#refused(`write`, answer, record.id);
  }

  #refused(what: string, { code, message }: { code: string; message: string }, id = 'a search') {
    this.#log.count(`${what} ${code}`);
    this.#note(`${id} is told ${code}: ${message}`);
    if (!expectedErrors.has(code)) this.#violate(`${id} was told ${code}: ${message}`);
  }

  async #search(spec: SearchSpec, pod: number): Promise<void> {
    const before = await this.#observer.known(spec.index);
    const from = this.#now();
    const path = `/indexes/${spec.index}/search`;
    const answer = await told(() => this.fleet.client(pod, 'POST', path, spec.body));
    const to = this.#now();
    if (answer.kind !== 'answer') return this.#refused('search', answer);
    this.#log.searches += 1;
    const after = await this.#observer.known(spec.index);
    const sure = before !== null && before.epoch === after?.epoch;
    if (sure) this.#judged += 1;
    const body = answer.body as unknown as Readonly<Record<string, JsonValue>>;
    const result = {
      physicalUid: before?.physicalUid ?? '',
      epoch: before?.epoch ?? 0,
      hits: body['hits'] as unknown as readonly Readonly<Record<string, unknown>>[],
      total: body['estimatedTotalHits'] as number,
      body,
      // Which state a pod answered by is not known while epochs move: then only the form is judged.
      degraded: answer.headers.get('x-miroir-degraded') ?? (sure ? null : 'epochs move'),
    };
    for (const fault of searchFaults(this.#log, spec, { result, from, to })) {
      this.#violate(`${fault} (${from.toFixed(0)}, ${JSON.stringify(spec.body)})`);
    }
  }

  /** All that was begun ends, and what is stale is repaired, as an operator does it. */
  async #calmDown(): Promise<void> {
    this.#note('quiet');
    for (const text of this.#acts.unfinished) this.#violate(text);
    if (!this.fleet.nodes.size) throw new Error('No node is left.');
    for (const node of this.fleet.nodes.values()) {
      await node.ask('DELETE', '/__faults');
    }
    await roomAgain(this.fleet.store);
    for (const id of this.#acts.lostDisks) {
      await this.#until(() => this.#acts.rebuilt(id), `${id} is rebuilt`);
    }
    await this.#until(() => this.#operationsEnded(), 'operations have ended');
    await this.#until(() => this.#tasksEnded(), 'tasks have ended');
    await this.#acts.act({ kind: 'settings-check', steer: unsteered });
    await this.#until(() => this.#repaired(), 'all copies are in sync');
    await this.#until(() => this.#tasksEnded(), 'tasks have ended');
    await this.#until(() => this.#complete(), 'every holder has its indexes');
    await this.#until(async () => {
      const { epoch } = await this.fleet.load();
      return (await this.fleet.pods()).every((pod) => pod.epoch === epoch);
    }, 'all pods have one epoch');
  }

  async #until(holds: () => Promise<boolean>, what: string): Promise<void> {
    const until = performance.now() + quietMs;
    let cause: unknown = null;
    while (!(await holds().catch((error: unknown) => ((cause = error), false)))) {
      if (performance.now() > until) {
        throw new Error(`After ${String(quietMs)} ms: not yet: ${what}. ${String(cause ?? '')}`);
      }
      await pause(100);
    }
  }

  async #tasksEnded(): Promise<boolean> {
    const { tasks, writers } = this.fleet.store;
    return (await tasks.open()).length === 0 && (await writers.unsettled()).length === 0;
  }

  async #operationsEnded(): Promise<boolean> {
    const { body } = await this.fleet.operator('GET', '/_miroir/operations?limit=1000');
    const { results } = body as unknown as { results: { finishedAt?: string }[] };
    return results.every(({ finishedAt }) => finishedAt !== undefined);
  }

  async #repaired(): Promise<boolean> {
    const { indexes: entries } = await this.fleet.load();
    const copies = entries.flatMap(({ placement }) =>
      placement.flatMap(({ shards }) => shards.flat()),
    );
    const stale = copies.filter(({ state }) => state === 'stale').map(({ node }) => node);
    for (const id of new Set(stale)) {
      const place = Number(id.slice(id.lastIndexOf('-') + 1));
      await this.#acts.act({ kind: 'repair', node: place, steer: unsteered });
    }
    return copies.every(({ state }) => state === 'in-sync');
  }

  async #complete(): Promise<boolean> {
    const { indexes: entries } = await this.fleet.load();
    for (const entry of entries) {
      for (const id of holders(entry).keys()) {
        const answer = await this.fleet.nodes.get(id)?.ask('GET', `/indexes/${entry.physicalUid}`);
        if ((answer as { code?: string } | null)?.code === 'index_not_found') return false;
      }
    }
    return true;
  }
}
