import type { NodeId } from '../core/ids';
import { xxh64Text } from '../core/hash';
import type { Strangeness } from '../core/node-identity';

/**
 * Which nodes may be asked now, from what their last requests and probes said.
 *
 * A node goes out after `failuresToLeave` failures in a row and comes back after
 * `successesToReturn` successful probes, so that one lost packet does not move its searches and one
 * lucky answer does not bring a broken node back. Only probes bring a node back: a node that is out
 * gets no searches that could succeed. A node that comes back, or is new, starts slowly: over
 * `slowStartMs` a growing share of the queries finds its home there again.
 *
 * Apart from that a node may serve only while it is known to be the node it was. A lost connection
 * may be a restart, so after one the node must say again who it is.
 */
export interface NodeHealthOptions {
  readonly failuresToLeave: number;
  readonly successesToReturn: number;
  readonly slowStartMs?: number;
  /** False: every node is taken for the one it was. */
  readonly checkIdentity?: boolean;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
}

export type Trust = 'unverified' | 'known' | Strangeness;

interface NodeRecord {
  out: boolean;
  failures: number;
  probesPassed: number;
  lastError: string | null;
  trust: Trust;
  /** When it began to serve; null: before this pod watched, so it is warm. */
  servesSince: number | null;
}

export interface NodeHealthView {
  readonly state: 'up' | 'out' | 'new';
  readonly failures: number;
  readonly lastError: string | null;
  /** Why it is `new`: it answers, but is not the node that it was. */
  readonly strange: Strangeness | null;
  /** Share of the queries whose home it is that it gets, 0 to 1. */
  readonly share: number;
}

type Move = (node: NodeId, to: NodeHealthView['state'], why: string | null) => void;

export const defaultHealthOptions: NodeHealthOptions = { failuresToLeave: 2, successesToReturn: 2 };

/** After these it may be another process that answers next, or one on another disk. */
const doubtful: ReadonlySet<string> = new Set(['node_unreachable', 'status_403']);

const isStrange = (trust: Trust): trust is Strangeness =>
  trust !== 'known' && trust !== 'unverified';

export class NodeHealth {
  readonly #records = new Map<NodeId, NodeRecord>();
  readonly #listeners: Move[] = [];
  #warmedUp = false;

  constructor(private readonly options: NodeHealthOptions = defaultHealthOptions) {}

  /** Called when a node goes out, comes back or is found to be another. */
  onMove(listener: Move): void {
    this.#listeners.push(listener);
  }

  /** From now on a node that appears or returns starts slowly. */
  watching(): void {
    this.#warmedUp = true;
  }

  usable(node: NodeId): boolean {
    return this.#records.get(node)?.out !== true && this.mayServe(node);
  }

  /** Whether it may be asked at all, be it as the last resort. */
  mayServe(node: NodeId): boolean {
    return this.trust(node) === 'known';
  }

  trust(node: NodeId): Trust {
    if (this.options.checkIdentity !== true) return 'known';
    return this.#records.get(node)?.trust ?? 'unverified';
  }

  /** A request to the node was answered, whatever the status. */
  answered(node: NodeId): void {
    const record = this.#of(node);
    if (!record.out) record.failures = 0;
  }

  /** A request or probe got no answer. `reason` is an error code, never an address or a key. */
  failed(node: NodeId, reason: string): void {
    const record = this.#of(node);
    record.failures += 1;
    record.probesPassed = 0;
    record.lastError = reason;
    if (doubtful.has(reason) && record.trust === 'known') record.trust = 'unverified';
    if (record.failures < this.options.failuresToLeave || record.out) return;
    record.out = true;
    this.#tell(node, 'out', reason);
  }

  probePassed(node: NodeId): void {
    const record = this.#of(node);
    record.failures = 0;
    record.probesPassed += 1;
    if (!record.out || record.probesPassed < this.options.successesToReturn) return;
    record.out = false;
    record.lastError = null;
    record.servesSince = this.#now();
    this.#tell(node, 'up', null);
  }

  /** What asking the node who it is has shown. */
  setTrust(node: NodeId, trust: Trust): void {
    const record = this.#of(node);
    const before = record.trust;
    record.trust = trust;
    if (before === trust) return;
    if (isStrange(trust)) this.#tell(node, 'new', trust);
    if (trust !== 'known' || !isStrange(before)) return;
    record.servesSince = this.#now();
    this.#tell(node, record.out ? 'out' : 'up', null);
  }

  /** 1 for a warm node; less while it starts slowly. */
  share(node: NodeId): number {
    const { slowStartMs = 0 } = this.options;
    const since = this.#records.get(node)?.servesSince ?? null;
    if (since === null || slowStartMs === 0) return 1;
    return Math.min(1, Math.max(0, (this.#now() - since) / slowStartMs));
  }

  /**
   * The same nodes, those last whose share does not yet reach this key. A key that a starting node has
   * got stays with it, because shares only grow.
   */
  warmFirst(order: readonly NodeId[], key: string): NodeId[] {
    const reached = (node: NodeId): boolean => {
      const share = this.share(node);
      return share >= 1 || xxh64Text(`slow start/${key}/${node}`).high / 2 ** 32 < share;
    };
    return [...order.filter(reached), ...order.filter((node) => !reached(node))];
  }

  view(node: NodeId): NodeHealthView {
    const record = this.#records.get(node);
    const trust = this.trust(node);
    const strange = isStrange(trust) ? trust : null;
    return {
      state: strange !== null ? 'new' : record?.out === true ? 'out' : 'up',
      failures: record?.failures ?? 0,
      lastError: record?.lastError ?? null,
      strange,
      share: this.share(node),
    };
  }

  /** Forgets nodes that left the fleet. */
  retain(nodes: ReadonlySet<NodeId>): void {
    for (const node of this.#records.keys()) if (!nodes.has(node)) this.#records.delete(node);
  }

  #now(): number {
    return (this.options.now ?? (() => performance.now()))();
  }

  #tell(node: NodeId, to: NodeHealthView['state'], why: string | null): void {
    for (const listener of this.#listeners) listener(node, to, why);
  }

  #of(node: NodeId): NodeRecord {
    let record = this.#records.get(node);
    if (record === undefined) {
      const servesSince = this.#warmedUp ? this.#now() : null;
      record = {
        ...{ out: false, failures: 0, probesPassed: 0, lastError: null },
        ...{ trust: 'unverified', servesSince },
      };
      this.#records.set(node, record);
    }
    return record;
  }
}
