import type { NodeId, PhysicalUid, ShardId } from '../../core/ids';
import { MeiliError } from '../../core/errors';
import { holders, writers } from '../../core/covering-set';
import { fenceWaitMsMax } from '../../core/limits';
import type { FleetTask } from '../../store/task-types';
import type { BeginRequest, BeginResult } from '../../store/types';
import { stateLost } from '../http/state-lost';
import type { Begun } from './carry-out';
import { CarryOut } from './carry-out';
import { Flight } from './flight';
import { draft } from './intent';
import type { IndexWriter, WriterContext } from './index-writer';
import { sleep } from './node-fault';
import type { PlaceChange } from './place-change';
import type { Operation, WritePlan } from './plan';
import { shardsOf } from './quorum';
import type { Held } from './tenure';
import { fenced, notReady } from './write-errors';
import type { WriteOutcome } from './writes';

/** A write that has begun, or was found to have begun before. */
export interface BegunWrite {
  /** Rejects with what `Writes.submit` throws. */
  readonly outcome: Promise<WriteOutcome>;
  /** Whether the next write of the index may begin before this one has ended. */
  readonly overlaps: boolean;
}

/** One write from its first plan to its commit. `writer` is null for a task of no index. */
export class WriteRun {
  readonly #until: number;

  constructor(
    private readonly ctx: WriterContext,
    private readonly operation: Operation,
    private readonly writer: IndexWriter | null,
    private readonly uid: PhysicalUid | null,
  ) {
    this.#until = performance.now() + ctx.config.api.requestDeadlineMs;
  }

  /**
   * Resolves when the write has begun; null when the operation is meant for another index now: names
   * have changed their meaning.
   */
  async begin(): Promise<BegunWrite | null> {
    // One nonce for all tries: a new one for each would leave an abandoned note behind, which a copy
    // must take for a write, and a fence that many writers wait for could never end in a join.
    const nonce = this.ctx.nextNonce();
    const state = { noted: false, begun: false };
    const { running } = this.ctx;
    running.add(nonce);
    let begun: BegunWrite | null = null;
    try {
      begun = await this.#tryUntilBegun(nonce, state);
      return begun;
    } finally {
      const ended = (): boolean => running.delete(nonce);
      if (begun === null) ended();
      else begun.outcome.then(ended, ended);
      if (state.noted && !state.begun) await this.#giveUpNonce(nonce);
    }
  }

  async #tryUntilBegun(
    nonce: string,
    state: { noted: boolean; begun: boolean },
  ): Promise<BegunWrite | null> {
    const fenceUntil =
      performance.now() + Math.min(this.ctx.config.writes.fenceMaxMs, fenceWaitMsMax);
    for (;;) {
      if (!this.ctx.pod.ready()) throw notReady();
      await this.writer?.flight.room(this.ctx.config.writes.inFlightMax);
      const held = this.writer === null ? null : await this.writer.tenure.hold(this.#until);
      if (this.operation.target(this.ctx.fleet) !== this.uid) return null;
      const epoch = this.ctx.fleet.current().epoch;
      const plan = await this.operation.plan({
        fleet: this.ctx.fleet,
        places: this.writer?.places ?? null,
      });
      if (await this.#waitForEarlier(plan)) continue;
      demandRoom(this.ctx, plan);
      state.noted ||= plan.journal !== null;
      await this.#noteJournals(plan, nonce);
      const begun = await this.#begin(plan, {
        pod: this.ctx.pod.id,
        physicalUid: this.uid,
        fence: held?.fence ?? null,
        epoch,
        shards: plan.shards,
        sequences: plan.sequences,
        nonce,
        task: draft(plan, this.operation),
        changes: plan.changes,
      });
      if (begun.kind === 'ok') {
        state.begun = true;
        return this.#launch(plan, held, { ...begun, nonce });
      }
      const repeated = await this.#afterRefusal(begun, { fenceUntil, epoch });
      if (repeated === null) continue;
      return { outcome: Promise.resolve({ task: repeated, degraded: null }), overlaps: true };
    }
  }

  /** True when earlier writes were waited for: then the plan is to be made anew. */
  async #waitForEarlier(plan: WritePlan): Promise<boolean> {
    if (this.writer === null) return false;
    const { flight } = this.writer;
    if (flight.size === 0 || (plan.overlaps === true && !flight.disturbed)) return false;
    await flight.drained();
    return true;
  }

  #launch(plan: WritePlan, held: Held | null, begun: Begun): BegunWrite {
    const { ctx, operation, writer, uid } = this;
    const parts = { ctx, operation, flight: writer?.flight ?? new Flight(), until: this.#until };
    const lose = (): void => writer?.tenure.lose();
    const record = (change: PlaceChange): void => writer?.places.record(begun.taskUid, change);
    const outcome = new CarryOut({ ...parts, uid, lose, record }, { plan, held, begun }).run();
    // It is awaited only when the queues have let go of this write.
    outcome.catch(() => undefined);
    return { outcome, overlaps: plan.overlaps === true };
  }

  /**
   * Asks again, with the same nonce, when an answer is lost: a begin that happened is answered and not
   * done once more. One whose outcome stays unknown may stand before every later write of this pod, so
   * the lease is taken for lost and whoever writes next settles first.
   */
  async #begin(plan: WritePlan, bare: BeginRequest): Promise<BeginResult> {
    const { idempotency } = this.operation;
    const request: BeginRequest = {
      ...bare,
      ...(plan.audit === undefined ? {} : { audit: plan.audit }),
      ...(idempotency === undefined
        ? {}
        : { idempotency: { ...idempotency, ttlMs: idempotencyMs } }),
    };
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.ctx.store.writers.begin(request);
      } catch (error) {
        if (attempt < beginsMax && performance.now() < this.#until) {
          await sleep(beginPauseMs);
          continue;
        }
        this.writer?.tenure.lose();
        throw error;
      }
    }
  }

  /** What to do when begin said no; the task of an earlier request with the same idempotency key. */
  async #afterRefusal(
    begun: Exclude<BeginResult, { kind: 'ok' }>,
    { fenceUntil, epoch }: { readonly fenceUntil: number; readonly epoch: number },
  ): Promise<FleetTask | null> {
    if (performance.now() >= this.#until) throw notReady();
    switch (begun.kind) {
      case 'epoch-moved':
        // It was planned by an epoch that Redis does not know any more.
        if (begun.epoch < epoch) throw stateLost();
        await this.ctx.fleet.reload(begun.epoch);
        return null;
      case 'journal-missing':
        await this.ctx.fleet.reload();
        return null;
      case 'lease-lost':
        this.writer?.tenure.lose();
        return null;
      case 'fenced':
        if (performance.now() >= fenceUntil) throw fenced();
        await sleep(Math.max(1, begun.retryMs));
        return null;
      case 'key-reused':
        throw new MeiliError(
          'miroir_idempotency_key_reused',
          'This idempotency key was used before with another request.',
        );
      case 'repeated': {
        const task = await this.ctx.store.tasks.get(begun.taskUid);
        if (task === null)
          throw new MeiliError('task_not_found', `Task \`${begun.taskUid}\` not found.`);
        return task;
      }
    }
  }

  async #noteJournals(plan: WritePlan, nonce: string): Promise<void> {
    const { entry, journal } = plan;
    if (entry === null || journal === null || this.uid === null) return;
    const entries: { shard: ShardId; target: NodeId; ids: readonly string[] | 'all' }[] = [];
    for (const shard of shardsOf(entry, plan.shards)) {
      for (const { shards } of entry.placement) {
        for (const { node, state } of shards[shard] ?? []) {
          if (state !== 'syncing') continue;
          const ids = journal === 'all' ? ('all' as const) : (journal.get(shard) ?? []);
          entries.push({ shard, target: node, ids });
        }
      }
    }
    if (entries.length === 0) return;
    const shards = [...new Set(entries.map(({ shard }) => shard))];
    await this.ctx.store.journals.note(this.uid, shards, entries, nonce);
  }

  async #giveUpNonce(nonce: string): Promise<void> {
    if (this.uid === null) return;
    await this.ctx.store.journals.abandon(this.uid, nonce);
  }
}

const growing: ReadonlySet<string> = new Set([
  ...['documentAdditionOrUpdate', 'documentEdition', 'settingsUpdate', 'indexCreation'],
]);

/** Checked before begin, so that what is refused has happened nowhere. */
function demandRoom({ disks }: WriterContext, { entry, type, shards }: WritePlan): void {
  if (entry === null || !growing.has(type)) return;
  // Settings and a new index concern every node that holds any of it.
  const nodes =
    type === 'settingsUpdate' || type === 'indexCreation'
      ? holders(entry).keys()
      : shardsOf(entry, shards).flatMap((shard) => writers(entry, shard));
  disks.demandRoom(nodes);
}

const idempotencyMs = 24 * 3_600_000;
/** A begin whose answer was lost is asked for again so often. */
const beginsMax = 3;
const beginPauseMs = 20;
