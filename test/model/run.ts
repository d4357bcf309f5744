import { recover } from '../../api/meta/recover';
import { holders } from '../../core/covering-set';
import { expectedErrors } from './check/expected-errors';
import { RunLog } from './check/log';
import { searchFaults } from './check/search-check';
import { finalFaults } from './check/final-check';
import { answerFaults } from './check/one-node';
import { checkedFleet } from './fleet/checked';
import { ModelFleet } from './fleet/fleet';
import { operate, operationOf } from './fleet/operations';
import { roomAgain } from './fleet/room-again';
import type { Mutation } from './mutations';
import { codeOf, search, write } from './story/clients';
import { Acts } from './story/acts';
import { anyDocument, firstWrites, generateStory, indexes, unsteered } from './story/generate';
import { sendSteps } from './story/send-steps';
import type { Sizes } from './story/generate';
import type { ClientStep, OperationAct, Story, WriteSpec } from './story/types';
import { inWorld } from './world/globals';
import { Random } from './world/random';
import { Deadline, World } from './world/world';

export interface RunResult {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  /** Of the model. */
  readonly lengthMs: number;
  readonly writes: number;
  readonly searches: number;
  readonly errors: Readonly<Record<string, number>>;
}

export interface RunOptions {
  readonly mutation?: Mutation | null;
}

const disksLost: ReadonlySet<string> = new Set(['node-emptied', 'node-rolled-back']);
const clientPatienceMs = 4_000;
const quietMs = 900_000;
const violationsMax = 20;

export const runSeed = (seed: number, sizes?: Sizes, options?: RunOptions): Promise<RunResult> =>
  runStory(generateStory(seed, sizes), options);

/** One run of a story, from an empty fleet to the checker's word. */
export async function runStory(story: Story, options: RunOptions = {}): Promise<RunResult> {
  const world = new World(story.seed);
  return inWorld(world, async () => {
    const putBack = options.mutation?.patch?.();
    const run = new Run(world, story, options.mutation ?? null);
    try {
      return await run.result();
    } finally {
      run.close();
      putBack?.();
    }
  });
}

class Run {
  readonly #fleet: ModelFleet;
  readonly #log = new RunLog();
  readonly #violations: string[] = [];
  readonly #acts: Acts;

  constructor(
    private readonly world: World,
    private readonly story: Story,
    mutation: Mutation | null,
  ) {
    this.#fleet = new ModelFleet(world, story.size, mutation, story.losesRedis);
    this.#acts = new Acts(this.#fleet);
    const taskKey = this.#fleet.keys.task('');
    this.#fleet.redis.db.onSet = (key, text) => {
      if (!key.startsWith(taskKey)) return;
      const epoch = Number(this.#fleet.redis.db.textOf(this.#fleet.keys.epoch) ?? '0');
      this.#log.see(Number(key.slice(taskKey.length)), text, { at: world.now, epoch });
    };
  }

  async result(): Promise<RunResult> {
    try {
      await this.#until(() => this.#prepare(), 60_000, 'the fleet is prepared');
      const limitMs = 60_000;
      await this.#until(() => this.#perform(), limitMs, 'clients are answered');
      await this.#until(() => this.#calmDown(), quietMs, 'the fleet is quiet');
      if (this.story.losesRedis) {
        await this.#until(() => this.#loseRedis(), quietMs, 'the fleet is recovered');
      }
      await this.#until(() => this.#check(), 60_000, 'the checker is done');
    } catch (error) {
      if (!(error instanceof Deadline)) this.#violate(`${String((error as Error).stack)}`);
      else this.#violate(`${error.message} ${this.#openEnds()}`);
    }
    return {
      seed: this.story.seed,
      violations: this.#violations,
      trace: this.world.trace,
      lengthMs: this.world.now,
      writes: this.#log.writes.length,
      searches: this.#log.searches,
      errors: Object.fromEntries(this.#log.errors),
    };
  }

  close(): void {
    this.#fleet.close();
  }

  /** Runs work as the story's own, and lets the world go on until it has ended. */
  async #until(work: () => Promise<void>, limitMs: number, what: string): Promise<void> {
    const state = { done: false, error: null as unknown };
    this.world.after(0, 'story', () => {
      work().then(
        () => (state.done = true),
        (error: unknown) => {
          state.error = error;
          state.done = true;
        },
      );
    });
    await this.world.runUntil(() => state.done, limitMs, `not yet: ${what}`);
    if (state.error !== null) throw state.error as Error;
  }

  #violate(text: string): void {
    this.world.note(`VIOLATION ${text}`);
    if (this.#violations.length < violationsMax) this.#violations.push(text);
  }

  async #prepare(): Promise<void> {
    await this.#fleet.start();
    for (const spec of firstWrites(this.story.seed)) await this.#write(spec, 0);
    await this.#tasksEnd();
    for (const node of this.#fleet.nodes.values()) node.keepDisk();
  }

  async #perform(): Promise<void> {
    for (const { at, act } of this.story.acts) {
      this.world.after(at, 'story', () => void this.#acts.act(act));
    }
    const clients = this.story.clients.map((steps, ordinal) =>
      this.world.as(`client-${String(ordinal)}`, () => this.#client(steps)),
    );
    await Promise.all(clients);
    const last = Math.max(0, ...this.story.acts.map(({ at }) => at));
    await this.world.sleep(last);
  }

  async #client(steps: readonly ClientStep[]): Promise<void> {
    await sendSteps(steps, {
      pause: (ms) => this.world.sleep(ms),
      ask: ({ ask, pod }) =>
        ask.kind === 'search' ? this.#search(ask, pod) : this.#write(ask, pod),
    });
  }

  async #write(spec: WriteSpec, podOrdinal: number): Promise<void> {
    const pod = this.#fleet.podFor(podOrdinal);
    if (pod === null) return;
    const record = this.#log.submit(spec, this.world.now);
    this.world.note(`${record.id} to ${pod.name}: ${JSON.stringify(spec)}`);
    const answer = await this.#answerOf(pod.name, () => write(pod.ctx, spec, record.id));
    if (answer.kind === 'answer') {
      record.answeredAt = this.world.now;
      record.taskUid = answer.value;
      this.world.note(`${record.id} is task ${String(answer.value)}`);
      return;
    }
    if (answer.kind === 'error') record.answeredAt = this.world.now;
    record.error = answer.code;
    record.message = answer.message;
    this.#log.count(`write ${answer.code}`);
    this.world.note(`${record.id} is told ${answer.code}: ${answer.message}`);
    if (!expectedErrors.has(answer.code)) {
      this.#violate(`${record.id} was told ${answer.code}: ${answer.message}`);
    }
  }

  async #search(spec: Parameters<typeof search>[1], podOrdinal: number): Promise<void> {
    const pod = this.#fleet.podFor(podOrdinal);
    if (pod === null) return;
    const from = this.world.now;
    const answer = await this.#answerOf(pod.name, () => search(pod.ctx, spec));
    if (answer.kind === 'answer') {
      this.#log.searches += 1;
      const checked = { result: answer.value, from, to: this.world.now };
      for (const fault of searchFaults(this.#log, spec, checked)) {
        this.#violate(`${fault} (${pod.name}, ${from.toFixed(2)}, ${JSON.stringify(spec.body)})`);
      }
      return;
    }
    this.#log.count(`search ${answer.code}`);
    if (!expectedErrors.has(answer.code)) {
      this.#violate(`a search was told ${answer.code}: ${answer.message}`);
    }
  }

  /** What a client hears within its patience. */
  async #answerOf<T>(
    pod: string,
    ask: () => Promise<T>,
  ): Promise<
    | { kind: 'answer'; value: T }
    | { kind: 'error'; code: string; message: string }
    | { kind: 'silence'; code: string; message: string }
  > {
    const silence = this.world
      .sleep(clientPatienceMs)
      .then(() => ({ kind: 'silence' as const, code: 'no answer', message: '' }));
    const answer = this.world.as(pod, ask).then(
      (value) => ({ kind: 'answer' as const, value }),
      (error: unknown) => ({ kind: 'error' as const, ...codeOf(error) }),
    );
    return Promise.race([answer, silence]);
  }

  /** All faults end, all that was begun ends, and what is stale is repaired. */
  async #calmDown(): Promise<void> {
    const { world } = this;
    const fleet = this.#fleet;
    fleet.weather.clear();
    fleet.temporal.losesAnswer = () => false;
    while (this.#acts.busy > 0) await world.sleep(100);
    fleet.weather.clear();
    for (const name of fleet.pods.keys()) world.resume(name);
    for (const node of fleet.nodes.values()) {
      world.after(0, node.owner, () => node.heal());
    }
    world.note('quiet');
    await roomAgain(fleet.store);
    await this.#rebuildStrange();
    while (fleet.temporal.open().length > 0) await world.sleep(100);
    await this.#tasksEnd();
    // What the schedules of the worker do.
    await this.#operate({ kind: 'settings-check', steer: unsteered });
    for (let round = 0; (await this.#anyStale()) && round < 10; round += 1) {
      await this.#operate({ kind: 'repair-all', steer: unsteered });
      await this.#tasksEnd();
    }
    // A node that missed the creation of an index is given it by a sweep of the pods.
    while (await this.#anyLacking()) await world.sleep(100);
    await world.sleep(2 * fleet.config.pods.leaseMs);
  }

  /** What the schedule of the repair policy does while a node is not the one that it was. */
  async #rebuildStrange(): Promise<void> {
    const lost = this.story.acts.some(({ act }) => disksLost.has(act.kind));
    for (let round = 0; lost && round < 12; round += 1) {
      await this.#operateNow({ kind: 'scheduled-repair', steer: unsteered });
      await this.world.sleep(1_000);
    }
  }

  /**
   * Redis loses everything. Its pods must notice, an operator recovers what the nodes remember, and clients
   * go on.
   */
  async #loseRedis(): Promise<void> {
    const { world } = this;
    const fleet = this.#fleet;
    await this.#statesKept();
    world.note('Redis loses everything');
    fleet.redis.db.clear();
    for (const name of [...fleet.pods.keys(), ...fleet.temporal.workers()]) {
      fleet.weather.breakRedis(name);
    }
    await world.sleep(fleet.config.pods.leaseMs);
    const pod = fleet.podFor(this.story.seed);
    if (pod === null) throw new Error('No pod is left.');
    const wish = { who: 'operator', why: 'the model', acceptMissing: false };
    const plan = await world.as(pod.name, () => recover(pod.ctx, wish));
    world.note(
      `recovered epoch ${String(plan.from)} as ${String(plan.to)} from ${String(plan.source)}`,
    );
    for (const name of fleet.pods.keys()) {
      const { ctx } = fleet.pods.get(name) ?? pod;
      while (!ctx.pod.ready() || ctx.fleet.current().epoch < plan.to) await world.sleep(50);
    }
    const random = new Random(this.story.seed).fork('after the loss');
    for (let at = 0; at < 6; at += 1) {
      const documents = [anyDocument(random, `d${String(at + 1)}`, 1_000 + at)];
      const index = indexes[at % indexes.length] ?? '';
      await this.#write({ kind: 'add', method: 'POST', index, documents }, at);
    }
    await this.#tasksEnd();
    await world.sleep(2 * fleet.config.pods.leaseMs);
  }

  /** Until every node of the fleet keeps the present state. */
  async #statesKept(): Promise<void> {
    const now = await this.#fleet.store.fleet.load();
    const keeps = (id: string): boolean => {
      const path = '/indexes/_miroir_meta/documents/fetch';
      const answer = this.#fleet.nodes.get(id)?.ask('POST', path, { limit: 2_000 });
      const { results } = (answer ?? {}) as { results?: { epoch: number }[] };
      return results?.some(({ epoch }) => epoch === now.epoch) === true;
    };
    while (!now.nodes.every(({ id }) => keeps(id))) await this.world.sleep(100);
  }

  async #anyLacking(): Promise<boolean> {
    const { indexes: entries } = await this.#fleet.store.fleet.load();
    return entries.some((entry) =>
      [...holders(entry).keys()].some((id) => {
        const answer = this.#fleet.nodes.get(id)?.ask('GET', `/indexes/${entry.physicalUid}`);
        return (answer as { code?: string } | null)?.code === 'index_not_found';
      }),
    );
  }

  async #operateNow(act: OperationAct): Promise<void> {
    const operation = await operationOf(this.#fleet, act);
    if (operation === null) return;
    await this.world.as('temporal', () => operate(this.#fleet, operation, act.steer));
  }

  async #operate(act: OperationAct): Promise<void> {
    await this.#operateNow(act);
    while (this.#fleet.temporal.open().length > 0) await this.world.sleep(100);
  }

  async #anyStale(): Promise<boolean> {
    const { indexes: entries } = await this.#fleet.store.fleet.load();
    return entries.some(({ placement }) =>
      placement.some(({ shards }) =>
        shards.some((row) => row.some(({ state }) => state === 'stale')),
      ),
    );
  }

  async #tasksEnd(): Promise<void> {
    const { tasks, writers } = this.#fleet.store;
    while ((await tasks.open()).length > 0 || (await writers.unsettled()).length > 0) {
      await this.world.sleep(50);
    }
  }

  async #check(): Promise<void> {
    const pod = this.#fleet.podFor(0);
    if (pod === null) throw new Error('No pod is left.');
    const checked = checkedFleet(this.#fleet, pod);
    for (const fault of await finalFaults(checked, this.#log)) this.#violate(fault);
    for (const fault of await answerFaults(checked)) this.#violate(fault);
  }

  #openEnds(): string {
    const open = [...this.#log.tasks.values()].filter(({ settledAt }) => settledAt === null);
    return JSON.stringify({
      runs: this.#fleet.temporal.open(),
      tasks: open.map(({ uid, status }) => `${String(uid)} ${status}`),
      busy: this.#acts.busy,
    });
  }
}
