import type { NodeId } from '../core/ids';
import { createKeyedSender } from './keyed-sender';
import { clientOver, deleteKey } from './node-client';
import { createTransport } from './transport';
import type { Transport, TransportOptions } from './transport';
import type { NodeClient, Nodes, NodesOptions } from './types';

interface Known {
  readonly url: string;
  readonly transport: Transport;
  readonly client: NodeClient;
}

/**
 * The clients of all nodes. One per node id; a node that comes back under another url gets a new one.
 * The master key stays within: it makes and deletes node keys, nothing else.
 */
export function createNodes(
  options: NodesOptions,
  /** How a node is reached; the model of the fleet has its own network. */
  connect: (to: TransportOptions) => Transport = createTransport,
): Nodes {
  const known = new Map<string, Known>();
  const open = (id: NodeId, url: string): Known => {
    const before = known.get(id);
    if (before !== undefined && before.url === url) return before;
    const transport = connect({
      ...options,
      url,
      onLost: () => options.onConnectionLost?.(id),
      mayResend: (path) => options.mayResend?.(id, path) ?? true,
    });
    const client = clientOver(createKeyedSender(transport, id, options));
    const now = { url, transport, client };
    known.set(id, now);
    void before?.transport.close();
    return now;
  };
  return {
    client: (node) => open(node.id, node.url).client,
    revokeKey: async (node, nodeKeyUid, call) => {
      const { transport } = open(node.id, node.url);
      await deleteKey((request) => transport.send(request, options.masterKey), nodeKeyUid, call);
    },
    close: async () => {
      const all = [...known.values()];
      known.clear();
      await Promise.all(all.map(({ transport }) => transport.close()));
    },
  };
}
