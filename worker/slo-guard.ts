import type { Client } from '@temporalio/client';
import type { Log } from '../activities/tools';
import { measuredRate } from '../activities/plan/measure';
import type { Config } from '../config/config';
import { breaches, guard, sumFigures, untouched } from '../core/slo';
import type { OperationKind } from '../core/operations';
import type { GuardDecision, SloFigures } from '../core/slo';
import type { Nodes } from '../meili/types';
import type { JobView } from '../store/record-types';
import type { Store } from '../store/types';

export interface SloGuardParts {
  readonly config: Pick<Config, 'slo'>;
  readonly store: Store;
  readonly nodes: Nodes;
  readonly steer: Steer;
  readonly log: Log;
  readonly id: string;
  readonly now?: () => number;
}

/** Sends one Update to a run; throws what Temporal says. */
export type Steer = (operation: string, update: string, message: object) => Promise<void>;

export const steerBy =
  (client: Client): Steer =>
  async (operation, update, message) => {
    await client.workflow
      .getHandle(operation)
      .executeUpdate<unknown, [object]>(update, { args: [message] });
  };

const leaseName = 'slo-guard';
/** Operations that move documents and pass an operator's commands on to their syncs. */
const kinds: readonly OperationKind[] = [
  'rebalance',
  'add-node',
  'drain-node',
  'remove-node',
  'repair',
  'rebuild',
  'anti-entropy',
  'set-node',
  'replace-node',
  'add-group',
  'remove-group',
  'set-replication',
  'reshard',
  'upgrade',
];
const guarded: ReadonlySet<string> = new Set(kinds);
const jobsMax = 1_000;
const queueDeadlineMs = 2_000;
const who = 'slo-guard';

/**
 * Watches what users get while operations run, and slows, pauses or rolls back these. One worker does
 * it at a time. What it has done stands in Redis, so another worker goes on with it.
 */
export class SloGuard {
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;

  constructor(private readonly parts: SloGuardParts) {}

  start(): void {
    const { slo } = this.parts.config;
    if (slo.action === 'off') return;
    this.#timer = setInterval(() => void this.look(), slo.everyMs);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#looking;
  }

  async look(): Promise<void> {
    this.#looking ??= this.#turn()
      .catch((error: unknown) => {
        this.parts.log.warn({ err: error }, 'the guard of the service level could not look');
      })
      .finally(() => {
        this.#looking = null;
      });
    await this.#looking;
  }

  async #turn(): Promise<void> {
    const { config, store, id } = this.parts;
    const lease = await store.leases.acquire(leaseName, id, config.slo.everyMs * 4);
    if (lease === null) return;
    const jobs = (await store.jobs.list({ limit: jobsMax })).filter(
      ({ kind, finishedAt, status }) =>
        guarded.has(kind) && finishedAt === undefined && ['running', 'paused'].includes(status),
    );
    if (jobs.length === 0) return;
    const figures = await this.#figures();
    const measured = await measuredRate({ store });
    for (const job of jobs) await this.#guard(job, figures, measured);
  }

  #now(): number {
    return (this.parts.now ?? Date.now)();
  }

  async #figures(): Promise<SloFigures> {
    const { config, store } = this.parts;
    const pods = await store.figures.recent(this.#now(), config.slo.everyMs * 3);
    return sumFigures(pods, {
      nodeQueueTasks: await this.#deepestQueue(),
      canaries: await this.#redCanaries(),
    });
  }

  async #deepestQueue(): Promise<number> {
    const { store, nodes } = this.parts;
    const depths = await Promise.all(
      (await store.fleet.load()).nodes.map(async (node) => {
        const query = { statuses: ['enqueued' as const], limit: 1, deadlineMs: queueDeadlineMs };
        // A node that does not answer shows in the errors of requests, if it matters to them.
        const page = await nodes
          .client(node)
          .tasks(query)
          .catch(() => null);
        return page?.total ?? 0;
      }),
    );
    return Math.max(0, ...depths);
  }

  async #redCanaries(): Promise<string[]> {
    const { store } = this.parts;
    const red: string[] = [];
    for (const { id, enabled } of await store.canaries.list()) {
      const [last] = enabled ? await store.canaryRuns.list(id, 1) : [];
      if (last !== undefined && !last.ok) red.push(id);
    }
    return red;
  }

  async #guard(job: JobView, figures: SloFigures, measured: number): Promise<void> {
    const { config, store } = this.parts;
    const { slo } = config;
    if (slo.action === 'off') return;
    const found = breaches(figures, slo);
    const state = (await store.figures.guardState(job.id)) ?? untouched;
    const rate = job.progress['documentsPerSecond'];
    const decision = guard({
      ...{ state, now: this.#now(), bad: found.length > 0, measuredRate: measured },
      rate: typeof rate === 'number' ? rate : null,
      pausedByOther: job.progress['paused'] === true && !state.paused,
      ...{ farthest: slo.action, breachMs: slo.breachMs, recoverMs: slo.recoverMs },
    });
    const done = decision.step === null || (await this.#take(job, decision, { found, figures }));
    // A step that was refused is tried again at the next look, from the same state.
    await store.figures.setGuardState(job.id, done ? decision.state : state);
  }

  async #take(
    job: JobView,
    { step, documentsPerSecond = null }: GuardDecision,
    { found, figures }: { readonly found: readonly string[]; readonly figures: SloFigures },
  ): Promise<boolean> {
    const { store, log } = this.parts;
    const why = found.length === 0 ? 'all is well again' : found.join('; ');
    const rate = documentsPerSecond === null ? 'none' : String(documentsPerSecond);
    let what = step === 'halve' || step === 'restore' ? `${step}: rate ${rate}` : (step ?? '');
    let done = true;
    try {
      await this.#send(job, step, documentsPerSecond);
    } catch (error) {
      done = false;
      what = `${what} was refused: ${error instanceof Error ? error.message : 'no reason'}`;
    }
    const { canaries, ...numbers } = figures;
    await store.figures.addEvent(job.id, {
      ...{ at: this.#now(), who, what, why },
      figures: { ...numbers, canaries: canaries.join(',') },
    });
    log.warn({ operation: job.id, what, why }, 'the guard of the service level acted');
    return done;
  }

  async #send(job: JobView, step: GuardDecision['step'], rate: number | null): Promise<void> {
    const { steer } = this.parts;
    const id = job.temporal.workflowId;
    switch (step) {
      case 'halve':
      case 'restore':
        return await steer(id, 'setThrottle', { who, documentsPerSecond: rate });
      case 'pause':
        return await steer(id, 'pause', { who });
      case 'resume':
        return await steer(id, 'resume', { who });
      case 'rollback':
        return await steer(id, job.progress['reversible'] === true ? 'reverse' : 'cancel', { who });
      case null:
        return;
    }
  }
}
