import { createHash } from 'node:crypto';
import type { FleetNode } from '../../core/fleet';
import type { NodeId } from '../../core/ids';
import { prepareMeta, stateEpochs, writeState } from '../../meili/node-meta';
import type { SealedState } from '../../meili/node-meta';
import type { ApiContext } from '../context';
import { Sealer } from './seal';
import { collectState } from './state';
import type { MetaState } from './state';
import { WritePace } from './write-pace';

type MetaContext = Pick<
  ApiContext,
  'config' | 'store' | 'fleet' | 'nodes' | 'pod' | 'health' | 'log'
>;

const leaseName = 'meta-writer';
const leaseMs = 10_000;
/** What is too old is deleted in heaps of this size, because each deletion is a task of the node. */
const heap = 10;

export const metaSecret = ({ meta, api }: MetaContext['config']): string =>
  meta.secret ?? api.adminKey;

/** The same state is written once. Task uids rise with every write; recovery finds them on the nodes. */
const printOf = ({ nextTaskUid: _, ...state }: MetaState): string =>
  createHash('sha256').update(JSON.stringify(state)).digest('hex');

/**
 * Keeps the state of the fleet on every node. One pod does it, by a lease; it looks whether something
 * has changed since it last wrote, so no change needs to tell it. A node that was away gets the newest
 * state when it is back.
 */
export class MetaWriter {
  readonly #sealer: Sealer;
  /** What each node has got from this pod. */
  readonly #written = new Map<NodeId, string>();
  readonly #ready = new Set<NodeId>();
  readonly #paces = new Map<NodeId, WritePace>();
  #last: { print: string; state: SealedState } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> | null = null;

  constructor(private readonly ctx: MetaContext) {
    this.#sealer = new Sealer(metaSecret(ctx.config));
  }

  start(): void {
    if (!this.ctx.config.meta.enabled) return;
    this.#timer = setInterval(() => void this.write(), this.ctx.config.meta.everyMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#writing;
  }

  /** Writes what is new. Failures are logged: the next turn tries again. */
  async write(): Promise<void> {
    this.#writing ??= this.#turn()
      .catch((error: unknown) => {
        this.ctx.log.warn({ err: error }, 'the state of the fleet was not written to the nodes');
      })
      .finally(() => {
        this.#writing = null;
      });
    await this.#writing;
  }

  async #turn(): Promise<void> {
    const { pod, fleet, store } = this.ctx;
    if (!pod.ready() || fleet.lost()) return;
    if ((await store.leases.acquire(leaseName, pod.id, leaseMs)) === null) return;
    const state = await collectState(store);
    const { print, state: sealed } = await this.#sealed(state);
    await Promise.all(state.fleet.nodes.map((node) => this.#writeTo(node, print, sealed)));
  }

  async #sealed(state: MetaState): Promise<{ print: string; state: SealedState }> {
    const print = printOf(state);
    if (this.#last?.print === print) return this.#last;
    const { epoch } = state.fleet;
    const sealed = await this.#sealer.seal(JSON.stringify(state), String(epoch));
    this.#last = { print, state: { epoch, at: new Date().toISOString(), sealed } };
    return this.#last;
  }

  async #writeTo(node: FleetNode, print: string, state: SealedState): Promise<void> {
    const { health, nodes, log, config } = this.ctx;
    if (this.#written.get(node.id) === print || !health.usable(node.id)) return;
    const client = nodes.client(node);
    const pace = this.#paces.get(node.id) ?? new WritePace();
    this.#paces.set(node.id, pace);
    try {
      if (!(await pace.mayWrite(client))) return;
      if (!this.#ready.has(node.id)) await prepareMeta(client);
      this.#ready.add(node.id);
      const present = await stateEpochs(client);
      const excess = present.filter((epoch) => epoch !== state.epoch).slice(config.meta.keep - 1);
      pace.sent(await writeState(client, state, excess.length >= heap ? excess : []));
      this.#written.set(node.id, print);
    } catch (error) {
      this.#ready.delete(node.id);
      log.warn({ node: node.id, err: error }, 'a node did not take the state of the fleet');
    }
  }
}
