import { fleetTaskUid } from '../../core/ids';
import type { FleetTaskUid, NodeId, PhysicalUid, ShardId } from '../../core/ids';
import type { JsonValue } from '../../core/fleet';
import { MeiliError } from '../../core/errors';
import { holders, writers } from '../../core/covering-set';
import { fenceWaitMsMax } from '../../core/limits';
import type { FleetTask } from '../../store/task-types';
import type { BeginRequest, BeginResult, CommitResult } from '../../store/types';
import { clientOf } from '../client-of';
import { stateLost } from '../http/state-lost';
import { restoreSettings } from '../follower/restore-settings';
import { finished } from '../follower/task-times';
import type { NodeOutcome } from './fan-out';
import { fanOut } from './fan-out';
import { draft, numberingOf } from './intent';
import { sleep } from './node-fault';
import type { Operation, WritePlan } from './plan';
import type { Verdict } from './quorum';
import { degradedHeader, judge, shardsOf } from './quorum';
import { writeMetadata } from './sent-tasks';
import type { Held } from './tenure';
import { storedChange } from './places';
import { nodesOf } from './settle';
import type { IndexWriter, WriterContext } from './index-writer';
import { fenced, noQuorum, notReady } from './write-errors';
import type { WriteOutcome } from './writes';

/** While another replica has the write, a silent node is waited for this long; then it is stale. */
const silentNodeMs = 2_000;

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

  /** Null when the operation is meant for another index now: names have changed their meaning. */
  async run(): Promise<WriteOutcome | null> {
    // One nonce for all tries: a new one for each would leave an abandoned note behind, which a copy
    // must take for a write, and a fence that many writers wait for could never end in a join.
    const nonce = this.ctx.nextNonce();
    const state = { noted: false, begun: false };
    this.ctx.running.add(nonce);
    try {
      return await this.#tryUntilBegun(nonce, state);
    } finally {
      this.ctx.running.delete(nonce);
      if (state.noted && !state.begun) await this.#giveUpNonce(nonce);
    }
  }

  async #tryUntilBegun(
    nonce: string,
    state: { noted: boolean; begun: boolean },
  ): Promise<WriteOutcome | null> {
    const fenceUntil =
      performance.now() + Math.min(this.ctx.config.writes.fenceMaxMs, fenceWaitMsMax);
    for (;;) {
      if (!this.ctx.pod.ready()) throw notReady();
      const held = this.writer === null ? null : await this.writer.tenure.hold(this.#until);
      if (this.operation.target(this.ctx.fleet) !== this.uid) return null;
      const epoch = this.ctx.fleet.current().epoch;
      const plan = await this.operation.plan({
        fleet: this.ctx.fleet,
        places: this.writer?.places ?? null,
      });
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
        return await this.#carryOut(plan, held, { ...begun, nonce });
      }
      const repeated = await this.#afterRefusal(begun, { fenceUntil, epoch });
      if (repeated !== null) return { task: repeated, degraded: null };
    }
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

  /**
   * From here on the write has happened for the order of the index: it ends by a commit, here or by
   * whoever holds the lease next.
   */
  async #carryOut(
    plan: WritePlan,
    held: Held | null,
    begun: { taskUid: FleetTaskUid; firstSequence: number; epoch: number; nonce: string },
  ): Promise<WriteOutcome> {
    try {
      if (plan.changes.length > 0) await this.ctx.fleet.reload(begun.epoch as never);
      const change = plan.places?.(begun.firstSequence);
      if (change !== undefined) this.writer?.places.record(begun.taskUid, change);
      const outcomes = await this.#send(plan, held, begun);
      const accepted = new Set(
        outcomes.filter((one) => one.result === 'accepted').map(({ work }) => work.node),
      );
      const touched = [...new Set(outcomes.flatMap(({ work }) => [...work.shards]))];
      // Of a deleted index the catalogue is the word; a node that missed it is told later.
      const judged = plan.type === 'indexDeletion' ? null : plan.entry;
      const unsure = new Set(
        outcomes.filter((one) => one.unsure === true).map(({ work }) => work.node),
      );
      const rule = { ...this.ctx.config.writes, unsure };
      const verdict = judged === null ? null : judge(judged, touched, accepted, rule);
      const task = this.#taskOf(plan, begun, {
        outcomes,
        accepted,
        verdict,
        change: change === undefined ? null : storedChange(change),
      });
      return await this.#commit(task, { plan, held, begun, outcomes, verdict });
    } catch (error) {
      // Nobody knows what stands now; the next holder, maybe this pod, asks the nodes.
      this.writer?.tenure.lose();
      throw error;
    }
  }

  async #send(
    plan: WritePlan,
    held: Held | null,
    begun: { taskUid: FleetTaskUid; firstSequence: number },
  ): Promise<NodeOutcome[]> {
    const { ctx } = this;
    const { entry } = plan;
    const work = plan.work(begun.firstSequence);
    if (work.length === 0 || entry === null || held === null) return [];
    const single = entry.placement.length === 1 && entry.replicationFactor === 1;
    const outcomes = await fanOut(
      {
        physicalUid: entry.physicalUid,
        customMetadata: writeMetadata(begun.taskUid),
        client: async (node) => ((await ctx.identities.trusted(node)) ? clientOf(ctx, node) : null),
        maySend: () => held.inForce() && ctx.pod.ready(),
        signal: held.signal,
        deadlineMs: ctx.config.nodes.deadlineMs,
        // Of an only copy it must be known what it took, so it is asked for as long as a client waits.
        unknownMs: (node) =>
          single ? ctx.config.nodes.deadlineMs : ctx.health.usable(node) ? silentNodeMs : 0,
        answered: (node) => ctx.health.answered(node),
        failed: (node, code) => ctx.health.failed(node, code),
        setup: (one) => ctx.readiness.setup(entry, one),
        log: ctx.log,
      },
      work,
    );
    await Promise.all(
      outcomes
        .filter(({ result }) => result === 'accepted')
        .map((outcome) => ctx.readiness.accepted(entry, outcome.work)),
    );
    return outcomes;
  }

  #taskOf(
    plan: WritePlan,
    begun: { taskUid: FleetTaskUid },
    sent: {
      outcomes: readonly NodeOutcome[];
      accepted: ReadonlySet<NodeId>;
      verdict: Verdict | null;
      change: JsonValue;
    },
  ): FleetTask {
    const base: FleetTask = {
      ...draft(plan, this.operation),
      uid: fleetTaskUid(begun.taskUid),
      status: 'enqueued',
      nodeTasks: sent.outcomes.flatMap(({ tasks }) => [...tasks]),
      extra: {
        ...plan.extra,
        ...numberingOf(plan),
        nodes: nodesOf(
          sent.outcomes.map(({ work }) => work),
          sent.accepted,
        ),
        ...(sent.change === null ? {} : { places: sent.change }),
      },
    };
    if (plan.final !== null) {
      return finished({ ...base, details: plan.final.details }, plan.final.error);
    }
    const refusal = refusalOf(sent.outcomes);
    if (refusal !== null) return finished(base, refusal);
    return sent.verdict !== null && sent.verdict.lacking.length > 0
      ? finished(base, noQuorum(sent.verdict.lacking).toBody())
      : base;
  }

  async #commit(
    task: FleetTask,
    parts: {
      plan: WritePlan;
      held: Held | null;
      begun: { nonce: string };
      outcomes: readonly NodeOutcome[];
      verdict: Verdict | null;
    },
  ): Promise<WriteOutcome> {
    const refused = refusalOf(parts.outcomes) !== null;
    const stale = refused ? [] : (parts.verdict?.stale ?? []);
    const untaken = finished(task, noQuorum([]).toBody());
    const committed: CommitResult = await this.ctx.store.writers.commit({
      pod: this.ctx.pod.id,
      physicalUid: this.uid,
      fence: parts.held?.fence ?? null,
      taskUid: task.uid,
      nonce: parts.begun.nonce,
      task,
      untaken,
      stale,
    });
    if (committed.kind === 'lease-lost') {
      this.writer?.tenure.lose();
      return { task: await this.#settledByOther(task), degraded: null };
    }
    if (stale.length > 0) await this.ctx.fleet.reload(committed.epoch);
    if (committed.kind === 'last-in-sync') {
      this.ctx.webhooks.finished(untaken);
      await restoreSettings(this.ctx, untaken);
      throw noQuorum(committed.shards);
    }
    this.ctx.follower.wake();
    if (task.finishedAt !== null) this.ctx.webhooks.finished(task);
    if (task.status === 'failed') await restoreSettings(this.ctx, task);
    const stands = parts.plan.final !== null || parts.plan.type === 'indexDeletion';
    if (!refused && !stands) this.#demandStands(parts);
    return { task, degraded: parts.verdict === null ? null : degradedHeader(parts.verdict) };
  }

  #demandStands(parts: { outcomes: readonly NodeOutcome[]; verdict: Verdict | null }): void {
    const { outcomes, verdict } = parts;
    if (verdict !== null && verdict.lacking.length > 0) throw noQuorum(verdict.lacking);
    const missedAll = outcomes.length > 0 && outcomes.every(({ result }) => result === 'missed');
    if (missedAll) throw noQuorum([]);
  }

  /** Another pod has the lease: it settles this write, and its word on it is the one that counts. */
  async #settledByOther(task: FleetTask): Promise<FleetTask> {
    while (performance.now() < this.#until) {
      const settled = await this.ctx.store.tasks.get(task.uid);
      if (settled !== null && settled.status !== 'enqueuing') {
        if (settled.error?.['code'] !== 'miroir_interrupted') return settled;
        throw noQuorum([]);
      }
      await sleep(20);
    }
    throw noQuorum([]);
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

/** The error of a request that every node calls wrong; null when some node did not say so. */
function refusalOf(outcomes: readonly NodeOutcome[]): FleetTask['error'] {
  const [first] = outcomes;
  if (first === undefined || outcomes.some(({ result }) => result !== 'refused')) return null;
  const error = first.error as FleetTask['error'];
  return error ?? null;
}
