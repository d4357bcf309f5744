import type { NodeId } from '../core/ids';

/**
 * Which nodes may be asked now, from what their last requests and probes said.
 *
 * A node goes out after `failuresToLeave` failures in a row and comes back after
 * `successesToReturn` successful probes, so that one lost packet does not move its searches and one
 * lucky answer does not bring a broken node back. Only probes bring a node back: a node that is out
 * gets no searches that could succeed.
 */
export interface NodeHealthOptions {
  readonly failuresToLeave: number;
  readonly successesToReturn: number;
}

interface NodeRecord {
  out: boolean;
  failures: number;
  probesPassed: number;
  lastError: string | null;
}

export const defaultHealthOptions: NodeHealthOptions = { failuresToLeave: 2, successesToReturn: 2 };

export class NodeHealth {
  readonly #records = new Map<NodeId, NodeRecord>();

  constructor(private readonly options: NodeHealthOptions = defaultHealthOptions) {}

  usable(node: NodeId): boolean {
    return this.#records.get(node)?.out !== true;
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
    if (record.failures >= this.options.failuresToLeave) record.out = true;
  }

  probePassed(node: NodeId): void {
    const record = this.#of(node);
    record.failures = 0;
    record.probesPassed += 1;
    if (record.probesPassed >= this.options.successesToReturn) {
      record.out = false;
      record.lastError = null;
    }
  }

  view(node: NodeId): { state: 'up' | 'out'; failures: number; lastError: string | null } {
    const record = this.#records.get(node);
    return {
      state: record?.out === true ? 'out' : 'up',
      failures: record?.failures ?? 0,
      lastError: record?.lastError ?? null,
    };
  }

  /** Forgets nodes that left the fleet. */
  retain(nodes: ReadonlySet<NodeId>): void {
    for (const node of this.#records.keys()) if (!nodes.has(node)) this.#records.delete(node);
  }

  #of(node: NodeId): NodeRecord {
    let record = this.#records.get(node);
    if (record === undefined) {
      record = { out: false, failures: 0, probesPassed: 0, lastError: null };
      this.#records.set(node, record);
    }
    return record;
  }
}
