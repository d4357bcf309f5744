import { randomUUID } from 'node:crypto';
import type { Config } from '../config/config';
import type { FleetNode } from '../core/fleet';
import type { NodeId } from '../core/ids';
import { judgeNode } from '../core/node-identity';
import type { NodeVerdict, Strangeness } from '../core/node-identity';
import {
  foreignIndexes,
  hasTask,
  identityPath,
  newestTask,
  readIdentity,
  writeIdentity,
} from '../meili/node-identity';
import type { TaskMark } from '../meili/node-identity';
import type { NodeClient, Nodes } from '../meili/types';
import { disownNode } from '../store/disown';
import type { NodeMark } from '../store/node-marks';
import type { Store } from '../store/types';
import type { FleetCache } from './fleet-cache';
import type { Log } from './log';
import type { NodeHealth } from './node-health';

export interface NodeIdentitiesParts {
  readonly config: Pick<Config, 'health'>;
  readonly store: Pick<Store, 'fleet' | 'leases' | 'nodeMarks'>;
  readonly fleet: FleetCache;
  readonly nodes: Nodes;
  readonly health: NodeHealth;
  readonly log: Log;
  /** This pod forgets what it knew of the node's disk. */
  readonly onStrange: (node: NodeId) => void;
}

type TaskSeen = { readonly uid: number; readonly enqueuedAt: string };

const namesLease = 'node-names';
const namesLeaseMs = 10_000;
/** A node that restarts is back within moments; these pauses cover its socket, not its outage. */
const trustPausesMs = [0, 20, 80, 200];

/**
 * Whether each node is the one it was. A node says who it is by a document on its disk, and that it
 * lost nothing of its past by still having the newest task that anybody saw there. One that came back
 * empty, with an old snapshot or with another's disk is not asked and gets no writes; its copies
 * become stale.
 */
export class NodeIdentities {
  readonly #marks = new Map<NodeId, NodeMark>();
  readonly #asking = new Map<NodeId, Promise<boolean>>();

  constructor(private readonly parts: NodeIdentitiesParts) {}

  /** The node may have restarted: nothing is sent there before it has said again who it is. */
  doubt(id: NodeId): void {
    const { config, fleet, health } = this.parts;
    if (!config.health.checkIdentity || health.trust(id) !== 'known') return;
    health.setTrust(id, 'unverified');
    const node = fleet.ready() ? fleet.node(id) : null;
    if (node !== null) void this.verify(node);
  }

  /** Whether a request by this path may go to the node unasked: make a key there, or be repeated. */
  maySend(node: NodeId, path: string): boolean {
    if (!this.parts.config.health.checkIdentity) return true;
    return path === identityPath || this.parts.health.trust(node) === 'known';
  }

  /** Reads what all pods have seen of the nodes' pasts. */
  async refreshMarks(): Promise<void> {
    for (const [node, mark] of await this.parts.store.nodeMarks.all()) {
      const known = this.#marks.get(node);
      const isOlder = known?.instance === mark.instance && known.taskUid >= mark.taskUid;
      if (!isOlder) this.#marks.set(node, mark);
    }
  }

  /**
   * Asks the node who it is if that is in doubt. `patient`: again for a moment while it does not
   * answer, because a write that misses a node makes its copies stale.
   */
  async trusted(id: NodeId, how: 'once' | 'patient' = 'patient'): Promise<boolean> {
    const { fleet, health } = this.parts;
    for (const pauseMs of how === 'once' ? [0] : trustPausesMs) {
      const trust = health.trust(id);
      if (trust !== 'unverified') return trust === 'known';
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const node = fleet.node(id);
      if (node === null) return false;
      await this.verify(node);
    }
    return health.mayServe(id);
  }

  /** A node task that a client may have been told of: the node must still have it later. */
  saw(id: NodeId, tasks: readonly TaskSeen[]): void {
    const instance = this.parts.fleet.node(id)?.instanceId ?? null;
    if (instance === null || this.parts.health.trust(id) !== 'known') return;
    const newest = tasks.reduce<TaskSeen | null>(
      (max, task) => (max === null || task.uid > max.uid ? task : max),
      null,
    );
    if (newest === null) return;
    this.#note(id, instance, { taskUid: newest.uid, enqueuedAt: newest.enqueuedAt });
  }

  /** Asks one node; false when it did not answer or must not serve. Calls at once share one asking. */
  async verify(node: FleetNode): Promise<boolean> {
    const before = this.#asking.get(node.id);
    if (before !== undefined) return await before;
    const asking = this.#ask(node).finally(() => this.#asking.delete(node.id));
    this.#asking.set(node.id, asking);
    return await asking;
  }

  async #ask(node: FleetNode): Promise<boolean> {
    const { health, log, config, nodes } = this.parts;
    if (!config.health.checkIdentity) return true;
    try {
      const client = nodes.client(node);
      const verdict = await this.#judge(node, client);
      if (verdict.kind === 'strange') await this.#strange(node.id, verdict.why);
      if (verdict.kind === 'unnamed' && !(await this.#name(node, client, verdict.instance))) {
        return false;
      }
      if (verdict.kind !== 'strange') health.setTrust(node.id, 'known');
      return health.mayServe(node.id);
    } catch (error) {
      log.debug({ node: node.id, err: error }, 'node did not say who it is');
      return false;
    }
  }

  async #judge(node: FleetNode, client: NodeClient): Promise<NodeVerdict> {
    const options = { deadlineMs: this.parts.config.health.probeDeadlineMs };
    const identity = await readIdentity(client, options);
    const mark = this.#marks.get(node.id);
    const counts = mark !== undefined && mark.instance === node.instanceId && identity !== null;
    const there = counts ? await hasTask(client, mark, options) : null;
    const indexes = identity === null ? (await foreignIndexes(client, options)).length : 0;
    const seen = there === null ? 'none' : there ? 'there' : 'gone';
    const verdict = judgeNode(node, { identity, indexes, mark: seen });
    if (verdict.kind === 'known' && node.instanceId !== null) {
      await this.#mark(node.id, node.instanceId, client);
    }
    return verdict;
  }

  async #mark(node: NodeId, instance: string, client: NodeClient): Promise<void> {
    const { probeDeadlineMs: deadlineMs } = this.parts.config.health;
    const newest = await newestTask(client, { deadlineMs });
    if (newest !== null) this.#note(node, instance, newest);
  }

  /** Remembers the newest task. Redis may be away: this pod's memory is kept all the same. */
  #note(node: NodeId, instance: string, newest: TaskMark): void {
    const { store, log } = this.parts;
    const known = this.#marks.get(node);
    if (known?.instance === instance && known.taskUid >= newest.taskUid) return;
    const mark = { instance, ...newest };
    this.#marks.set(node, mark);
    store.nodeMarks.note(node, mark).catch((error: unknown) => {
      log.warn({ node, err: error }, 'the newest task of a node was not noted');
    });
  }

  /** Gives a node of the first configuration its name. One pod does it at a time. */
  async #name(node: FleetNode, client: NodeClient, present: string | null): Promise<boolean> {
    const { store, fleet } = this.parts;
    const lease = await store.leases.acquire(
      `${namesLease}/${node.id}`,
      randomUUID(),
      namesLeaseMs,
    );
    if (lease === null) return false;
    try {
      if (present === null && (await readIdentity(client)) === null) {
        await writeIdentity(client, { node: node.id, instance: randomUUID() });
      }
      const identity = await readIdentity(client);
      if (identity?.node !== node.id) return false;
      const { instance: instanceId } = identity;
      const audit = { who: 'api', why: 'a node was seen first', what: `name ${node.id}` };
      const { epoch } = await store.fleet.update(audit, ({ nodes }) => {
        const known = nodes.find(({ id }) => id === node.id);
        if (known === undefined || known.instanceId !== null) return null;
        return [{ op: 'set-node', node: { ...known, instanceId } }];
      });
      void fleet.reload(epoch).catch(() => undefined);
      return true;
    } finally {
      await store.leases.release(lease);
    }
  }

  async #strange(node: NodeId, why: Strangeness): Promise<void> {
    const { health, log, onStrange, store } = this.parts;
    if (health.trust(node) !== why) {
      log.error({ node, why }, 'a node is not the one it was; it is not asked until it is rebuilt');
      onStrange(node);
    }
    health.setTrust(node, why);
    await disownNode(store, node, { who: 'api', why: `the node is ${why}` });
  }
}
