import { fleetTaskUid } from '../../core/ids';
import type { FleetTaskUid, NodeId, PhysicalUid } from '../../core/ids';
import type { JsonValue } from '../../core/fleet';
import type { FleetTask } from '../../store/task-types';
import type { CommitResult } from '../../store/types';
import { clientOf } from '../client-of';
import { restoreSettings } from '../follower/restore-settings';
import { finished } from '../follower/task-times';
import type { NodeOutcome } from './fan-out';
import { fanOut } from './fan-out';
import type { Flight } from './flight';
import type { WriterContext } from './index-writer';
import { draft, numberingOf } from './intent';
import { sleep } from './node-fault';
import type { PlaceChange } from './place-change';
import { storedChange } from './places';
import type { Operation, WritePlan } from './plan';
import type { Verdict } from './quorum';
import { degradedHeader, judge } from './quorum';
import { writeMetadata } from './sent-tasks';
import { nodesOf } from './settle';
import type { Held } from './tenure';
import { noQuorum } from './write-errors';
import type { WriteOutcome } from './writes';

/** While another replica has the write, a silent node is waited for this long; then it is stale. */
const silentNodeMs = 2_000;

/** What begin gave. */
export interface Begun {
  readonly taskUid: FleetTaskUid;
  readonly firstSequence: number;
  readonly epoch: number;
  readonly nonce: string;
}

export interface CarryOutParts {
  readonly ctx: WriterContext;
  readonly operation: Operation;
  readonly flight: Flight;
  readonly uid: PhysicalUid | null;
  /** On the clock of `performance.now()`. */
  readonly until: number;
  /** The lease must be taken for lost. */
  readonly lose: () => void;
  readonly record: (change: PlaceChange) => void;
}

interface Sent {
  readonly task: FleetTask;
  readonly outcomes: readonly NodeOutcome[];
  readonly verdict: Verdict | null;
}

/**
 * One write that has begun: from here on it has happened for the order of the index. It ends by a commit,
 * here or by whoever holds the lease next.
 */
export class CarryOut {
  constructor(
    private readonly parts: CarryOutParts,
    private readonly write: {
      readonly plan: WritePlan;
      readonly held: Held | null;
      readonly begun: Begun;
    },
  ) {}

  /** Must be called in the order in which the writes of the index began: so they enter the flight. */
  async run(): Promise<WriteOutcome> {
    const { flight, lose } = this.parts;
    let sent: Sent;
    let committed: CommitResult;
    try {
      [sent, committed] = await flight.launch(async () => {
        const sending = this.#send();
        // It is awaited only when earlier writes have committed.
        sending.catch(() => undefined);
        return await flight.inOrder(async () => {
          const all = await sending;
          return [all, await this.#commit(all)];
        });
      });
    } catch (error) {
      // Nobody knows what stands now; the next holder, maybe this pod, asks the nodes.
      lose();
      throw error;
    }
    return await this.#conclude(sent, committed);
  }

  async #send(): Promise<Sent> {
    const { ctx, record } = this.parts;
    const { plan, begun } = this.write;
    if (plan.changes.length > 0) await ctx.fleet.reload(begun.epoch as never);
    const change = plan.places?.(begun.firstSequence);
    if (change !== undefined) record(change);
    const outcomes = await this.#sendToNodes();
    const accepted = nodesThat(outcomes, ({ result }) => result === 'accepted');
    const touched = [...new Set(outcomes.flatMap(({ work }) => [...work.shards]))];
    // Of a deleted index the catalogue is the word; a node that missed it is told later.
    const judged = plan.type === 'indexDeletion' ? null : plan.entry;
    const unsure = nodesThat(outcomes, (one) => one.unsure === true);
    const rule = { ...ctx.config.writes, unsure };
    const verdict = judged === null ? null : judge(judged, touched, accepted, rule);
    const stored = change === undefined ? null : storedChange(change);
    const task = this.#taskOf({ outcomes, accepted, verdict, change: stored });
    return { task, outcomes, verdict };
  }

  async #sendToNodes(): Promise<NodeOutcome[]> {
    const { ctx, flight } = this.parts;
    const { plan, held, begun } = this.write;
    const { entry } = plan;
    const work = plan.work(begun.firstSequence);
    if (work.length === 0 || entry === null || held === null) return [];
    const single = entry.placement.length === 1 && entry.replicationFactor === 1;
    return await fanOut(
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
        accepted: (one) => ctx.readiness.accepted(entry, one),
        onNode: (node, job) => flight.onNode(node, job),
        isBehind: (node) => flight.isBehind(node),
        missed: (node) => flight.miss(node),
        log: ctx.log,
      },
      work,
    );
  }

  #taskOf(sent: {
    outcomes: readonly NodeOutcome[];
    accepted: ReadonlySet<NodeId>;
    verdict: Verdict | null;
    change: JsonValue;
  }): FleetTask {
    const { plan, begun } = this.write;
    const base: FleetTask = {
      ...draft(plan, this.parts.operation),
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

  async #commit({ task, outcomes, verdict }: Sent): Promise<CommitResult> {
    const { ctx, uid, lose } = this.parts;
    const { held, begun } = this.write;
    const stale = refusalOf(outcomes) === null ? (verdict?.stale ?? []) : [];
    const committed = await ctx.store.writers.commit({
      pod: ctx.pod.id,
      physicalUid: uid,
      fence: held?.fence ?? null,
      taskUid: task.uid,
      nonce: begun.nonce,
      task,
      untaken: untakenOf(task),
      stale,
    });
    if (committed.kind === 'lease-lost') lose();
    else if (stale.length > 0) await ctx.fleet.reload(committed.epoch);
    return committed;
  }

  /** What the client is told. */
  async #conclude(sent: Sent, committed: CommitResult): Promise<WriteOutcome> {
    const { ctx } = this.parts;
    const { task, outcomes, verdict } = sent;
    if (committed.kind === 'lease-lost') {
      return { task: await this.#settledByOther(task), degraded: null };
    }
    if (committed.kind === 'last-in-sync') {
      const untaken = untakenOf(task);
      ctx.webhooks.finished(untaken);
      await restoreSettings(ctx, untaken);
      throw noQuorum(committed.shards);
    }
    ctx.follower.wake();
    if (task.finishedAt !== null) ctx.webhooks.finished(task);
    if (task.status === 'failed') await restoreSettings(ctx, task);
    const { plan } = this.write;
    const stands = plan.final !== null || plan.type === 'indexDeletion';
    if (refusalOf(outcomes) === null && !stands) demandStands(sent);
    return { task, degraded: verdict === null ? null : degradedHeader(verdict) };
  }

  /** Another pod has the lease: it settles this write, and its word on it is the one that counts. */
  async #settledByOther(task: FleetTask): Promise<FleetTask> {
    while (performance.now() < this.parts.until) {
      const settled = await this.parts.ctx.store.tasks.get(task.uid);
      if (settled !== null && settled.status !== 'enqueuing') {
        if (settled.error?.['code'] !== 'miroir_interrupted') return settled;
        throw noQuorum([]);
      }
      await sleep(20);
    }
    throw noQuorum([]);
  }
}

function demandStands({ outcomes, verdict }: Sent): void {
  if (verdict !== null && verdict.lacking.length > 0) throw noQuorum(verdict.lacking);
  const missedAll = outcomes.length > 0 && outcomes.every(({ result }) => result === 'missed');
  if (missedAll) throw noQuorum([]);
}

const untakenOf = (task: FleetTask): FleetTask => finished(task, noQuorum([]).toBody());

const nodesThat = (
  outcomes: readonly NodeOutcome[],
  are: (outcome: NodeOutcome) => boolean,
): Set<NodeId> => new Set(outcomes.filter(are).map(({ work }) => work.node));

/** The error of a request that every node calls wrong; null when some node did not say so. */
function refusalOf(outcomes: readonly NodeOutcome[]): FleetTask['error'] {
  const [first] = outcomes;
  if (first === undefined || outcomes.some(({ result }) => result !== 'refused')) return null;
  const error = first.error as FleetTask['error'];
  return error ?? null;
}
