import type { PhysicalUid } from '../../core/ids';
import type { ApiContext } from '../context';
import { clientOf } from '../client-of';
import { Flight } from './flight';
import { Places } from './places';
import type { Readiness } from './readiness';
import { settleOutstanding } from './settle';
import type { Held } from './tenure';
import { Tenure } from './tenure';

export type WriterContext = Pick<
  ApiContext,
  | 'config'
  | 'store'
  | 'fleet'
  | 'nodes'
  | 'pod'
  | 'log'
  | 'health'
  | 'identities'
  | 'disks'
  | 'follower'
  | 'webhooks'
  | 'temporal'
> & {
  readonly readiness: Readiness;
  readonly nextNonce: () => string;
  /** Nonces of the writes that this pod is carrying out. */
  readonly running: Set<string>;
};

/** All writes of this pod to one index on the nodes, begun one after the other. */
export class IndexWriter {
  readonly flight = new Flight();
  readonly places: Places;
  readonly tenure: Tenure;

  constructor(
    private readonly ctx: WriterContext,
    private readonly uid: PhysicalUid,
  ) {
    this.places = new Places(
      {
        store: ctx.store,
        client: (node) => clientOf(ctx, node),
        usable: (node) => ctx.health.usable(node),
      },
      uid,
    );
    const { writerLeaseMs, writerHoldMs } = ctx.config.writes;
    this.tenure = new Tenure(
      {
        writers: ctx.store.writers,
        pod: ctx.pod.id,
        leaseMs: writerLeaseMs,
        holdMs: writerHoldMs,
        begun: (held, alone) => this.#begun(held, alone),
        drained: () => this.flight.drained(),
      },
      uid,
    );
  }

  /** Takes the lease if it is free and ends what others left. */
  async settle(until: number): Promise<void> {
    await this.tenure.hold(until);
    await this.tenure.release();
  }

  async #begun(held: Held, alone: boolean): Promise<void> {
    if (alone) return;
    await settleOutstanding(this.ctx, { physicalUid: this.uid, fence: held.fence });
    await this.places.reload();
  }
}
