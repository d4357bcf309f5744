import { setMaxListeners } from 'node:events';
import type { PhysicalUid, PodId } from '../../core/ids';
import { MeiliError } from '../../core/errors';
import type { WriterStore } from '../../store/types';
import { sleep } from './node-fault';

export interface TenureParts {
  readonly writers: WriterStore;
  readonly pod: PodId;
  readonly leaseMs: number;
  /** The shortest a pod keeps the lease, so that two pods alternate batches and not single writes. */
  readonly holdMs: number;
  /**
   * Called with a new lease before anything is written under it. `alone`: no other pod has held it
   * since this one did.
   */
  readonly begun: (tenure: Held, alone: boolean) => Promise<void>;
  /** Resolves when no write under the lease is under way. */
  readonly drained: () => Promise<void>;
}

export interface Held {
  readonly fence: number;
  readonly previous: { readonly pod: PodId; readonly fence: number } | null;
  /** Aborted when the lease is known to be lost: no request may still go out under it. */
  readonly signal: AbortSignal;
  /** Whether the lease is in force for sure, by this pod's clock. */
  readonly inForce: () => boolean;
}

interface Current extends Held {
  readonly since: number;
  until: number;
  readonly abort: AbortController;
  renewing: NodeJS.Timeout;
}

/**
 * This pod's turns as the writer of one index. The lease is kept while there are writes, given back
 * when another pod wants it after `holdMs`, and when the queue has been empty for as long.
 */
export class Tenure {
  #current: Current | null = null;
  #lastFence: number | null = null;
  #idle: NodeJS.Timeout | null = null;
  #retryAt = 0;
  #holds = 0;
  #askedAt = 0;

  constructor(
    private readonly parts: TenureParts,
    private readonly uid: PhysicalUid,
  ) {}

  /** The lease in force, taken now if need be; waits for another pod to hand it over. */
  async hold(until: number): Promise<Held> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#holds += 1;
    const current = this.#current;
    if (current !== null && current.inForce()) return current;
    if (current !== null) this.lose();
    // Those under the last lease are broken off; what they left on the nodes is looked for under the next.
    await this.parts.drained();
    await sleep(Math.max(0, this.#retryAt - performance.now()));
    let pause = 2;
    for (;;) {
      const sentAt = performance.now();
      const acquired = await this.parts.writers.acquire(
        this.uid,
        this.parts.pod,
        this.parts.leaseMs,
      );
      if (acquired.ok) return await this.#begin(acquired, sentAt);
      if (sentAt >= until) {
        throw new MeiliError(
          'miroir_not_ready',
          'Another pod is writing to this index and did not hand over in time; nothing was written. Retry.',
        );
      }
      await sleep(pause);
      pause = Math.min(pause * 2, 16);
    }
  }

  /** While more writes wait: hands over if another pod has waited and this one had its share. */
  async share(): Promise<void> {
    const current = this.#current;
    if (current === null) return;
    const now = performance.now();
    if (now - Math.max(current.since, this.#askedAt) < this.parts.holdMs) return;
    this.#askedAt = now;
    if (!(await this.#renew(current))) return;
    await this.parts.drained();
    await this.release();
    // Longer than the other pod sleeps between its tries, or it would never get a turn.
    this.#retryAt = performance.now() + 40;
  }

  /** When no write waits any more: gives the lease back in a while, if none comes. */
  idle(): void {
    if (this.#current === null) return;
    this.#idle ??= setTimeout(() => {
      this.#idle = null;
      this.#releaseIdle().catch(() => undefined);
    }, this.parts.holdMs);
    this.#idle.unref();
  }

  /** A write that came while the last ones ended keeps the lease. */
  async #releaseIdle(): Promise<void> {
    const holds = this.#holds;
    await this.parts.drained();
    if (holds === this.#holds) await this.release();
  }

  /** Gives the lease back. Nothing of this index may be under way. */
  async release(): Promise<void> {
    const current = this.#current;
    if (current === null) return;
    this.#stop();
    await this.parts.writers.release(this.uid, this.parts.pod, current.fence);
  }

  /** The lease is gone, or must be taken for gone: requests under it are broken off. */
  lose(): void {
    this.#current?.abort.abort();
    this.#stop();
    // Whoever writes next must look at what was left: also this pod.
    this.#lastFence = null;
  }

  /** Asks Redis whether the lease is still held; for a pod that was told it may have been shut out. */
  async confirm(): Promise<void> {
    const current = this.#current;
    if (current !== null) await this.#renew(current);
  }

  #stop(): void {
    if (this.#current !== null) clearTimeout(this.#current.renewing);
    this.#current = null;
  }

  async #begin(
    acquired: { fence: number; previous: { pod: PodId; fence: number } | null },
    sentAt: number,
  ): Promise<Held> {
    const abort = new AbortController();
    // Every request under way listens to it.
    setMaxListeners(0, abort.signal);
    const current: Current = {
      fence: acquired.fence,
      previous: acquired.previous,
      signal: abort.signal,
      abort,
      since: performance.now(),
      until: sentAt + this.parts.leaseMs,
      inForce: () => this.#current === current && performance.now() < current.until,
      renewing: setTimeout(() => undefined, 0),
    };
    this.#current = current;
    this.#scheduleRenewal(current);
    const last = this.#lastFence;
    const alone = last !== null && acquired.previous === null && acquired.fence <= last + 1;
    try {
      await this.parts.begun(current, alone);
    } catch (error) {
      this.lose();
      throw error;
    }
    this.#lastFence = acquired.fence;
    return current;
  }

  #scheduleRenewal(current: Current): void {
    current.renewing = setTimeout(() => {
      this.#renew(current)
        .catch(() => false)
        .finally(() => {
          if (this.#current === current) this.#scheduleRenewal(current);
        });
    }, this.parts.leaseMs / 3);
    current.renewing.unref();
  }

  /** Whether another pod wants the lease. */
  async #renew(current: Current): Promise<boolean> {
    const sentAt = performance.now();
    const { pod, leaseMs, writers } = this.parts;
    const renewed = await writers.renew(this.uid, pod, current.fence, leaseMs);
    if (this.#current !== current) return false;
    if (renewed.ok) current.until = sentAt + leaseMs;
    else this.lose();
    return renewed.ok && renewed.wanted;
  }
}
