import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config';
import type { Epoch, PodId } from '../core/ids';
import { podId } from '../core/ids';
import type { PodStore } from '../store/types';
import type { Log } from './log';

export interface PodParts {
  readonly config: Pick<Config, 'pods'>;
  readonly pods: PodStore;
  readonly log: Log;
  /** The epoch of the state that this pod routes by. */
  readonly epoch: () => Epoch;
  /** Told of an epoch that this pod has not heard of: a message about it got lost. */
  readonly behind: (epoch: Epoch) => void;
}

/**
 * This process among the others: registered with a short lease, renewed by heartbeats that also say
 * which epoch it routes by. A pod that cannot renew goes unready when its lease is over, by its own
 * clock counted from before the renewal was sent, so never later than Redis thinks.
 */
export class Pod {
  readonly id: PodId = podId(`api-${randomUUID()}`);
  /** The uid of the key that this pod writes to nodes with. Deleting that key shuts the pod out. */
  readonly nodeKeyUid: string = randomUUID();
  #leaseUntil = 0;
  #timer: NodeJS.Timeout | null = null;
  #beating: Promise<void> | null = null;
  #closed = false;
  readonly #onLost: (() => Promise<void>)[] = [];

  constructor(private readonly parts: PodParts) {}

  /** Whether the lease is in force; without it the pod must neither read nor write for clients. */
  ready(): boolean {
    return !this.#closed && performance.now() < this.#leaseUntil;
  }

  /** Called, and awaited before the pod registers anew, when its lease was over. */
  onLost(listener: () => Promise<void>): void {
    this.#onLost.push(listener);
  }

  async start(): Promise<void> {
    await this.#register();
    await this.beat();
    this.#timer = setInterval(() => {
      this.beat().catch((error: unknown) => {
        this.parts.log.warn({ err: error }, 'heartbeat failed');
      });
    }, this.parts.config.pods.heartbeatMs);
    this.#timer.unref();
  }

  /** Renews now: also called when a new epoch was loaded, since barriers wait for it. */
  async beat(): Promise<void> {
    if (this.#closed) return;
    this.#beating ??= this.#beatOnce().finally(() => {
      this.#beating = null;
    });
    await this.#beating;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#beating?.catch(() => undefined);
    await this.parts.pods.unregister(this.id).catch((error: unknown) => {
      this.parts.log.warn({ err: error }, 'pod could not sign off; its lease will run out');
    });
  }

  async #beatOnce(): Promise<void> {
    const sentAt = performance.now();
    const { ok, epoch } = await this.parts.pods.heartbeat(this.id, this.parts.epoch());
    if (epoch > this.parts.epoch()) this.parts.behind(epoch);
    if (ok) {
      this.#leaseUntil = sentAt + this.parts.config.pods.leaseMs;
      return;
    }
    this.parts.log.warn({ pod: this.id }, 'pod lost its lease; registering anew');
    this.#leaseUntil = 0;
    // Whoever thought this pod dead has settled its writes: none may be sent any more.
    for (const listener of this.#onLost) await listener();
    await this.#register();
  }

  async #register(): Promise<void> {
    const sentAt = performance.now();
    await this.parts.pods.register({ id: this.id, kind: 'api', nodeKeyUid: this.nodeKeyUid });
    this.#leaseUntil = sentAt + this.parts.config.pods.leaseMs;
  }
}
