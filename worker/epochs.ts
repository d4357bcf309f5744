import type { Log } from '../activities/tools';
import { stateEpochs } from '../meili/node-meta';
import type { Nodes } from '../meili/types';
import type { Store } from '../store/types';

const lookMs = 2_000;

/**
 * Asks the nodes which epoch the fleet had reached, so that a worker which starts on a Redis that lost
 * its state flips and deletes nothing by it. A node that does not answer says nothing.
 */
export async function learnEpochs({
  store,
  nodes,
  log,
}: {
  readonly store: Store;
  readonly nodes: Nodes;
  readonly log: Log;
}): Promise<void> {
  const fleet = await store.fleet.load();
  await Promise.all(
    fleet.nodes.map(async (node) => {
      try {
        const [newest] = await stateEpochs(nodes.client(node), { deadlineMs: lookMs });
        if (newest !== undefined) store.fleet.raiseFloor(newest);
      } catch (error) {
        log.warn({ node: node.id, err: error }, 'a node was not asked for the epochs it has seen');
      }
    }),
  );
}
