import type { Config } from '../config/config';
import type { Nodes, NodesOptions } from '../meili/types';
import type { Store } from '../store/types';
import type { FleetCache } from './fleet-cache';
import type { Log } from './log';
import type { Metrics } from './metrics/metrics';
import { NodeHealth } from './node-health';
import { NodeIdentities } from './node-identities';
import type { Pod } from './pod';
import type { WriteService } from './writes/write-service';

export interface NodeAccess {
  readonly nodes: Nodes;
  readonly health: NodeHealth;
  readonly identities: NodeIdentities;
}

/**
 * The clients of the nodes with what decides whether they may be used: this pod's leases, and whether
 * the node is the one that it was. `writes` is asked late, because it needs these clients itself.
 */
export function accessNodes(parts: {
  readonly config: Config;
  readonly store: Store;
  readonly fleet: FleetCache;
  readonly pod: Pod;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly writes: () => WriteService | null;
  readonly createNodes: (options: NodesOptions) => Nodes;
}): NodeAccess {
  const { config, store, fleet, pod, log, metrics, writes, createNodes } = parts;
  let identities: NodeIdentities | null = null;
  const nodes = createNodes({
    masterKey: config.nodes.key,
    nodeKeyUid: pod.nodeKeyUid,
    deadlineMs: config.nodes.deadlineMs,
    mayRecreateKey: async (node, path) =>
      (identities?.maySend(node, path) ?? true) && ((await writes()?.confirmLeases()) ?? true),
    onConnectionLost: (node) => identities?.doubt(node),
    mayResend: (node, path) => identities?.maySend(node, path) ?? true,
  });
  const health = new NodeHealth(config.health);
  health.onMove((node, to, why) => metrics.nodeMoved(node, to, why));
  identities = new NodeIdentities({
    ...{ config, store, fleet, nodes, health, log },
    onStrange: (node) => writes()?.forgetNode(node),
  });
  return { nodes, health, identities };
}
