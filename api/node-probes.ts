import type { FleetCache } from './fleet-cache';
import type { Nodes } from '../meili/types';
import type { Features } from './features';
import type { Log } from './log';
import type { NodeHealth } from './node-health';

const probeMs = 1_000;
const probeDeadlineMs = 1_000;

/** Asks every node for its health at an even pace: only a probe brings back a node that went out. */
export class NodeProbes {
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly parts: {
      fleet: FleetCache;
      nodes: Nodes;
      health: NodeHealth;
      features: Features;
      log: Log;
    },
  ) {}

  start(): void {
    this.#timer = setInterval(() => void this.probe(), probeMs);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  async probe(): Promise<void> {
    const { fleet, nodes, health, features, log } = this.parts;
    const present = fleet.current().nodes;
    health.retain(new Set(present.map(({ id }) => id)));
    await Promise.all(
      present.map(async (node) => {
        try {
          await nodes.client(node).health({ deadlineMs: probeDeadlineMs });
          health.probePassed(node.id);
        } catch (error) {
          health.failed(node.id, codeOf(error));
          features.forget(node);
          return;
        }
        try {
          await features.tell(node, nodes.client(node));
        } catch (error) {
          log.warn({ node: node.id, code: codeOf(error) }, 'node was not told of features');
        }
      }),
    );
  }
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  return typeof code === 'string' ? code : 'unknown';
}
