import type { Config } from '../config/config';
import type { FleetNode } from '../core/fleet';
import type { Nodes } from '../meili/types';
import type { Features } from './features';
import type { FleetCache } from './fleet-cache';
import type { Log } from './log';
import type { NodeHealth } from './node-health';
import type { NodeIdentities } from './node-identities';

export interface NodeProbesParts {
  readonly config: Pick<Config, 'health'>;
  readonly fleet: FleetCache;
  readonly nodes: Nodes;
  readonly health: NodeHealth;
  readonly identities: NodeIdentities;
  readonly features: Features;
  readonly log: Log;
}

/**
 * Asks every node at an even pace whether it is well and who it is: only a probe brings back a node
 * that went out, or lets one serve that is new.
 */
export class NodeProbes {
  #timer: NodeJS.Timeout | null = null;
  #probing: Promise<void> | null = null;

  constructor(private readonly parts: NodeProbesParts) {}

  /** The first round is awaited: a pod asks no node that it has not looked at. */
  async start(): Promise<void> {
    await this.probe();
    this.parts.health.watching();
    this.#timer = setInterval(() => void this.probe(), this.parts.config.health.probeMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#probing;
  }

  /** A round that lasts longer than the pace is not overtaken by the next one. */
  probe(): Promise<void> {
    this.#probing ??= this.#round().finally(() => {
      this.#probing = null;
    });
    return this.#probing;
  }

  async #round(): Promise<void> {
    const { fleet, health, identities, log } = this.parts;
    const present = fleet.current().nodes;
    health.retain(new Set(present.map(({ id }) => id)));
    const marks = identities.refreshMarks().catch((error: unknown) => {
      log.warn({ err: error }, 'the newest tasks of the nodes could not be read');
    });
    // Without Redis the marks that this pod remembers have to do.
    await Promise.race([marks, until(this.parts.config.health.probeDeadlineMs)]);
    await Promise.all(present.map((node) => this.#probeNode(node)));
  }

  async #probeNode(node: FleetNode): Promise<void> {
    const { config, nodes, health, identities, features, log } = this.parts;
    try {
      await nodes.client(node).health({ deadlineMs: config.health.probeDeadlineMs });
    } catch (error) {
      health.failed(node.id, codeOf(error));
      features.forget(node);
      return;
    }
    if (!(await identities.verify(node))) return;
    health.probePassed(node.id);
    try {
      await features.tell(node, nodes.client(node));
    } catch (error) {
      log.warn({ node: node.id, code: codeOf(error) }, 'node was not told of features');
    }
  }
}

function until(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : 'unknown';
}
