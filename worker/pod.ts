import { randomUUID } from 'node:crypto';
import { podId } from '../core/ids';
import type { Epoch, PodId } from '../core/ids';
import type { Store } from '../store/types';
import type { Log } from '../activities/tools';

/**
 * This process among the registered ones. A worker keeps no copy of the fleet's state: every activity
 * loads it. So it may acknowledge an epoch as soon as it knows of it, and a lost lease is only
 * registered anew; what fences its sending are the attempt numbers.
 */
export class WorkerPod {
  readonly id: PodId = podId(`worker-${randomUUID()}`);
  readonly nodeKeyUid: string = randomUUID();
  #timer: NodeJS.Timeout | null = null;
  #unwatch: () => void = () => undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly log: Log,
  ) {}

  async start(heartbeatMs: number): Promise<void> {
    await this.#forgetDead();
    await this.#register();
    await this.#beat();
    this.#unwatch = this.store.fleet.watch(() => this.#beatSoon());
    this.#timer = setInterval(() => this.#beatSoon(), heartbeatMs);
  }

  /** Signs off; nothing may be sent after it. */
  async close(): Promise<void> {
    this.#unwatch();
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#beating;
    await this.store.pods.unregister(this.id).catch((error: unknown) => {
      this.log.warn({ err: error }, 'the worker could not sign off; its lease will run out');
    });
  }

  /** One after another, so that an older epoch is never acknowledged after a newer one. */
  #beatSoon(): void {
    this.#beating = this.#beating
      .then(() => this.#beat())
      .catch((error: unknown) => this.log.warn({ err: error }, 'heartbeat failed'));
  }

  async #beat(): Promise<void> {
    const epoch = await this.store.fleet.epoch();
    const { ok } = await this.store.pods.heartbeat(this.id, epoch);
    if (!ok) await this.#register();
  }

  /**
   * A worker that was killed signs nothing off. Nobody has to settle anything for it, so its record may
   * go when no request of it can be under way any more: `lagging` names it until then.
   */
  async #forgetDead(): Promise<void> {
    const { pods, fleet } = this.store;
    const next = ((await fleet.epoch()) + 1) as Epoch;
    const lagging = new Set(await pods.lagging(next));
    for (const { id, kind, alive } of await pods.list()) {
      if (kind === 'worker' && !alive && !lagging.has(id)) await pods.unregister(id);
    }
  }

  async #register(): Promise<void> {
    const { id, nodeKeyUid } = this;
    await this.store.pods.register({ id, kind: 'worker', nodeKeyUid });
  }
}
