import type { Epoch, NodeId } from '../../core/ids';
import { stateEpochs } from '../../meili/node-meta';
import type { ApiContext } from '../context';

/** What the nodes say of the epochs that the fleet has reached. */
export interface SeenStates {
  readonly node: NodeId;
  /** Newest first. */
  readonly epochs: readonly Epoch[];
}

type LookContext = Pick<ApiContext, 'config' | 'store' | 'fleet' | 'nodes' | 'log'>;

/** Asks every node that answers. What they have seen is remembered: no state below it is taken. */
export async function lookForStates(ctx: LookContext): Promise<SeenStates[]> {
  const { config, fleet, log, nodes, store } = ctx;
  const deadlineMs = config.health.probeDeadlineMs;
  const seen = await Promise.all(
    fleet.current().nodes.map(async (node): Promise<SeenStates> => {
      try {
        return { node: node.id, epochs: await stateEpochs(nodes.client(node), { deadlineMs }) };
      } catch (error) {
        log.warn({ node: node.id, err: error }, 'a node was not asked for states of the fleet');
        return { node: node.id, epochs: [] };
      }
    }),
  );
  for (const { epochs } of seen) store.fleet.raiseFloor(epochs[0] ?? (0 as Epoch));
  return seen;
}
