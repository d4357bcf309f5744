import type { NodeId } from '../core/ids';
import type { NodeClient, Nodes } from '../meili/types';
import type { FleetCache } from './fleet-cache';

/** The client of a node by its id; null when the node has left the fleet. */
export function clientOf(
  { fleet, nodes }: { readonly fleet: FleetCache; readonly nodes: Nodes },
  id: NodeId,
): NodeClient | null {
  const node = fleet.node(id);
  return node === null ? null : nodes.client(node);
}
